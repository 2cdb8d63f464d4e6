"""The calls with which a third-party platform gets its tokens.

A secret and a ticket go in, a token comes out.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from wxrevenue.sandbox._ams.authorization import Authorizations, check_caller
from wxrevenue.sandbox._ams.envelopes import plain
from wxrevenue.sandbox._ams.tokens import AUTHORIZER, COMPONENT, OVERLAP
from wxrevenue.sandbox._call import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from wxrevenue.sandbox._ams.books import Provider
    from wxrevenue.sandbox._ams.push import Pushes
    from wxrevenue.sandbox._ams.tokens import Tokens
    from wxrevenue.sandbox._call import Answer, Call

PREFIX = "/cgi-bin/component/"


class Platform:
    """Answers the calls below ``/cgi-bin/component/``.

    Args:
        providers: who may call, by appid.
        tokens: what is handed out.
        pushes: where tickets come from.
        now: the time in Unix seconds.
    """

    def __init__(self, providers: Mapping[str, Provider], tokens: Tokens, pushes: Pushes, now: Callable[[], float]) -> None:
        self.providers, self.tokens, self._pushes, self._now = providers, tokens, pushes, now
        self._grants: defaultdict[str, list[float]] = defaultdict(list)
        """For each Mini Program, until when each but the last of its refresh tokens works."""
        self._pushing: set[str] = set()
        self._calls: dict[str, Callable[[Call, Mapping[str, object]], Answer]] = {
            "api_component_token": self._component_token,
            "api_authorizer_token": self._authorizer_token,
            "api_start_push_ticket": self._start_push,
        }
        self.authorizations = Authorizations(tokens, self.refresh_token, now)

    def answer(self, call: Call) -> Answer | None:
        """Carry a call out; ``None`` where there is no such call."""
        name = call.path.removeprefix(PREFIX)
        found, of_authorization = self._calls.get(name), self.authorizations.calls.get(name)
        if found is None and of_authorization is None:
            return None
        if call.method != "POST":
            raise RefusedError(43002)
        if of_authorization is not None:
            return of_authorization(self._caller(call, call.payload()), call.payload())
        return found(call, call.payload()) if found else None

    def paths(self) -> list[str]:
        """Return what is served, as ``method path``."""
        return [f"POST {PREFIX}{name}" for name in (*self._calls, *self.authorizations.calls)]

    def secret(self, appid: str) -> str:
        """Return a provider's secret."""
        return f"sandbox-secret-{appid}"

    def is_pushing(self, appid: str) -> bool:
        """Return whether the provider had the push of tickets started."""
        return appid in self._pushing

    def refresh_token(self, program: str) -> str:
        """Return the current refresh token of a Mini Program."""
        return _refresh_token(program, len(self._grants.get(program, ())))

    def authorize(self, program: str) -> str:
        """Let a Mini Program authorize its provider anew; return its new refresh token.

        Beside it the old one works a little longer.
        """
        self._grants[program].append(self._now() + OVERLAP)
        return self.refresh_token(program)

    def _component_token(self, _call: Call, payload: Mapping[str, object]) -> Answer:
        who = self._known(payload, "component_appsecret")
        code = self._pushes.refusal(who.appid, str(payload.get("component_verify_ticket")))
        if code is not None:
            raise RefusedError(code)
        # A good answer of this call has no errcode.
        return plain({"component_access_token": self.tokens.hand_out(COMPONENT, who.appid), "expires_in": self.tokens.lifetime})

    def _authorizer_token(self, call: Call, payload: Mapping[str, object]) -> Answer:
        who = self._caller(call, payload)
        program, sent = payload.get("authorizer_appid"), payload.get("authorizer_refresh_token")
        if not isinstance(program, str) or program not in who.programs:
            raise RefusedError(61003)
        if sent not in self._good_refresh_tokens(program):
            raise RefusedError(61023)
        token = {"authorizer_access_token": self.tokens.hand_out(AUTHORIZER, program), "expires_in": self.tokens.lifetime}
        return plain({**token, "authorizer_refresh_token": self.refresh_token(program)})

    def _caller(self, call: Call, payload: Mapping[str, object]) -> Provider:
        code = self.tokens.refusal(call.token, 61014)
        if code is not None:
            raise RefusedError(code)
        return check_caller(self.providers.get(self.tokens.owner(call.token or "") or ""), payload)

    def _start_push(self, _call: Call, payload: Mapping[str, object]) -> Answer:
        who = self._known(payload, "component_secret")
        said = "in a normal state" if who.appid in self._pushing else "ok"
        self._pushing.add(who.appid)
        return plain({"errcode": 0, "errmsg": said})

    def _known(self, payload: Mapping[str, object], secret: str) -> Provider:
        who, sent = self.providers.get(str(payload.get("component_appid"))), payload.get(secret)
        if who is None:
            raise RefusedError(40013)
        if not sent:
            raise RefusedError(41004)
        if sent != self.secret(who.appid):
            raise RefusedError(40125)
        return who

    def _good_refresh_tokens(self, program: str) -> list[str]:
        old = [_refresh_token(program, number) for number, until in enumerate(self._grants.get(program, ())) if self._now() < until]
        return [*old, self.refresh_token(program)]


def _refresh_token(program: str, number: int) -> str:
    return f"sandbox-refresh-{program}-{number + 1}"
