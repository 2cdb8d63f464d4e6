"""How Mini Programs authorize a provider.

There are codes for the link, codes to redeem, and a list of the authorizers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wxrevenue.sandbox._ams.envelopes import plain
from wxrevenue.sandbox._ams.tokens import AUTHORIZER
from wxrevenue.sandbox._call import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from wxrevenue.sandbox._ams.books import Provider
    from wxrevenue.sandbox._ams.tokens import Tokens
    from wxrevenue.sandbox._call import Answer

_PRE_CODE_LIFE, CODE_LIFE = 600, 3600
_PERMISSIONS = (135, 18)
_LARGEST_LIST = 500
_MISSING, _WRONG_APPID, _NOT_AUTHORIZED, _USED, _EXPIRED = 47001, 40013, 61003, 61009, 61010


class Authorizations:
    """Answers the calls about authorizations.

    The Mini Programs of a provider have authorized it from the beginning.

    Args:
        tokens: what is handed out.
        refresh_token: the current refresh token of a Mini Program.
        now: the time in Unix seconds.
    """

    def __init__(self, tokens: Tokens, refresh_token: Callable[[str], str], now: Callable[[], float]) -> None:
        self._tokens, self._refresh_token, self._now = tokens, refresh_token, now
        self._pre_codes = 0
        self._codes: dict[str, tuple[str, float]] = {}
        """The codes that were not redeemed yet: whose, and until when they can be."""
        self._count = 0
        self.calls: dict[str, Callable[[Provider, Mapping[str, object]], Answer]] = {
            "api_create_preauthcode": self._create_pre_code,
            "api_query_auth": self._redeem,
            "api_get_authorizer_info": self._info,
            "api_get_authorizer_list": self._list,
        }

    def code(self, program: str) -> str:
        """Return a new code of a Mini Program, to be redeemed once within an hour."""
        self._count += 1
        code = f"sandbox-code-{program}-{self._count}"
        self._codes[code] = (program, self._now() + CODE_LIFE)
        return code

    def pre_code(self) -> str:
        """Return a new code for the link."""
        self._pre_codes += 1
        return f"sandbox-pre-auth-code@@@{self._pre_codes}"

    def _create_pre_code(self, _who: Provider, _payload: Mapping[str, object]) -> Answer:
        return plain({"pre_auth_code": self.pre_code(), "expires_in": _PRE_CODE_LIFE})

    def _redeem(self, who: Provider, payload: Mapping[str, object]) -> Answer:
        code = str(payload.get("authorization_code"))
        program, until = self._codes.get(code, ("", 0.0))
        if program not in who.programs:
            raise RefusedError(_USED)
        del self._codes[code]
        if self._now() >= until:
            raise RefusedError(_EXPIRED)
        access = {"authorizer_access_token": self._tokens.hand_out(AUTHORIZER, program), "expires_in": self._tokens.lifetime}
        refresh = {"authorizer_refresh_token": self._refresh_token(program)}
        return plain({"authorization_info": {"authorizer_appid": program, **access, **refresh, "func_info": _granted()}})

    def _info(self, who: Provider, payload: Mapping[str, object]) -> Answer:
        program = payload.get("authorizer_appid")
        if not isinstance(program, str) or program not in who.programs:
            raise RefusedError(_NOT_AUTHORIZED)
        info = {"authorizer_appid": program, "authorizer_refresh_token": self._refresh_token(program), "func_info": _granted()}
        return plain({"authorizer_info": {"nick_name": f"沙箱 {program}", "service_type_info": {"id": 0}}, "authorization_info": info})

    def _list(self, who: Provider, payload: Mapping[str, object]) -> Answer:
        offset, count = payload.get("offset"), payload.get("count")
        if type(offset) is not int or type(count) is not int or offset < 0 or not 1 <= count <= _LARGEST_LIST:
            raise RefusedError(_MISSING)
        shown = who.programs[offset : offset + count]
        rows = [
            {"authorizer_appid": one, "refresh_token": self._refresh_token(one), "auth_time": 1_700_000_000 + n}
            for n, one in enumerate(shown)
        ]
        return plain({"total_count": len(who.programs), "list": rows})


def _granted() -> list[dict[str, object]]:
    return [{"funcscope_category": {"id": number, "type": 0, "name": "sandbox", "desc": ""}} for number in _PERMISSIONS]


def check_caller(who: Provider | None, payload: Mapping[str, object]) -> Provider:
    """Return the provider whose token came, if it names itself.

    Raises:
        RefusedError: the token is no provider's, or the body names another one.
    """
    if who is None or payload.get("component_appid") != who.appid:
        raise RefusedError(_WRONG_APPID)
    return who
