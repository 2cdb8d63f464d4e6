"""The little XML that pushes are made of.

Elements and text, and nothing else that XML offers.
"""

from __future__ import annotations

from codecs import BOM_UTF8
from typing import TYPE_CHECKING, Final, NoReturn
from xml.parsers import expat

from wxrevenue.push._reply import RefusedError

if TYPE_CHECKING:
    from collections.abc import Collection

_DEEPEST: Final = 8
_FIELDS: Final = 2
"""How deep the fields are: right below the root."""


def read_fields(data: bytes, wanted: Collection[str]) -> dict[str, str]:
    """Return the text of the wanted elements below the root.

    Other elements are passed over.

    Raises:
        RefusedError: it is not well-formed UTF-8 XML, has a DOCTYPE, a comment or a processing
            instruction, is nested deeper than 8, or a wanted element comes twice, elsewhere, or
            with elements inside.
    """
    reader = _Reader(wanted)
    try:
        if data.startswith(BOM_UTF8) or b"\0" in data:  # expat goes over to UTF-16 at "<\0", whatever it was told
            raise RefusedError("a byte order mark or a NUL")
        reader.parser.Parse(data.decode("utf-8"), True)  # noqa: FBT003  (expat takes no keywords)
    except (expat.ExpatError, ValueError):
        pass
    else:
        return {name: "".join(parts) for name, parts in reader.found.items()}
    raise RefusedError("not well-formed UTF-8 XML")


class _Reader:
    def __init__(self, wanted: Collection[str]) -> None:
        self.found: dict[str, list[str]] = {}
        self.parser = parser = expat.ParserCreate("utf-8")
        self._wanted = wanted
        self._open: list[str] = []
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.XmlDeclHandler = self._declared
        # Whatever needs a DOCTYPE (entities above all) ends here, before it is read.
        parser.StartDoctypeDeclHandler = parser.ProcessingInstructionHandler = parser.CommentHandler = self._refuse

    def _start(self, name: str, _attributes: object) -> None:
        self._open.append(name)
        if len(self._open) > _DEEPEST:
            raise RefusedError("nested too deep")
        if name in self._wanted:
            self._begin(name)
        if len(self._open) > _FIELDS and self._open[_FIELDS - 1] in self._wanted:
            raise RefusedError(f"an element inside of {self._open[_FIELDS - 1]}")

    def _begin(self, name: str) -> None:
        if len(self._open) != _FIELDS or name in self.found:
            raise RefusedError(f"{name} twice, or out of place")
        self.found[name] = []

    def _end(self, _name: str) -> None:
        self._open.pop()

    def _text(self, text: str) -> None:
        if len(self._open) == _FIELDS and self._open[-1] in self.found:
            self.found[self._open[-1]].append(text)

    def _declared(self, _version: str, encoding: str | None, _standalone: int) -> None:
        if encoding is not None and encoding.lower() != "utf-8":
            raise RefusedError("declared to be something else than UTF-8")

    def _refuse(self, *_what: object) -> NoReturn:
        raise RefusedError("a DOCTYPE, a comment or a processing instruction")
