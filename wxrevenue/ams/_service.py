"""How AMS differs: a token in the query, three error envelopes in HTTP 200 bodies, and a rate limiter's scope."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast
from urllib.parse import quote

from wxrevenue._base.secret import Secret, as_secret, require_token, scrub
from wxrevenue._engine.clock import LOOP_CLOCK
from wxrevenue._wire.codec import parse
from wxrevenue._wire.codes import api_error
from wxrevenue._wire.http import HttpRequest, retry_after
from wxrevenue._wire.model import digits
from wxrevenue._wire.request import TokenKind
from wxrevenue.errors import ConfigurationError, DeadlineExceededError, DecodeError, TokenUnavailableError, WxRevenueError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from wxrevenue._engine.call import Call
    from wxrevenue._wire.http import HttpResponse
    from wxrevenue._wire.request import AmsRequest
    from wxrevenue.ports import Clock, TokenSource

_HEADERS: Final[Mapping[str, str]] = {"Content-Type": "application/json; charset=utf-8", "Accept": "application/json"}
_OK: Final = range(200, 300)
# The English page of settlements prints "right" for "ret": no server sends that.
_OUTER: Final = (("ret", "err_msg", "$.ret"), ("errcode", "errmsg", "$.errcode"))
_NESTED: Final = (("ret", "err_msg", "$.base_resp.ret"),)
_RID: Final = re.compile(r"\brid:?\s*([0-9a-fA-F]+(?:-[0-9a-fA-F]+)*)\s*$")
_LONGEST_MESSAGE: Final = 500
_PLAIN: Final = "handed out as a str"
ANONYMOUS: Final = "client-"
"""How the random names begin that accounts have whose appid is not known."""


class AmsService:
    """The advertising interfaces of one account.

    Args:
        base_url: where they live.
        tokens: where their tokens come from.
        account: the component's appid, or what stands for it in scopes.
        scope: replaces the default scope.
        clock: what ``Retry-After`` dates are measured against.
    """

    signed = False

    def __init__(
        self,
        base_url: str,
        tokens: TokenSource,
        account: str,
        *,
        scope: Callable[[Any, str], str] | None = None,
        clock: Clock = LOOP_CLOCK,
    ) -> None:
        self.account = account
        self.base_url = base_url
        self.tokens = tokens
        self.custom_scope = scope
        self.clock = clock
        self._urls: dict[tuple[str, str], str] = {}
        self._last: Secret | None = None

    @property
    def lasting_account(self) -> str:
        """The account's name where it outlives the process, else nothing."""
        return "" if self.account.startswith(ANONYMOUS) else self.account

    def scope(self, request: AmsRequest[Any]) -> str:
        """Return ``component/authorizer/action``, or what the user's function makes of it."""
        default = f"{self.account}/{request.authorizer_appid or '-'}/{request.endpoint.name}"
        return default if self.custom_scope is None else self.custom_scope(request, default)

    async def bind(self, call: Call, *, timeout: float) -> HttpRequest | WxRevenueError:
        """Return the HTTP request with a token fresh from the source."""
        request = call.request
        if call.endpoint.token is TokenKind.NONE:
            return HttpRequest(call.endpoint.method, self.base_url + call.path, _HEADERS, call.body)
        if call.endpoint.token is TokenKind.AUTHORIZER and request.authorizer_appid is None:
            return ConfigurationError(f"{type(request).__name__} takes an authorizer's token: give authorizer_appid='wx…'")
        try:
            call.credential = self._secret(await self.tokens.get(call.endpoint.token, request.authorizer_appid, timeout=timeout))
        except (DeadlineExceededError, TokenUnavailableError) as error:
            return error
        url = self._url(call.path, call.endpoint.action)
        return HttpRequest(call.endpoint.method, url, _HEADERS, call.body, call.credential.encoded())

    async def token_refused(self, call: Call) -> None:
        """Give the source its own token back, as it handed it out."""
        token: Any = call.credential
        kind, appid = call.endpoint.token, call.request.authorizer_appid
        await self.tokens.reject(kind, appid, token.reveal() if _PLAIN in token.derived else token)

    async def verify(self, response: HttpResponse, *, timeout: float) -> WxRevenueError | None:
        """Return ``None``: AMS answers are not signed."""

    def unwrap(self, response: HttpResponse, *live: Secret | None) -> Any:
        """Return the payload without its envelope, or the error that the answer stands for."""
        payload: Any = parse(response.body)
        failure = _failure(payload)
        if response.status in _OK:
            if failure is None:
                return payload
            if isinstance(failure, DecodeError):
                return failure
        code, message = failure if isinstance(failure, _Failure) else (None, "")
        message = " ".join(scrub(message, *live).split())
        rid = _RID.search(message)
        return api_error(
            message[:_LONGEST_MESSAGE],
            code=code,
            status=response.status,
            request_id=rid and rid[1],
            retry_after=retry_after(response.header("Retry-After"), self.clock.time()),
        )

    def _url(self, path: str, action: str) -> str:
        try:
            return self._urls[path, action]
        except KeyError:
            named = f"action={quote(action, safe='')}&" if action else ""
            url = f"{self.base_url}{path}?{named}access_token="
            return self._urls.setdefault((path, action), url)

    def _secret(self, token: Any) -> Secret:
        """Return the token boxed; the same box for the same string, because what is derived from a token is kept in its box."""
        if isinstance(token, Secret) and "encoded" in token.derived:
            return token  # it was sent before, so it was looked at
        last = self._last
        if isinstance(token, str) and last is not None and last.reveal() == token:
            return last
        is_plain, token = isinstance(token, str), as_secret(token)  # out of sight before anything is raised
        found = require_token(token)
        if is_plain:
            found.derived[_PLAIN] = True
            self._last = found
        return found


class _Failure(NamedTuple):
    code: int
    message: str


def _failure(payload: Any) -> _Failure | DecodeError | None:
    """Take the envelope off; return what it says went wrong, if anything.

    Any of its three codes may say so. A code that can be read counts, whatever stands beside it that cannot.
    """
    if type(payload) is not dict:
        return payload if isinstance(payload, DecodeError) else DecodeError("expected an object")
    fields = cast("dict[str, Any]", payload)
    found = _taken(fields, _OUTER)
    nested = fields.pop("base_resp", None)
    if type(nested) is dict:
        found += _taken(cast("dict[str, Any]", nested), _NESTED)
    elif nested is not None:
        found.append(DecodeError("expected an object", path="$.base_resp"))
    return next((one for one in found if isinstance(one, _Failure)), found[0] if found else None)


def _taken(fields: dict[str, Any], envelopes: Iterable[tuple[str, str, str]]) -> list[_Failure | DecodeError]:
    """Take codes and messages out of an object; return the failures among them, and what cannot be read."""
    found: list[_Failure | DecodeError] = []
    for code_key, message_key, path in envelopes:
        message = fields.pop(message_key, "")
        code = fields.pop(code_key, 0)
        if code == 0 and type(code) is int:
            continue
        code = digits(code)
        if code is None:
            found.append(DecodeError("expected an integer or a string of digits", path=path))
        elif code:
            found.append(_Failure(code, message if isinstance(message, str) else ""))
    return found
