"""What comes out of a push: the reply to WeChat, and what the push said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import attrs

from wxrevenue._base.printable import Printable

if TYPE_CHECKING:
    from wxrevenue._base.secret import Secret
    from wxrevenue._wire.stored import Ticket

AuthorizationChange: TypeAlias = Literal["authorized", "updateauthorized", "unauthorized"]


class RefusedError(Exception):
    """Carries the reason of a refusal up to the one place that answers it.

    It never leaves this package.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@attrs.frozen(kw_only=True)
class AuthorizationPush(Printable):
    """A merchant granted its authorization, changed it, or took it back.

    See
    https://developers.weixin.qq.com/doc/oplatform/Third-party_Platforms/2.0/api/Before_Develop/authorize_event.html.

    Args:
        info_type: ``"authorized"``, ``"updateauthorized"`` or ``"unauthorized"``.
        authorizer_appid: the merchant's Mini Program.
        created: when WeChat made the push, in Unix seconds.
        authorization_code: gets an authorizer's refresh token; ``None`` when the authorization was
            taken back.
        authorization_code_expired_time: until when, in Unix seconds, where WeChat says so.
        pre_auth_code: the pre-authorization code with which the merchant came.
    """

    info_type: AuthorizationChange
    authorizer_appid: str
    created: float
    authorization_code: Secret | None = None
    authorization_code_expired_time: int | None = None
    pre_auth_code: Secret | None = None


@attrs.frozen(kw_only=True)
class Reply(Printable):
    """What to answer, and what there is to do before it is answered.

    Args:
        status: the HTTP status: 200, or 403 for every refusal.
        body: the body, ``success`` or the same few bytes for every refusal.
        event: what the push said; ``None`` when it was refused, or asks for nothing (a repetition,
            or a kind not handled here).
        reason: why it was refused, or why there is no event. For your own log: the sender must not
            learn it.
        content_type: the media type of the body.
    """

    status: int
    body: bytes
    event: Ticket | AuthorizationPush | None = None
    reason: str = ""
    content_type: str = "text/plain"
    digest: bytes = attrs.field(default=b"", repr=False)
    """By which :meth:`TicketReceiver.confirm` remembers the push."""

    @property
    def is_success(self) -> bool:
        """Whether WeChat is told that the push arrived; else it pushes again."""
        return self.status == _OK


_OK: Final = 200


def success(event: Ticket | AuthorizationPush | None = None, *, reason: str = "", digest: bytes = b"") -> Reply:
    """Return the reply that ends a push."""
    return Reply(status=_OK, body=b"success", event=event, reason=reason, digest=digest)


def refusal(reason: str) -> Reply:
    """Return the one refusal there is: a sender cannot tell one from another."""
    return Reply(status=403, body=b"refused", reason=reason)
