"""The call for an authorizer's next token, whose answer is read for the refresh token first."""

from __future__ import annotations

import attrs

from wxrevenue._base.secret import Secret
from wxrevenue._wire.model import Model, digits
from wxrevenue._wire.request import AmsRequest
from wxrevenue.ams.authorization import GetAuthorizerAccessToken


@attrs.define
class Renewal(Model):
    """An authorizer's next token and refresh token, each as far as the answer has it.

    Nothing odd in the answer may cost the refresh token: ``expires_in`` is left in ``extra``.
    """

    authorizer_access_token: Secret | None = None
    authorizer_refresh_token: Secret | None = None

    @property
    def token(self) -> Secret | None:
        """The token, unless it is empty."""
        return _filled(self.authorizer_access_token)

    @property
    def refresh_token(self) -> Secret | None:
        """The new refresh token, unless it is empty: then the one that was sent stays."""
        return _filled(self.authorizer_refresh_token)

    @property
    def expires_in(self) -> int | None:
        """The seconds that the token lives, if the answer has a sensible number."""
        seconds = digits(self.extra.get("expires_in"))
        return None if seconds is None or seconds < 0 else seconds


@attrs.frozen(init=False)
class RenewToken(GetAuthorizerAccessToken, AmsRequest[Renewal]):  # pyright: ignore[reportGeneralTypeIssues]
    """``GetAuthorizerAccessToken``, which decodes its answer as a :class:`Renewal`."""


def _filled(value: Secret | None) -> Secret | None:
    return value if value is not None and value.reveal() else None
