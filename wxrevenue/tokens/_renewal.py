"""The call for an authorizer's next token.

Its answer is read for the refresh token first.
"""

from __future__ import annotations

import attrs

from wxrevenue._base.checks import flaw_of_credential
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
        """The token, unless it is empty or damaged."""
        return intact(self.authorizer_access_token)

    @property
    def refresh_token(self) -> Secret | None:
        """The new refresh token, unless it is empty or damaged.

        Then the one that was sent stays.
        """
        return intact_refresh_token(self.authorizer_refresh_token)

    @property
    def is_refresh_token_damaged(self) -> bool:
        """Whether there is a new refresh token that cannot be read."""
        return bool(self.authorizer_refresh_token and self.authorizer_refresh_token.reveal()) and self.refresh_token is None

    @property
    def expires_in(self) -> int | None:
        """The seconds that the token lives, if the answer has a sensible number."""
        seconds = digits(self.extra.get("expires_in"))
        return None if seconds is None or seconds < 0 else seconds


@attrs.frozen(init=False)
class RenewToken(GetAuthorizerAccessToken, AmsRequest[Renewal]):  # pyright: ignore[reportGeneralTypeIssues]
    """``GetAuthorizerAccessToken``, which decodes its answer as a :class:`Renewal`."""


def intact(token: Secret | None) -> Secret | None:
    """Return a token, unless it is empty, or its bytes were damaged on the way."""
    return token if token is not None and flaw_of_credential(token.reveal()) is None else None


def intact_refresh_token(token: Secret | None) -> Secret | None:
    """Return a refresh token, unless it is empty or damaged.

    WeChat's are ASCII. A damaged byte may read as a Chinese character (the answer then is not
    UTF-8, and is taken for GBK), and a refresh token that is replaced by a wrong one is lost.
    """
    whole = intact(token)
    return whole if whole is not None and whole.reveal().isascii() else None
