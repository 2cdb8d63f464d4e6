"""What a server may put into text, made fit for files."""

from __future__ import annotations


def well_formed(text: str) -> str:
    """Return text that UTF-8 can hold: pairs of surrogates become their character, halves U+FFFD."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text
