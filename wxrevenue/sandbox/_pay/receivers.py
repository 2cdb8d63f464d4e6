"""Receivers, their review, and the documents that are handed in for it."""

from __future__ import annotations

import hashlib
from email import message_from_bytes
from typing import TYPE_CHECKING, Final, cast

import attrs
import orjson

from wxrevenue.sandbox._pay.visit import PayRefusedError, bad_parameter

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from email.message import Message

    from wxrevenue._base.json_types import JsonObject
    from wxrevenue.sandbox._call import Answer, Call
    from wxrevenue.sandbox._pay.visit import Actions, Visit

PATH: Final = "/v3/global/profit-sharing/receivers"
UPLOAD_PATH: Final = "/v3/global/merchant-storage/file/upload"
_LARGEST: Final = 5 * 1024 * 1024
_KINDS: Final = {"MERCHANT_ID": None, "PERSONAL_OPENID": "appid", "PERSONAL_SUB_OPENID": "sub_appid"}
_KNOWN: Final = (
    "sub_mchid", "type", "account", "name", "relation_type", "custom_relation", "scene", "major_service", "expected_ratio", "file_id",
    "application_file_id", "partnership_file_id",
)  # fmt: skip


@attrs.define
class Receiver:
    """A receiver as its merchant described it."""

    fields: dict[str, object]
    added: float
    failure: str | None = None


class Receivers:
    """Answers the calls about receivers.

    Args:
        whose: returns the sub-merchant of a call.
        now: the time in Unix seconds.
        review_after: returns how many seconds a review takes.
        decrypt: returns what a sensitive field holds, or ``None`` if it cannot be decrypted.
    """

    def __init__(
        self,
        whose: Callable[[Visit], str | None],
        now: Callable[[], float],
        review_after: Callable[[], float],
        decrypt: Callable[[str], str | None],
    ) -> None:
        self._all: dict[tuple[str | None, str], Receiver] = {}
        self.files: dict[str, bytes] = {}
        self._whose, self._now, self._review_after, self._decrypt = whose, now, review_after, decrypt
        self.actions: Actions = {
            ("POST", PATH): self._add,
            ("GET", f"{PATH}/{{account}}"): self._query,
            ("DELETE", PATH): self._delete,
            ("POST", UPLOAD_PATH): self._upload,
        }

    def is_effective(self, sub_mchid: str | None, account: str) -> bool:
        """Return whether an account may receive."""
        found = self._all.get((sub_mchid, account))
        return found is not None and self._state(found) == "EFFECTIVE"

    def refuse(self, account: str, reason: str) -> None:
        """Let the review of an account fail."""
        for (_, name), receiver in self._all.items():
            if name == account:
                receiver.failure = reason

    def check_appid(self, visit: Visit, kind: str) -> None:
        """Refuse a person without the appid of its openid."""
        if kind not in _KINDS:
            raise bad_parameter("type must be MERCHANT_ID, PERSONAL_OPENID or PERSONAL_SUB_OPENID")
        wanted = _KINDS[kind]
        if wanted is not None and wanted not in visit.payload:
            raise PayRefusedError(400, f"the receiver is {kind} but {wanted} is not set")

    def check_name(self, fields: Mapping[str, object]) -> None:
        """Refuse a name that is not encrypted for this server.

        Refuse a person's name, too, if the person did not agree to its check.
        """
        if "name" not in fields:
            return
        if not isinstance(fields["name"], str) or self._decrypt(fields["name"]) is None:
            raise bad_parameter("name must be encrypted with the platform's key")
        if fields.get("type") != "MERCHANT_ID" and fields.get("authorized") is not True:
            raise PayRefusedError(400, "the receiver has a name but authorized is not confirmed")

    def _add(self, visit: Visit) -> Answer:
        kind, account = visit.text("type", 1, 32), visit.text("account")
        visit.text("relation_type")
        self.check_appid(visit, kind)
        self.check_name(visit.payload)
        if kind == "MERCHANT_ID" and "name" not in visit.payload:
            raise bad_parameter("name is required for MERCHANT_ID")
        place = (self._whose(visit), account)
        before = self._all.get(place)
        if before is not None and self._state(before) in {"INIT", "EFFECTIVE"}:
            raise PayRefusedError(400, "the receiver is there already")
        fields = {name: visit.payload[name] for name in _KNOWN if name in visit.payload}
        receiver = self._all[place] = Receiver(fields, self._now())
        return visit.says({**receiver.fields, "state": "INIT"})

    def _query(self, visit: Visit) -> Answer:
        self.check_appid(visit, visit.text("type", 1, 32))
        found = self._all.get((self._whose(visit), visit.named["account"]))
        if found is None:
            raise PayRefusedError(404, "the receiver does not exist", code="RESOURCE_NOT_EXISTS")
        failed = {} if found.failure is None else {"fail_reason": found.failure, "fail_description": "refused by the sandbox"}
        return visit.says({**found.fields, "state": self._state(found), **failed})

    def _delete(self, visit: Visit) -> Answer:
        self.check_appid(visit, visit.text("type", 1, 32))
        self._all.pop((self._whose(visit), visit.text("account")), None)
        return visit.says()

    def _upload(self, visit: Visit) -> Answer:
        parts = form_parts(visit.call)
        meta: JsonObject = orjson.loads(parts["meta"])
        content = parts["file"]
        if (meta.get("sha256") or meta.get("digest")) != hashlib.sha256(content).hexdigest() or len(content) > _LARGEST:
            raise bad_parameter("the digest does not fit the file, or the file is larger than 5 MiB")
        name = hashlib.sha256(content).hexdigest()
        number = "-".join((name[:8], name[8:12], name[12:16], name[16:20], name[20:32]))
        self.files[number] = content
        return visit.says({"file_id": number})

    def _state(self, receiver: Receiver) -> str:
        if receiver.failure is not None:
            return "FAILED"
        return "EFFECTIVE" if self._now() >= receiver.added + self._review_after() else "INIT"


def form_parts(call: Call) -> dict[str, bytes]:
    """Return the parts of a form by name.

    Those of an upload are ``meta`` and ``file``.
    """
    head = f"Content-Type: {call.headers.get('content-type', '')}\r\n\r\n".encode()
    form = message_from_bytes(head + call.body)
    parts = cast("list[Message]", form.get_payload()) if form.is_multipart() else []
    found = {str(part.get_param("name", header="content-disposition")): cast("bytes", part.get_payload(decode=True)) for part in parts}
    if found.keys() != {"meta", "file"}:
        raise bad_parameter("the form must have the parts meta and file")
    return found
