"""The leak oracle, which looks for secrets.

It walks everything that an error, a log record or an event could show.
"""

from __future__ import annotations

import copy
import logging
import pickle
import traceback
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Protocol

    class Capture(Protocol):
        """A log capture such as pytest's ``caplog``."""

        @property
        def records(self) -> list[logging.LogRecord]:
            """What was logged so far."""
            ...


_DEEPEST = 12
_SHORTEST = 8


def spellings(secrets: Iterable[str]) -> list[str]:
    """Return every way in which a secret may be spelled, raw and percent-encoded."""
    found: set[str] = set()
    for secret in secrets:
        if len(secret) < _SHORTEST:
            raise ValueError("a secret shorter than 8 characters would be found by chance")
        coded = {secret, quote(secret), quote(secret, safe=""), quote_plus(secret), secret.encode("unicode_escape").decode()}
        found |= coded | {quote(one, safe="") for one in coded} | {one.lower() for one in coded}
    return sorted(found)


def assert_no_leak(*things: object, secrets: Iterable[str], caplog: Capture | None = None, tests: Path | None = None) -> None:
    """Fail if a secret shows in a thing.

    Looked at are its text, ``repr``, arguments, attributes, pickle, chain and traceback locals.

    Args:
        things: errors, events, clients, anything.
        secrets: the secret texts.
        caplog: a log capture, set to DEBUG on the root logger beforehand; its records are walked as
            well.
        tests: the folder of your tests, whose frames made the secret up and may hold it.
    """
    forms = spellings(secrets)
    walk = _Inspection(tests)
    for thing in things:
        for where, text in walk.texts(thing, type(thing).__name__, _DEEPEST, set()):
            _check(where, text, forms)
    if caplog is not None:
        for record in caplog.records:
            for where, text in walk.record_texts(record):
                _check(where, text, forms)


def _check(where: str, text: str, forms: list[str]) -> None:
    low = text.lower()
    for form in forms:
        if form in text or form.lower() in low:
            raise AssertionError(f"a secret shows in {where}: {text[:200]!r}")


class _Inspection:
    """Walks what a thing shows.

    Args:
        tests: frames of files in this folder are left out.
    """

    def __init__(self, tests: Path | None) -> None:
        self._tests = tests

    def _of_tests(self, filename: str) -> bool:
        return self._tests is not None and Path(filename).is_relative_to(self._tests)

    def texts(self, thing: object, where: str, depth: int, seen: set[int]) -> Iterator[tuple[str, str]]:
        """Yield what a thing shows, with the place where it shows it."""
        if depth == 0 or id(thing) in seen:
            return
        seen.add(id(thing))
        yield f"{where}: str", str(thing)
        yield f"{where}: repr", repr(thing)
        yield from _pickled(thing, where)
        if isinstance(thing, BaseException):
            yield from self._error_texts(thing, where, depth, seen)
        elif isinstance(thing, dict):
            for key, value in thing.items():  # pyright: ignore[reportUnknownVariableType]
                yield from self.texts(value, f"{where}[{key!r}]", depth - 1, seen)  # pyright: ignore[reportUnknownArgumentType]
        elif isinstance(thing, (list, tuple, set, frozenset)):
            for item in thing:  # pyright: ignore[reportUnknownVariableType]
                yield from self.texts(item, f"{where}[…]", depth - 1, seen)  # pyright: ignore[reportUnknownArgumentType]

    def _error_texts(self, error: BaseException, where: str, depth: int, seen: set[int]) -> Iterator[tuple[str, str]]:
        yield f"{where}: traceback", self._printed(error)
        yield from self.texts(error.args, f"{where}.args", depth - 1, seen)
        yield from self.texts(dict(vars(error)), f"{where}.__dict__", depth - 1, seen)
        for name in ("__cause__", "__context__", "__notes__", "exceptions"):
            inner: object = getattr(error, name, None)
            if inner is not None:
                yield from self.texts(inner, f"{where}.{name}", depth - 1, seen)

    def _printed(self, error: BaseException) -> str:
        """Return the traceback with the locals of every frame.

        A crash reporter prints it so. Frames of the tests are left out: they made the secret up and
        may hold it.
        """
        lines: list[str] = []
        reports = [traceback.TracebackException.from_exception(error, capture_locals=True)]
        while reports:
            report = reports.pop()
            lines += report.format_exception_only()
            lines += [f"{frame.name} {frame.line} {frame.locals}" for frame in report.stack if not self._of_tests(frame.filename)]
            reports += [inner for inner in (report.__cause__, report.__context__, *(report.exceptions or ())) if inner is not None]
        return "\n".join(lines)

    def record_texts(self, record: logging.LogRecord) -> Iterator[tuple[str, str]]:
        where = f"log record of {record.name}"
        yield where, logging.Formatter("%(name)s %(message)s").format(record)
        yield f"{where}: attributes", repr(vars(record))
        if record.exc_info and record.exc_info[1] is not None:
            yield from self.texts(record.exc_info[1], where, _DEEPEST, set())


def _pickled(thing: object, where: str) -> Iterator[tuple[str, str]]:
    """Yield the pickle and the copy of a thing, where it has any."""
    try:
        raw = pickle.dumps(thing)
    except Exception:  # noqa: BLE001  (what cannot be pickled cannot leak that way)
        return
    yield f"{where}: pickle", raw.decode("latin-1")
    yield f"{where}: copy", repr(copy.copy(thing))
