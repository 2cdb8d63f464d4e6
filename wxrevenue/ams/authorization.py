"""How a service provider gets its tokens (第三方平台调用凭证). ``ComponentTokens`` makes these calls; hardly anybody else needs to.

A component's secret, its ticket and an authorizer's refresh token travel in the body: they are boxed first of all, because what
follows may raise, and a traceback shows the locals of its frames.
"""

from __future__ import annotations

from typing import ClassVar

import attrs

from wxrevenue._base.secret import Secret
from wxrevenue._wire.model import Count, Model
from wxrevenue._wire.request import (
    REVEALED,
    AmsRequest,
    Endpoint,
    Safety,
    TokenKind,
    as_secret_field,
    credential_between,
    sent_as,
    some_secret,
)

__all__ = [
    "AuthorizerAccessToken",
    "ComponentAccessToken",
    "GetAuthorizerAccessToken",
    "GetComponentAccessToken",
    "StartPushTicket",
]

_COMPONENT = "/cgi-bin/component"
_APPID = credential_between(1, 64)


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
class GetComponentAccessToken(AmsRequest[ComponentAccessToken]):
    """Get a new component token. The one before works for five more minutes, and fewer when this is done often.

    WeChat page: ticket-token/getComponentAccessToken (获取令牌). Takes no token. Doing it twice does no harm (``REPEATABLE``),
    but only the newest token lasts.

    Args:
        component_appid: the service provider's appid.
        component_appsecret: its secret; sent in the body, shown nowhere.
        component_verify_ticket: the newest ticket that WeChat pushed.

    Returns:
        :class:`ComponentAccessToken`.

    Raises:
        ConfigurationError: one of these is not allowed; nothing was sent.
        ApiError: the server refused: 40001 or 40125 (wrong secret), 61004 (the caller's IP), 61005 or 61006 (the ticket).
    """

    endpoint: ClassVar[Endpoint] = Endpoint(path=f"{_COMPONENT}/api_component_token", token=TokenKind.NONE, safety=Safety.REPEATABLE)
    component_appid: str = attrs.field(validator=_APPID)
    component_appsecret: Secret = attrs.field(converter=as_secret_field, validator=some_secret, metadata=REVEALED)
    component_verify_ticket: Secret = attrs.field(converter=as_secret_field, validator=some_secret, metadata=REVEALED)

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
        self.__attrs_init__(*given, authorizer_appid=authorizer_appid)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]


@attrs.frozen(init=False)
class GetAuthorizerAccessToken(AmsRequest[AuthorizerAccessToken]):
    """Get a new token of a Mini Program that authorized the component.

    WeChat page: ticket-token/getAuthorizerAccessToken (获取授权账号调用令牌). Takes the component's token. The answer's refresh
    token is the one to use from now on; the one before works for a few minutes more, so that repeating the call is safe
    (``REPEATABLE``).

    Args:
        component_appid: the service provider's appid.
        appid: the Mini Program's appid; ``authorizer_appid`` in the body.
        authorizer_refresh_token: what it gave the component when it authorized it; sent in the body, shown nowhere.

    Returns:
        :class:`AuthorizerAccessToken`.

    Raises:
        ConfigurationError: one of these is not allowed; nothing was sent.
        OutcomeUnknownError: answers stayed lost, so that nobody knows whether there is a new refresh token; the old one is good
            for some minutes more.
        ApiError: the server refused: 61003 (not authorized), 61007 (permission not granted), 61023 (the refresh token).
    """

    endpoint: ClassVar[Endpoint] = Endpoint(path=f"{_COMPONENT}/api_authorizer_token", safety=Safety.REPEATABLE)
    component_appid: str = attrs.field(validator=_APPID)
    appid: str = attrs.field(validator=_APPID, metadata=sent_as("authorizer_appid"))
    authorizer_refresh_token: Secret = attrs.field(converter=as_secret_field, validator=some_secret, metadata=REVEALED)

    def __init__(
        self,
        component_appid: str,
        appid: str,
        authorizer_refresh_token: Secret | str,
        *,
        authorizer_appid: None = None,
    ) -> None:
        authorizer_refresh_token = as_secret_field(authorizer_refresh_token)
        given = component_appid, appid, authorizer_refresh_token
        self.__attrs_init__(*given, authorizer_appid=authorizer_appid)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]


@attrs.frozen(init=False)
class StartPushTicket(AmsRequest[None]):
    """Have WeChat push the component's ticket: needed once it was stopped, or when none ever came.

    WeChat page: ticket-token/startPushTicket (启动票据推送服务). Takes no token. Starting what runs already is no error
    (``REPEATABLE``). The next ticket comes within ten minutes.

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

    def __init__(self, component_appid: str, component_secret: Secret | str, *, authorizer_appid: None = None) -> None:
        component_secret = as_secret_field(component_secret)
        self.__attrs_init__(component_appid, component_secret, authorizer_appid=authorizer_appid)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
