"""The receivers of distributed funds (分账接收方)."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Any, ClassVar

import attrs

from wxrevenue._base.secret import Secret
from wxrevenue._wire.model import DisplayText, Model
from wxrevenue._wire.request import Endpoint, PayRequest, Safety
from wxrevenue.errors import ConfigurationError
from wxrevenue.funds._checks import as_sensitive, boxes, choice, extra_field, flag, pay_id, pay_text, segment, sensitive

__all__ = [
    "AddReceiver", "AddedReceiver", "DeleteReceiver", "QueryReceiver", "ReceiverState", "ReceiverType", "RelationType",
]  # fmt: skip

_PATH = "/v3/global/profit-sharing/receivers"
_OPTIONAL_ID = attrs.validators.optional(pay_id(32))
_OPTIONAL_FLAG = attrs.validators.optional(flag)


class ReceiverType(enum.StrEnum):
    """What an account is. WeChat Pay takes merchants alone at present, no persons."""

    MERCHANT_ID = "MERCHANT_ID"
    """A merchant's or sub-merchant's number."""
    PERSONAL_OPENID = "PERSONAL_OPENID"
    """A person's openid under ``appid``."""
    PERSONAL_SUB_OPENID = "PERSONAL_SUB_OPENID"
    """A person's openid under ``sub_appid``."""


class RelationType(enum.StrEnum):
    """What a receiver is to the merchant.

    Open: the documents' own example is not in their list.
    """

    SUPPLIER = "SUPPLIER"
    DISTRIBUTOR = "DISTRIBUTOR"
    TAX_SERVICE_PROVIDER = "TAX_SERVICE_PROVIDER"
    IT_SERVICE_PROVIDER = "IT_SERVICE_PROVIDER"
    SERVICE_PROVIDER = "SERVICE_PROVIDER"
    """In the documents' example alone."""
    CUSTOM = "CUSTOM"
    """What ``custom_relation`` says."""


class ReceiverState(enum.StrEnum):
    """How far a receiver's review is.

    Open: the documents do not name the state of a failure.
    """

    INIT = "INIT"
    """Under review."""
    EFFECTIVE = "EFFECTIVE"
    """It may receive."""


def needs_appid(request: object, kinds: set[str]) -> None:
    """Raise ``ConfigurationError`` unless the appid of every kind of person is named."""
    for kind, name in {ReceiverType.PERSONAL_OPENID: "appid", ReceiverType.PERSONAL_SUB_OPENID: "sub_appid"}.items():
        if kind in kinds and getattr(request, name) is None:
            raise ConfigurationError(f"{type(request).__name__}.{name}: required for a receiver of type {kind}")


@attrs.define
class AddedReceiver(Model):
    """A receiver, and how far its review is.

    Args:
        type: one of :class:`ReceiverType`.
        account: a merchant's number, or an openid.
        relation_type: one of :class:`RelationType`, or another text.
        state: one of :class:`ReceiverState`, or another text. Only an ``EFFECTIVE`` one receives.
        sub_mchid: the sub-merchant.
        name: as the server has it; it may be encrypted, with the merchant's key.
        custom_relation: the relation in words, for ``CUSTOM``.
        fail_reason: why the review failed, as a code.
        fail_description: the same in words.
    """

    type: str
    account: str
    relation_type: DisplayText | None = None
    state: DisplayText | None = None
    sub_mchid: DisplayText | None = None
    name: DisplayText | None = attrs.field(default=None, repr=False)
    custom_relation: DisplayText | None = None
    fail_reason: DisplayText | None = None
    fail_description: DisplayText | None = None

    @property
    def is_effective(self) -> bool:
        """Whether it may receive."""
        return self.state == ReceiverState.EFFECTIVE


