"""A request as it is sent to WeChat Pay.

Path, query, body, and the part of it that is signed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlencode

import attrs
import orjson

from wxrevenue._base.printable import Printable
from wxrevenue._base.secret import Secret
from wxrevenue._wire.codec import converter, shape_of
from wxrevenue.errors import ConfigurationError, without_history

if TYPE_CHECKING:
    from collections.abc import Callable

    from wxrevenue._wire.request import Multipart, PayRequest

JSON: Final = "application/json"
_FIELD: Final = re.compile(r"\{(\w+)\}")


@attrs.frozen(repr=False)
class Outgoing(Printable):
    """A request, encoded.

    Args:
        target: path and query, exactly as they are sent.
        body: what is sent.
        signed: what of it is signed; the same but for a form.
        content_type: the body's media type.
        is_sensitive: whether something in it is encrypted.
    """

    target: str
    body: bytes
    signed: bytes
    content_type: str = JSON
    is_sensitive: bool = False

    def __repr__(self) -> str:
        return f"<Outgoing {self.target} body={len(self.body)} B>"


def outgoing(request: PayRequest[object], mchid: str, encrypt: Callable[[str], str] = str) -> Outgoing | ConfigurationError:
    """Return a request as it is sent, its sensitive fields encrypted by ``encrypt``.

    An error is a value.

    Raises:
        ConfigurationError: the request's class cannot be sent at all.
    """
    fields, kind = _fields(request, mchid), type(request).__name__
    in_path = set(_FIELD.findall(request.path()))
    query = request.endpoint.method == "GET"
    wrong = _unfit(fields, in_path, query=query)
    if wrong is not None:
        return ConfigurationError(f"{kind}.{wrong}")
    path = _FIELD.sub(lambda name: quote(_plain(fields[name[1]]) or "", safe=""), request.path())
    fields = {name: value for name, value in fields.items() if name not in in_path}
    form = request.multipart()
    if form is not None:
        return Outgoing(path, _form(form), form.meta, f"multipart/form-data; boundary={form.boundary}")
    if query:
        plain = {name: _plain(value) for name, value in fields.items()}
        return Outgoing(f"{path}?{urlencode(plain, quote_via=quote)}" if plain else path, b"", b"")
    return _with_body(kind, path, fields, _Seal(encrypt))


def _with_body(kind: str, path: str, fields: dict[str, object], seal: _Seal) -> Outgoing | ConfigurationError:
    try:
        body = orjson.dumps(fields, default=seal)
    except TypeError as error:
        without_history(error)
    else:
        return Outgoing(path, body, body, is_sensitive=seal.used)
    if seal.raised is not None:
        raise seal.raised
    return ConfigurationError(f"{kind}: a field holds something that JSON cannot")


def _unfit(fields: dict[str, object], in_path: set[str], *, query: bool) -> str | None:
    """Return which values of a request no path or query can hold.

    Paths and queries are text, and nothing in them is encrypted.
    """
    for name in sorted(in_path):
        if _plain(fields.get(name)) in {None, "", ".", ".."}:
            return f"{name}: expected a str that can stand in a path"
    if query:
        odd = (name for name, value in fields.items() if _plain(value) is None)
        return next((f"{name}: expected a str, a number or a bool in a query, got {type(fields[name]).__name__}" for name in odd), None)
    return None


def _plain(value: object) -> str | None:
    """Return a value as a path or a query has it, or ``None`` if neither can."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, (str, int)) else None


class _Seal:
    """Gives JSON what it cannot write itself.

    That is values of this package, and secrets, which are encrypted.
    """

    def __init__(self, encrypt: Callable[[str], str]) -> None:
        self._encrypt = encrypt
        self.used = False
        self.raised: Exception | None = None
        """What a user's own key raised.

        orjson would put an error of its own in its place.
        """

    def __call__(self, value: object) -> object:
        if isinstance(value, Secret):
            self.used = True
            return self._encrypted(value)
        kind = type(value)
        if attrs.has(kind):
            fields = ((field.name, getattr(value, field.name)) for field in attrs.fields(kind))
            return {name: one for name, one in fields if one is not None}
        return converter.unstructure(value)

    def _encrypted(self, value: Secret) -> str:
        try:
            found: object = self._encrypt(value.reveal())
        except Exception as error:
            self.raised = error
            raise
        if isinstance(found, str):
            return found
        self.raised = ConfigurationError(f"an encryption key must return a str, got {type(found).__name__}")
        raise self.raised


def _fields(request: PayRequest[object], mchid: str) -> dict[str, object]:
    """Return what the request says, by the names of the wire."""
    fields: dict[str, object] = {}
    for name, sent, form in shape_of(type(request))[0]:
        if (value := getattr(request, name)) is not None and value != ():
            fields[sent] = value if form is None else form(value)
    fields.update(getattr(request, "extra", None) or {})
    if request.names_merchant:
        is_institution = "sub_mchid" in fields
        if is_institution and "appid" in fields:
            fields["sp_appid"] = fields.pop("appid")
        fields["sp_mchid" if is_institution else "mchid"] = mchid
    return fields


def _form(form: Multipart) -> bytes:
    edge, name = f"--{form.boundary}", form.filename
    head = f'{edge}\r\nContent-Disposition: form-data; name="meta"\r\nContent-Type: {JSON}\r\n\r\n'.encode()
    file = f'\r\n{edge}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\nContent-Type: {form.content_type}\r\n\r\n'
    return b"".join((head, form.meta, file.encode(), form.content, f"\r\n{edge}--\r\n".encode()))
