"""What a Mini Program authorizes its provider to do.

Also the link that asks for the authorization.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Final, TypeAlias
from urllib.parse import quote

import attrs

from wxrevenue._base import checks as _checks
from wxrevenue._base.json_types import is_array, is_object
from wxrevenue._base.secret import Secret, as_secret, require_secret
from wxrevenue._wire.model import Count, DisplayCount, DisplayText, Model, Name, Respelled
from wxrevenue.errors import ConfigurationError

if TYPE_CHECKING:
    from wxrevenue._base.json_types import JsonObject, JsonValue

__all__ = [
    "ADVERTISING_PERMISSION",
    "Authorization",
    "AuthorizerInfo",
    "AuthorizerList",
    "AuthorizerProfile",
    "FuncInfo",
    "FuncscopeCategory",
    "ListedAuthorizer",
    "PreauthCode",
    "authorization_url",
]

ADVERTISING_PERMISSION: Final = 135
"""The permission set of these interfaces (流量主代运营权限集)."""

_SCAN: Final = "https://mp.weixin.qq.com/cgi-bin/componentloginpage?"
_OPEN: Final = "https://open.weixin.qq.com/wxaopen/safe/bindcomponent?action=bindcomponent&no_scan=1&"
_AUTH_TYPES: Final = range(1, 4)


@attrs.define
class PreauthCode(Model):
    """A code that goes into the link of :func:`authorization_url`."""

    pre_auth_code: Secret
    expires_in: DisplayCount | None = None
    """Seconds it lives."""


@attrs.define
class FuncscopeCategory(Model):
    """A permission set."""

    id: DisplayCount | None = None
    """Its number, such as 135."""


@attrs.define
class FuncInfo(Model):
    """A permission set that was granted."""

    funcscope_category: FuncscopeCategory | None = None


def _granted(value: JsonValue) -> object:
    """Return those elements of ``func_info`` that can be read.

    The code of the answer is spent: what else it says of permissions must not cost its tokens.
    """
    rows = value if is_array(value) else []
    return [row for row in rows if is_object(row) and (is_object(inner := row.get("funcscope_category")) or inner is None)]


def _unwrapped(value: JsonObject) -> JsonValue:
    """Return what stands below ``authorization_info``.

    The answer to ``QueryAuth`` has it.
    """
    return value["authorization_info"]


@attrs.define
class Authorization(Model):
    """What a Mini Program granted its provider, and the tokens that go with it."""

    respelled: ClassVar[Respelled | None] = Respelled(_unwrapped, key="authorization_info")

    authorizer_appid: Name
    """The Mini Program."""
    authorizer_access_token: Secret | None = None
    expires_in: DisplayCount | None = None
    """Seconds that the access token lives."""
    authorizer_refresh_token: Secret | None = None
    """It gets new access tokens, for good: keep it."""
    func_info: Annotated[list[FuncInfo], Respelled(_granted)] = attrs.field(factory=list[FuncInfo])
    """The permission sets, as the wire has them.

    What of them cannot be read is left out.
    """

    @property
    def permissions(self) -> frozenset[int]:
        """The numbers of the permission sets that were granted."""
        found = (one.funcscope_category for one in self.func_info)
        return frozenset(one.id for one in found if one is not None and one.id is not None)

    def grants(self, permission: int) -> bool:
        """Return whether a permission set was granted.

        A set is, for instance, :data:`ADVERTISING_PERMISSION`.
        """
        return permission in self.permissions


@attrs.define
class AuthorizerProfile(Model):
    """A Mini Program's profile.

    Whatever else the server says of it stands in :attr:`extra`.
    """

    nick_name: DisplayText | None = None


@attrs.define
class AuthorizerInfo(Model):
    """A Mini Program and what it granted.

    The refresh token is not always there, the access token never.
    """

    authorization_info: Authorization
    authorizer_info: AuthorizerProfile | None = None


@attrs.define
class ListedAuthorizer(Model):
    """A Mini Program in the list of those that authorized the provider."""

    authorizer_appid: Name
    refresh_token: Secret | None = None
    auth_time: DisplayCount | None = None
    """When, in Unix seconds."""

    @property
    def key(self) -> str:
        """What tells it from others: its appid."""
        return self.authorizer_appid

    @property
    def supersedes(self) -> None:
        """Nothing: an appid stays."""

    def fingerprint(self) -> bytes:
        """Return bytes that differ when anything but the token does.

        They are the same in every process. A new token has a new ``auth_time``.
        """
        return repr((self.authorizer_appid, self.auth_time, self.extra)).encode("utf-8", "surrogatepass")


_Rows: TypeAlias = list[ListedAuthorizer]


@attrs.define
class AuthorizerList(Model):
    """A piece of the list of Mini Programs that authorized the provider."""

    at_least_one: ClassVar[tuple[str, ...]] = ("list", "total_count")

    total_count: Count | None = None
    """How many there are."""
    list: _Rows = attrs.field(factory=list[ListedAuthorizer])

    @property
    def rows(self) -> _Rows:
        """The Mini Programs, as every paged answer calls its rows."""
        return self.list

    @property
    def total(self) -> int | None:
        """How many rows there are, as every paged answer calls it."""
        return self.total_count


def authorization_url(  # noqa: PLR0913  (options, by keyword)
    component_appid: str,
    pre_auth_code: str | Secret,
    redirect_uri: str,
    *,
    biz_appid: str | None = None,
    auth_type: int = 2,
    in_wechat: bool = False,
) -> str:
    """Return the link on which a merchant authorizes the provider.

    The merchant renews the authorization there, too. It holds the code in clear.

    A changed share ratio is in force only after the merchant has confirmed it there. The code is
    good for one authorization.

    Args:
        component_appid: the provider's appid.
        pre_auth_code: from :class:`CreatePreauthCode`.
        redirect_uri: where the browser comes back to, with ``auth_code`` and ``expires_in`` in the
            query; an ``http(s)`` URL.
        biz_appid: the account that is to authorize, and no other.
        auth_type: what may be chosen: 1 official accounts, 2 Mini Programs, 3 both.
        in_wechat: a link to open inside WeChat, instead of one to open on a computer, where a code
            is scanned.

    Raises:
        ConfigurationError: an argument is not allowed.
    """
    code = require_secret("authorization_url.pre_auth_code", as_secret(pre_auth_code))
    del pre_auth_code  # what follows may raise, and a traceback shows locals
    if not _checks.text("authorization_url.redirect_uri", redirect_uri).startswith(("https://", "http://")):
        raise ConfigurationError("authorization_url.redirect_uri: expected an http(s) URL")
    if type(auth_type) is not int or auth_type not in _AUTH_TYPES:
        raise ConfigurationError("authorization_url.auth_type: expected 1 (official accounts), 2 (Mini Programs) or 3 (both)")
    _checks.credential("authorization_url.component_appid", component_appid)
    _checks.flag("authorization_url.in_wechat", in_wechat)
    only = {} if biz_appid is None else {"biz_appid": _checks.credential("authorization_url.biz_appid", biz_appid)}
    fixed = {"component_appid": component_appid, "pre_auth_code": code.reveal(), "redirect_uri": redirect_uri}
    pairs = {**fixed, "auth_type": str(auth_type), **only}
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in pairs.items())
    return f"{_OPEN}{query}#wechat_redirect" if in_wechat else f"{_SCAN}{query}"
