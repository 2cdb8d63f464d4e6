"""How AMS differs from other services.

It has a token in the query, three error envelopes in HTTP 200 bodies, and a rate limiter's scope.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast
from urllib.parse import quote

import orjson

from wxrevenue._base.secret import NeverPickled, Secret, as_secret, require_token, scrub
from wxrevenue._engine.clock import LOOP_CLOCK
from wxrevenue._engine.instant import instant
from wxrevenue._wire.codec import about_page, encode, parse
from wxrevenue._wire.codes import TOKEN_REFUSED, api_error
from wxrevenue._wire.http import HttpRequest, retry_after
from wxrevenue._wire.model import digits
from wxrevenue._wire.request import TokenKind, revealed
from wxrevenue.ams._paths import Paths
from wxrevenue.errors import ConfigurationError, DeadlineExceededError, DecodeError, TokenError, TokenUnavailableError, WxRevenueError

if TYPE_CHECKING:
    from collections.abc import Callable

    from wxrevenue._base.json_types import JsonValue
    from wxrevenue._wire.http import HttpResponse
    from wxrevenue._wire.request import AmsRequest
    from wxrevenue.errors import ApiError
    from wxrevenue.ports import Clock, TokenSource

_HEADERS: Final = MappingProxyType({"Content-Type": "application/json; charset=utf-8", "Accept": "application/json"})
_OK: Final = range(200, 300)
_NONE: Final = TokenKind.NONE
_AUTHORIZER: Final = TokenKind.AUTHORIZER
# The English page of settlements prints "right" for "ret": no server sends that.
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
        paths: which of two paths works, as far as that is known; shared by a client and its clones.
        page_caps: by interface, how many rows its pages had where fewer came than were asked for;
            shared as ``paths`` is.
    """

    def __init__(  # noqa: PLR0913  (settings, by keyword)
        self,
        base_url: str,
        tokens: TokenSource,
        account: str,
        *,
        scope: Callable[[AmsRequest[object], str], str] | None = None,
        clock: Clock = LOOP_CLOCK,
        paths: Paths | None = None,
        page_caps: dict[str, set[int]] | None = None,
    ) -> None:
        self.account = account
        self.base_url = base_url
        self.tokens = tokens
        self.peek: Callable[[TokenKind, str | None], Secret | None] | None = instant(tokens, "get", "peek")
        self.custom_scope = scope
        self.clock = clock
        self.paths = Paths() if paths is None else paths
        self.page_caps: dict[str, set[int]] = {} if page_caps is None else page_caps
        self.urls: dict[tuple[str, str], str] = {}
        self._scopes: dict[str, str] = {}
        """Of the component's own calls, by endpoint."""
        self._last: Secret | None = None

    @property
    def lasting_account(self) -> str:
        """The account's name where it outlives the process, else nothing."""
        return "" if self.account.startswith(ANONYMOUS) else self.account

    def scope(self, request: AmsRequest[object]) -> str:
        """Return ``component/authorizer/action``, or what the user's function makes of it."""
        name, appid = request.endpoint.name, request.authorizer_appid
        default = self._scopes.get(name) if appid is None else f"{self.account}/{appid}/{name}"
        if default is None:
            default = self._scopes[name] = f"{self.account}/-/{name}"
        return default if self.custom_scope is None else self.custom_scope(request, default)

    def begin(self, request: AmsRequest[object]) -> AmsCall | WxRevenueError:
        """Return what binds a call of this request to the account.

        Or return why it cannot be sent.
        """
        body = encode(request)
        return AmsCall(self, request, body) if isinstance(body, bytes) else body

    def url(self, path: str, action: str) -> str:
        """Return the URL of an interface up to its token."""
        try:
            return self.urls[path, action]
        except KeyError:
            named = f"action={quote(action, safe='')}&" if action else ""
            url = f"{self.base_url}{path}?{named}access_token="
            return self.urls.setdefault((path, action), url)

    def as_token(self, token: object) -> Secret:
        """Return the token boxed: the same box for the same string.

        What is derived from a token is kept in its box.
        """
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