@boxes(name=as_sensitive)
@attrs.frozen(kw_only=True)
class AddReceiver(PayRequest[AddedReceiver]):
    """Add a receiver.

    It may receive once its review has passed: :class:`QueryReceiver` says so.

    WeChat page: Adding receiver, https://pay.weixin.qq.com/doc/global/v3/en/4012356901

    A receiver belongs to one merchant and one sub-merchant. Adding one that is under review or
    effective is refused; after a failed review add it again. A lost answer is repeated
    (``REPEATABLE``). A refusal of the repetition has ``ambiguous`` set: then ask for the receiver.

    Args:
        type: one of :class:`ReceiverType`.
        account: a merchant's number, or an openid, at most 64 characters.
        relation_type: one of :class:`RelationType`, or another text.
        name: the merchant's full name, required for ``MERCHANT_ID``; a person's name, which is
            then checked. It is encrypted for WeChat Pay when it is sent, at most 214 bytes.
        authorized: ``True`` says that the person agreed to the check of the name; required then.
        custom_relation: the relation in words, for ``CUSTOM`` and for nothing else.
        sub_mchid: the sub-merchant's number; required for institutions, absent for direct
            merchants.
        appid: required for ``PERSONAL_OPENID``.
        sub_appid: required for ``PERSONAL_SUB_OPENID``.
        extra: further fields, sent as they are. The documents name ``scene`` (the scene in words),
            ``major_service`` (the receiver's business), ``expected_ratio`` (such as 2000), and
            ``file_id`` (or ``application_file_id`` and ``partnership_file_id``) of uploaded
            documents, without saying which are required, or in which form.

    Returns:
        :class:`AddedReceiver`.

    Raises:
        ConfigurationError: an argument is not allowed, or the verifier has no key to encrypt with;
            nothing was sent.
        InvalidParameterError: 400.
        PermissionDeniedError: 403 ``NO_AUTH``, as for ``MarkTransaction``.
        OutcomeUnknownError: answers stayed lost.
    """

    endpoint: ClassVar[Endpoint] = Endpoint(path=_PATH, action="add_receiver", safety=Safety.REPEATABLE)

    type: str = attrs.field(validator=choice(ReceiverType))
    account: str = attrs.field(validator=segment(64))
    relation_type: str = attrs.field(validator=pay_text(1, 64))
    name: Secret | str | None = attrs.field(default=None, converter=as_sensitive, validator=sensitive)
    authorized: bool | None = attrs.field(default=None, validator=_OPTIONAL_FLAG)
    custom_relation: str | None = attrs.field(default=None, validator=attrs.validators.optional(pay_text(1, 64)))
    sub_mchid: str | None = attrs.field(default=None, validator=_OPTIONAL_ID)
    appid: str | None = attrs.field(default=None, validator=_OPTIONAL_ID)
    sub_appid: str | None = attrs.field(default=None, validator=_OPTIONAL_ID)
    extra: Mapping[str, Any] | None = extra_field()

    def __attrs_post_init__(self) -> None:
        needs_appid(self, {self.type})
        if self.type == ReceiverType.MERCHANT_ID and self.name is None:
            raise ConfigurationError("AddReceiver.name: required for a receiver of type MERCHANT_ID")
        if self.type != ReceiverType.MERCHANT_ID and self.name is not None and self.authorized is not True:
            raise ConfigurationError("AddReceiver.authorized: expected True (the person agreed to the check) beside name")
        if (self.relation_type == RelationType.CUSTOM) != (self.custom_relation is not None):
            raise ConfigurationError("AddReceiver.custom_relation: expected for relation_type CUSTOM, and for no other")


@attrs.frozen(kw_only=True)
class QueryReceiver(PayRequest[AddedReceiver]):
    """Ask how far the review of a receiver is.

    WeChat page: Adding receiver result query,
    https://pay.weixin.qq.com/doc/global/v3/en/4012356903

    Args:
        account: as it was added; it stands in the path, percent-encoded.
        type: as it was added.
        sub_mchid: as it was added.
        appid: as it was added.
        sub_appid: as it was added.

    Returns:
        :class:`AddedReceiver`.

    Raises:
        ConfigurationError: an argument is not allowed; nothing was sent.
        ApiError: the server refused.
    """

    endpoint: ClassVar[Endpoint] = Endpoint(path=f"{_PATH}/{{account}}", method="GET", action="query_receiver", safety=Safety.SAFE)

    account: str = attrs.field(validator=segment(64))
    type: str = attrs.field(validator=choice(ReceiverType))
    sub_mchid: str | None = attrs.field(default=None, validator=_OPTIONAL_ID)
    appid: str | None = attrs.field(default=None, validator=_OPTIONAL_ID)
    sub_appid: str | None = attrs.field(default=None, validator=_OPTIONAL_ID)

    def __attrs_post_init__(self) -> None:
        needs_appid(self, {self.type})


@attrs.frozen(kw_only=True)
class DeleteReceiver(PayRequest[None]):
    """Delete a receiver: no more funds can go there.

    WeChat page: Deleting receiver, https://pay.weixin.qq.com/doc/global/v3/en/4012356906

    It is a DELETE with a JSON body, which is part of what is signed. Deleting twice is deleting
    once (``REPEATABLE``).

    Args:
        type: as it was added.
        account: as it was added.
        sub_mchid: as it was added.
        appid: as it was added.
        sub_appid: as it was added.

    Returns:
        Nothing.

    Raises:
        ConfigurationError: an argument is not allowed; nothing was sent.
        InvalidParameterError: 400.
        PermissionDeniedError: 403 ``NO_AUTH``.
        OutcomeUnknownError: answers stayed lost.
    """

    endpoint: ClassVar[Endpoint] = Endpoint(path=_PATH, method="DELETE", action="delete_receiver", safety=Safety.REPEATABLE)

    type: str = attrs.field(validator=choice(ReceiverType))
    account: str = attrs.field(validator=segment(64))
    sub_mchid: str | None = attrs.field(default=None, validator=_OPTIONAL_ID)
    appid: str | None = attrs.field(default=None, validator=_OPTIONAL_ID)
    sub_appid: str | None = attrs.field(default=None, validator=_OPTIONAL_ID)

    def __attrs_post_init__(self) -> None:
        needs_appid(self, {self.type})
