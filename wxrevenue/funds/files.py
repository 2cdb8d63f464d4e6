"""Documents of receivers that WeChat Pay wants to see."""

from __future__ import annotations

import hashlib
import re
from typing import ClassVar, Final, TypeVar

import attrs
import orjson

from wxrevenue._wire.model import Model
from wxrevenue._wire.request import STEERS, Endpoint, Multipart, PayRequest, Safety
from wxrevenue.errors import ConfigurationError
from wxrevenue.funds._checks import pay_text, shown, where

T = TypeVar("T")

__all__ = ["UploadFile", "UploadedFile"]

LARGEST_FILE: Final = 5 * 1024 * 1024
"""Bytes."""
_KINDS: Final = {"pdf": "application/pdf", "jpg": "image/jpeg", "jpeg": "image/jpeg", "bmp": "image/bmp", "png": "image/png"}
_NAME: Final = re.compile(r'[^"\\/\r\n]+')


@attrs.define
class UploadedFile(Model):
    """A document that was taken.

    Args:
        file_id: by which :class:`AddReceiver` names it (in its ``extra``).
    """

    file_id: str


def _named(instance: object, attribute: attrs.Attribute[str], value: str) -> None:
    pay_text(1, 128)(instance, attribute, value)
    if not _NAME.fullmatch(value) or value.rpartition(".")[2].lower() not in _KINDS:
        raise ConfigurationError(
            f"{where(instance, attribute)}: expected a name that ends in .{', .'.join(_KINDS)}, without quotes or slashes; "
            f"got {shown(value)}"
        )


def _content(instance: object, attribute: attrs.Attribute[T], value: T) -> None:
    if not isinstance(value, bytes):
        raise ConfigurationError(f"{where(instance, attribute)}: expected bytes, got {type(value).__name__}")
    if not 0 < len(value) <= LARGEST_FILE:
        raise ConfigurationError(f"{where(instance, attribute)}: expected 1 to {LARGEST_FILE} bytes, got {len(value)}")


def _size(content: object) -> str:
    return f"<{len(content)} B>" if isinstance(content, bytes) else "<?>"


@attrs.frozen
class UploadFile(PayRequest[UploadedFile]):
    """Upload a document of a receiver: PDF, JPG, BMP or PNG, at most 5 MiB.

    WeChat page: Upload file, https://pay.weixin.qq.com/doc/global/v3/en/4012356908

    The form's ``meta`` part alone is signed. Repeated after a lost answer (``REPEATABLE``): a
    second copy does no harm.

    Args:
        filename: such as ``licence.pdf``, at most 128 characters.
        content: the file's bytes.
        digest_key: how ``meta`` calls the SHA-256: ``"sha256"``, or ``"digest"`` as the field table
            of the page has it against its own example.

    Returns:
        :class:`UploadedFile`.

    Raises:
        ConfigurationError: an argument is not allowed; nothing was sent.
        InvalidParameterError: 400.
    """

    endpoint: ClassVar[Endpoint] = Endpoint(path="/v3/global/merchant-storage/file/upload", action="upload_file", safety=Safety.REPEATABLE)

    filename: str = attrs.field(validator=_named)
    content: bytes = attrs.field(validator=_content, repr=_size, metadata=STEERS)
    digest_key: str = attrs.field(default="sha256", kw_only=True, metadata=STEERS)

    def __attrs_post_init__(self) -> None:
        if self.digest_key not in ("sha256", "digest"):
            raise ConfigurationError(f"UploadFile.digest_key: expected 'sha256' or 'digest', got {shown(self.digest_key)}")

    def multipart(self) -> Multipart:
        """Return the form."""
        digest = hashlib.sha256(self.content).hexdigest()
        meta = orjson.dumps({"filename": self.filename, self.digest_key: digest})
        return Multipart(
            meta, self.filename, _KINDS[self.filename.rpartition(".")[2].lower()], self.content, boundary=f"wxrevenue{digest[:32]}"
        )
