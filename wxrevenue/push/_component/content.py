"""What a push says, read from the fields inside of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, cast

from wxrevenue._base.secret import Secret
from wxrevenue._wire.stored import Ticket
from wxrevenue.push._reply import AuthorizationPush, RefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wxrevenue.push._reply import AuthorizationChange


_TEXT: Final = re.compile(r"[!-~]{1,2048}", re.ASCII)
_TIME: Final = re.compile(r"[1-9][0-9]{0,11}", re.ASCII)
FIELDS: Final = {
    "AppId": _TEXT,
    "CreateTime": _TIME,
    "InfoType": _TEXT,
    "ComponentVerifyTicket": _TEXT,
    "AuthorizerAppid": _TEXT,
    "AuthorizationCode": _TEXT,
    "AuthorizationCodeExpiredTime": _TIME,
    "PreAuthCode": _TEXT,
}
"""The elements that count, and what they look like."""
_CHANGES: Final = frozenset(["authorized", "updateauthorized", "unauthorized"])


def parse_content(fields: Mapping[str, str]) -> Ticket | AuthorizationPush | None:
    """Return the ticket, or the change of an authorization.

    ``None`` for kinds of pushes that are not handled here.
    """
    kind, created = required(fields, "InfoType"), int(required(fields, "CreateTime"))
    if kind == "component_verify_ticket":
        return Ticket(required(fields, "ComponentVerifyTicket"), created)
    if kind not in _CHANGES:
        return None
    expires = _optional(fields, "AuthorizationCodeExpiredTime")
    return AuthorizationPush(
        info_type=cast("AuthorizationChange", kind),
        authorizer_appid=required(fields, "AuthorizerAppid"),
        created=created,
        authorization_code=_secret(fields, "AuthorizationCode"),
        authorization_code_expired_time=None if expires is None else int(expires),
        pre_auth_code=_secret(fields, "PreAuthCode"),
    )


def required(fields: Mapping[str, str], name: str) -> str:
    """Return a field that must be there.

    It is printable ASCII, or digits where it is a time.
    """
    found = _optional(fields, name)
    if found is None:
        raise RefusedError(f"{name} is missing, or no {name}")
    return found


def _optional(fields: Mapping[str, str], name: str) -> str | None:
    found = fields.get(name, "").strip()  # WeChat's own pages show a blank after the time
    return found if FIELDS[name].fullmatch(found) else None


def _secret(fields: Mapping[str, str], name: str) -> Secret | None:
    found = _optional(fields, name)
    return None if found is None else Secret(found)
