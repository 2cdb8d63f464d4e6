"""How Mini Programs authorize a service provider (第三方平台调用凭证).

Also how the provider gets its tokens. The first four calls are those of the authorization.
``ComponentTokens`` makes the others; you hardly need to.
A component's secret, its ticket and an authorizer's refresh token travel in the body: they are
boxed first of all, because what follows may raise, and a traceback shows the locals of its frames.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

import attrs

from wxrevenue._base.secret import Secret
from wxrevenue._wire.component_request import ComponentRequest
from wxrevenue._wire.model import Count, Model
from wxrevenue._wire.request import (
    REVEALED,
    Endpoint,
    Safety,
    TokenKind,
    as_secret_field,
    credential_between,
    sent_as,
    some_secret,
)
from wxrevenue.ams._authorization import Authorization, AuthorizerInfo, AuthorizerList, PreauthCode
from wxrevenue.ams._checks import whole_number

__all__ = [
    "AuthorizerAccessToken",
    "ComponentAccessToken",
    "CreatePreauthCode",
    "GetAuthorizerAccessToken",
    "GetAuthorizerInfo",
    "GetAuthorizerList",
    "GetComponentAccessToken",
    "QueryAuth",
    "StartPushTicket",
]

_COMPONENT = "/cgi-bin/component"
_APPID = credential_between(1, 64)
_MAYBE_APPID = attrs.validators.optional(_APPID)

LARGEST_AUTHORIZER_PAGE: Final = 500
"""Mini Programs that one answer to ``GetAuthorizerList`` holds at most."""


@attrs.frozen
class CreatePreauthCode(ComponentRequest[PreauthCode]):
    """Get a code for the link that :func:`authorization_url` makes for a merchant.

    WeChat page: ticket-token/getPreAuthCode (获取预授权码). Takes the component's token. Doing it twice
    makes two codes and does no harm (``REPEATABLE``).

    Args:
        component_appid: the provider's appid; a client that knows it fills it in.

    Returns:
        :class:`PreauthCode`.

    Raises:
        ConfigurationError: ``component_appid`` is not allowed, or is not known; nothing was sent.
        ApiError: the server refused: 40013 (no such appid), 61004 (the caller's IP).
    """

    endpoint: ClassVar[Endpoint] = Endpoint(path=f"{_COMPONENT}/api_create_preauthcode", safety=Safety.REPEATABLE)
    component_appid: str | None = attrs.field(default=None, validator=_MAYBE_APPID)


@attrs.frozen(init=False)
class QueryAuth(ComponentRequest[Authorization]):
    """Redeem an authorization code for what the merchant granted and its tokens.

    WeChat page: ticket-token/getAuthorizerRefreshToken (获取刷新令牌). Takes the component's token. A
    code can be redeemed once: a repeat is refused and does no harm (``REPEATABLE``). When the
    answer was lost, the refresh token stands in :class:`GetAuthorizerList`.

    Args:
        authorization_code: the code, of the redirect or push; sent in the body, shown nowhere.
        component_appid: the provider's appid; a client that knows it fills it in.

    Returns:
        :class:`Authorization`.

    Raises:
        ConfigurationError: not allowed, or no ``component_appid`` is known; nothing was sent.
        OutcomeUnknownError: answers stayed lost: it is unknown whether the code was redeemed.
        ApiError: the server refused: 61009, 61010 (the code was used, or is too old), 40013, 61004.
    """

    endpoint: ClassVar[Endpoint] = Endpoint(path=f"{_COMPONENT}/api_query_auth", safety=Safety.REPEATABLE)
    component_appid: str | None = attrs.field(default=None, validator=_MAYBE_APPID, kw_only=True)
    authorization_code: Secret = attrs.field(converter=as_secret_field, validator=some_secret, metadata=REVEALED)

    if TYPE_CHECKING:

        def __init__(self, authorization_code: Secret | str, *, component_appid: str | None = None) -> None: ...

    else:

        def __init__(self, authorization_code: Secret | str, *, component_appid: str | None = None, authorizer_appid: None = None) -> None:
            authorization_code = as_secret_field(authorization_code)
            self.__attrs_init__(authorization_code, component_appid=component_appid, authorizer_appid=authorizer_appid)


@attrs.frozen
class GetAuthorizerInfo(ComponentRequest[AuthorizerInfo]):
    """Ask for a Mini Program's profile and for what it granted.

    WeChat page: ticket-token/getAuthorizerInfo (获取授权账号详情). Takes the component's token.

    Args:
        appid: the Mini Program; ``authorizer_appid`` on the wire.
        component_appid: the provider's appid; a client that knows it fills it in.

    Returns:
        :class:`AuthorizerInfo`.

    Raises:
        ConfigurationError: not allowed, or no ``component_appid`` is known; nothing was sent.
        ApiError: the server refused: 61003 (it did not authorize the provider), 40013, 61004.
    """

    endpoint: ClassVar[Endpoint] = Endpoint(path=f"{_COMPONENT}/api_get_authorizer_info", safety=Safety.SAFE)
    component_appid: str | None = attrs.field(default=None, validator=_MAYBE_APPID, kw_only=True)
    appid: str = attrs.field(validator=_APPID, metadata=sent_as("authorizer_appid"))


@attrs.frozen
class GetAuthorizerList(ComponentRequest[AuthorizerList]):
    """Fetch a piece of the list of authorizers, each with its refresh token.

    WeChat page: ticket-token/getAuthorizerList (拉取已授权的账号信息). Takes the component's token.

    Args:
        offset: how many to pass over, from 0.
        count: how many to list at most, 1 to 500.
        component_appid: the provider's appid; a client that knows it fills it in.

    Returns:
        :class:`AuthorizerList`.

    Raises:
        ConfigurationError: not allowed, or no ``component_appid`` is known; nothing was sent.
        ApiError: the server refused: 40013, 61004.
    """

    endpoint: ClassVar[Endpoint] = Endpoint(path=f"{_COMPONENT}/api_get_authorizer_list", safety=Safety.SAFE)
    component_appid: str | None = attrs.field(default=None, validator=_MAYBE_APPID, kw_only=True)
    offset: int = attrs.field(default=0, validator=whole_number(least=0))
    count: int = attrs.field(default=100, validator=whole_number(most=LARGEST_AUTHORIZER_PAGE), kw_only=True)


@attrs.define
class ComponentAccessToken(Model):
    """A component's token."""

    component_access_token: Secret
    """The token."""
    expires_in: Count
    """Seconds it lives, 7200 as documented."""


@attrs.define
class AuthorizerAccessToken(Model):
    """The token of a Mini Program that authorized the component."""

    authorizer_access_token: Secret
    """The token."""
    expires_in: Count
    """Seconds it lives, 7200 as documented."""
    authorizer_refresh_token: Secret
    """The refresh token to use from now on: the same as before, or a new one."""


@attrs.frozen(init=False)
class GetComponentAccessToken(ComponentRequest[ComponentAccessToken]):
    """Get a new component token.

    The one before works for five more minutes, and for less if this is done often.

    WeChat page: ticket-token/getComponentAccessToken (获取令牌). Takes no token. Doing it twice does no
    harm (``REPEATABLE``), but only the newest token lasts.

    Args:
        component_appid: the service provider's appid.
        component_appsecret: its secret; sent in the body, shown nowhere.
        component_verify_ticket: the newest ticket that WeChat pushed.

    Returns:
        :class:`ComponentAccessToken`.

    Raises:
        ConfigurationError: one of these is not allowed; nothing was sent.
        ApiError: the server refused: 40001 or 40125 (wrong secret), 61004 (the caller's IP), 61005
            or 61006 (the ticket).
    """

    endpoint: ClassVar[Endpoint] = Endpoint(path=f"{_COMPONENT}/api_component_token", token=TokenKind.NONE, safety=Safety.REPEATABLE)
    component_appid: str = attrs.field(validator=_APPID)
    component_appsecret: Secret = attrs.field(converter=as_secret_field, validator=some_secret, metadata=REVEALED)
    component_verify_ticket: Secret = attrs.field(converter=as_secret_field, validator=some_secret, metadata=REVEALED)

    if TYPE_CHECKING:

        def __init__(self, component_appid: str, component_appsecret: Secret | str, component_verify_ticket: Secret | str) -> None: ...

    else:

        def __init__(
            self,
            component_appid: str,
            component_appsecret: Secret | str,
            component_verify_ticket: Secret | str,
            *,
            authorizer_appid: None = None,
        ) -> None:
            component_appsecret, component_verify_ticket = as_secret_field(component_appsecret), as_secret_field(component_verify_ticket)
            given = component_appid, component_appsecret, component_verify_ticket
            self.__attrs_init__(*given, authorizer_appid=authorizer_appid)


@attrs.frozen(init=False)
class GetAuthorizerAccessToken(ComponentRequest[AuthorizerAccessToken]):
    """Get a new token of a Mini Program that authorized the component.

    WeChat page: ticket-token/getAuthorizerAccessToken (获取授权账号调用令牌). Takes the component's token.
    The answer's refresh token is the one to use from now on; the one before works for a few minutes
    more, so that repeating the call is safe (``REPEATABLE``).

    Args:
        component_appid: the service provider's appid.
        appid: the Mini Program's appid; ``authorizer_appid`` in the body.
        authorizer_refresh_token: what it gave when it authorized; sent in the body, shown nowhere.

    Returns:
        :class:`AuthorizerAccessToken`.

    Raises:
        ConfigurationError: one of these is not allowed; nothing was sent.
        OutcomeUnknownError: answers stayed lost, so that it is unknown whether there is a new
            refresh token; the old one is good for some minutes more.
        ApiError: the server refused: 61003 (not authorized), 61007 (permission not granted), 61023
            (the refresh token).
    """

    endpoint: ClassVar[Endpoint] = Endpoint(path=f"{_COMPONENT}/api_authorizer_token", safety=Safety.REPEATABLE)
    component_appid: str = attrs.field(validator=_APPID)
    appid: str = attrs.field(validator=_APPID, metadata=sent_as("authorizer_appid"))
    authorizer_refresh_token: Secret = attrs.field(converter=as_secret_field, validator=some_secret, metadata=REVEALED)

    if TYPE_CHECKING:

        def __init__(self, component_appid: str, appid: str, authorizer_refresh_token: Secret | str) -> None: ...

    else:

        def __init__(
            self, component_appid: str, appid: str, authorizer_refresh_token: Secret | str, *, authorizer_appid: None = None
        ) -> None:
            authorizer_refresh_token = as_secret_field(authorizer_refresh_token)
            self.__attrs_init__(component_appid, appid, authorizer_refresh_token, authorizer_appid=authorizer_appid)


@attrs.frozen(init=False)
class StartPushTicket(ComponentRequest[None]):
    """Have WeChat push the component's ticket, where it was stopped or never came.

    WeChat page: ticket-token/startPushTicket (启动票据推送服务). Takes no token. Starting what runs already
    is not an error (``REPEATABLE``). The next ticket comes within ten minutes.

    Args:
        component_appid: the service provider's appid.
        component_secret: its secret; sent in the body, shown nowhere.

    Returns:
        Nothing.

    Raises:
        ConfigurationError: one of these is not allowed; nothing was sent.
        ApiError: the server refused: 40013 (no such appid), 61011 (not a component's appid).
    """

    endpoint: ClassVar[Endpoint] = Endpoint(path=f"{_COMPONENT}/api_start_push_ticket", token=TokenKind.NONE, safety=Safety.REPEATABLE)
    component_appid: str = attrs.field(validator=_APPID)
    component_secret: Secret = attrs.field(converter=as_secret_field, validator=some_secret, metadata=REVEALED)

    if TYPE_CHECKING:

        def __init__(self, component_appid: str, component_secret: Secret | str) -> None: ...

    else:

        def __init__(self, component_appid: str, component_secret: Secret | str, *, authorizer_appid: None = None) -> None:
            component_secret = as_secret_field(component_secret)
            self.__attrs_init__(component_appid, component_secret, authorizer_appid=authorizer_appid)