class AmsCall(NeverPickled):
    """One call to the advertising interfaces.

    It has its token and its path, and reads its answers.
    """

    __slots__ = (
        "_body", "_endpoint", "_path", "_path_refusal", "_refusal", "_refused", "_repeating", "_request", "_service", "_token",
        "_token_tried",
    )  # fmt: skip
    waits_for = "token"
    verifies = False

    def __init__(self, service: AmsService, request: AmsRequest[object], body: bytes) -> None:
        self._service = service
        self._request = request
        self._endpoint = endpoint = request.endpoint
        self._body = body
        self._path = endpoint.path if endpoint.alternate is None else service.paths.current(endpoint)
        self._token: Secret | None = None
        """The token of the request sent last."""
        self._refused: Secret | None = None
        self._refusal: TokenError | None = None
        """The token that the server refused, and how."""
        self._token_tried = self._repeating = False
        """Whether another token was asked for, for the request to come.

        It counts since the last attempt began, or since a token was last accepted.
        """
        self._path_refusal: ApiError | None = None
        """What the path that was tried first answered, once the other one is tried."""

    def ready(self, token: Secret | None = None) -> HttpRequest | WxRevenueError | None:
        """Return the request with that token, or with one that is known already."""
        endpoint, service = self._endpoint, self._service
        if token is None:
            if self._repeating or self._token_tried:
                self._token_tried, self._repeating = self._token_tried and self._repeating, False
            kind, appid = endpoint.token, self._request.authorizer_appid
            if kind is _NONE:
                return HttpRequest(endpoint.method, service.base_url + self._path, _HEADERS, self._body)
            if appid is None and kind is _AUTHORIZER:
                return ConfigurationError(f"{type(self._request).__name__} takes an authorizer's token: give authorizer_appid='wx…'")
            token = None if service.peek is None else service.peek(kind, appid)
            if token is None:
                return None
        self._token = token
        if self._refusal is not None and token == self._refused:
            return self._refusal  # the same token came back: the server has answered for it already
        url = service.urls.get((self._path, endpoint.action)) or service.url(self._path, endpoint.action)
        return HttpRequest(endpoint.method, url, _HEADERS, self._body, token.derived.get("encoded") or token.encoded())

    async def prepare(self, *, timeout: float) -> HttpRequest | WxRevenueError:
        """Return the request with a token fresh from the source."""
        kind, appid, source = self._endpoint.token, self._request.authorizer_appid, self._service.tokens
        try:  # what the source hands out may be a str: it stays out of the locals
            return cast("HttpRequest | WxRevenueError", self.ready(self._service.as_token(await source.get(kind, appid, timeout=timeout))))
        except (DeadlineExceededError, TokenUnavailableError) as error:
            return error

    async def verify(self, response: HttpResponse, *, timeout: float) -> None:
        """Do nothing: AMS answers are not signed."""

    def unwrap(self, response: HttpResponse) -> object:
        """Return the payload without its envelope, or the error of the answer."""
        try:
            payload: JsonValue | DecodeError = orjson.loads(response.body)
        except orjson.JSONDecodeError:
            payload = parse(response.body)
        if (
            type(payload) is dict
            and type(code := payload.get("ret")) is int
            and not code
            and "base_resp" not in payload
            and "errcode" not in payload
        ):
            del payload["ret"]  # the usual envelope of a success: nothing else to be read
            payload.pop("err_msg", None)
            payload.pop("errmsg", None)
            failure = None
        else:
            failure = _failure(payload)
        outcome = payload if failure is None and response.status in _OK else self._error(response, failure)
        if self._path_refusal is None:
            return outcome
        return self._service.paths.settle(self._endpoint, self._path, outcome, self._path_refusal)

    def _error(self, response: HttpResponse, failure: _Failure | DecodeError | None) -> WxRevenueError:
        if isinstance(failure, DecodeError) and response.status in _OK:
            return failure
        code, message = failure if isinstance(failure, _Failure) else (None, "")
        message = " ".join(scrub(message, *self.live()).split())
        rid = _RID.search(message)
        return api_error(
            message[:_LONGEST_MESSAGE],
            code=code,
            status=response.status,
            request_id=rid and rid[1],
            retry_after=retry_after(response.header("Retry-After"), self._service.clock.time()),
            **about_page(failure),
        )

    async def repeats(self, error: ApiError) -> bool:
        """Return whether the request is sent once more.

        It is sent with another token, or on the other path.
        """
        if isinstance(error, TokenError) and error.code in TOKEN_REFUSED and not self._token_tried:
            self._token_tried = self._repeating = True
            self._refused, self._refusal = self._token, error
            await self._reject(cast("Any", self._token))
            return True
        other = None if self._path_refusal else self._service.paths.other(self._endpoint, self._path, error)
        if other is None:
            return False
        self._path, self._path_refusal = other, error
        return True

    async def _reject(self, token: Secret) -> None:
        """Give the source its own token back, as it handed it out."""
        kind, appid = self._endpoint.token, self._request.authorizer_appid
        await self._service.tokens.reject(kind, appid, token.reveal() if _PLAIN in token.derived else token)

    def live(self) -> tuple[Secret | None, ...]:
        """Return the secrets that an answer may repeat.

        These are the tokens sent, and what the request itself reveals.
        """
        kind: type = self._request.__class__
        return (self._token, self._refused, *(getattr(self._request, name) for name in revealed(kind)))


class _Failure(NamedTuple):
    code: int
    message: str


def _failure(payload: JsonValue | DecodeError) -> _Failure | DecodeError | None:
    """Take the envelope off; return what it says went wrong, if anything.

    Any of its three codes may say so. A code that can be read counts, whatever stands beside it
    that cannot.
    """
    if type(payload) is not dict:
        return payload if isinstance(payload, DecodeError) else DecodeError("expected an object")
    codes = payload.pop("ret", 0), payload.pop("errcode", 0)
    messages = payload.pop("err_msg", ""), payload.pop("errmsg", "")
    nested = payload.pop("base_resp", None)
    if nested is None and codes == (0, 0) and type(codes[0]) is type(codes[1]) is int:
        return None
    found = [_read(codes[0], messages[0], "$.ret"), _read(codes[1], messages[1], "$.errcode")]
    if isinstance(nested, dict):
        found.append(_read(nested.get("ret", 0), nested.get("err_msg", ""), "$.base_resp.ret"))
    elif nested is not None:
        found.append(DecodeError("expected an object", path="$.base_resp"))
    told = [one for one in found if one is not None]
    return next((one for one in told if isinstance(one, _Failure)), told[0] if told else None)


def _read(code: object, message: object, path: str) -> _Failure | DecodeError | None:
    """Return what a code says went wrong, or that it cannot be read."""
    number = digits(code)
    if number is None:
        return DecodeError("expected an integer or a string of digits", path=path)
    return _Failure(number, message if isinstance(message, str) else "") if number else None
