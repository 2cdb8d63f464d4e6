"""What is loaded on first use, and what it means that this fails.

The machine lacks something, and nothing was sent because of it.
"""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Final, TypeVar

from wxrevenue.errors import NotSentError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

T = TypeVar("T")
_OURS: Final = "wxrevenue."
_IMPORT_SYSTEM: Final = frozenset({"importlib", "_frozen_importlib", "_frozen_importlib_external", "zipimport"})
SHORTAGES: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS})
"""Error numbers for what this machine may have again in a moment.

They are the operating system's.
"""


def loaded(load: Callable[[], T], whose: str) -> T:
    """Return what a function loads or makes on first use.

    That is a module, a TLS context, a pool …

    Args:
        load: loads it.
        whose: what for, for the message.

    Raises:
        NotSentError: this machine lacks something for it.
    """
    try:
        return load()
    except Exception as error:  # noqa: BLE001  (whatever a module raises while it is imported)
        failure = not_loaded(error, whose)
    raise failure


def not_loaded(error: Exception, whose: str) -> NotSentError:
    """Return the error for something that could not be loaded.

    It names what is lacking. It never shows the exception's text.
    """
    where = f"{described(error)}, {whose}"
    if os_error_number(error) in SHORTAGES:
        return NotSentError(f"what a first call needs cannot be loaded now: {where}", reason="connect")
    if isinstance(error, OSError) and error.filename and error.filename == os.environ.get("SSLKEYLOGFILE"):
        return NotSentError(f"the file that SSLKEYLOGFILE names cannot be opened: {where}", reason="tls")
    module = f" ({error.name})" if isinstance(error, ImportError) and error.name else ""
    return NotSentError(f"what a first call needs cannot be loaded{module}: {where}", reason="protocol", retryable=False)


def is_from_our_import(error: BaseException) -> bool:
    """Return whether an exception comes from an import of this package.

    That is one which this package makes on first use, not one of the caller's.
    """
    importer, trace = "", error.__traceback__
    while trace is not None:
        module, code = str(trace.tb_frame.f_globals.get("__name__")), trace.tb_frame.f_code
        if code.co_name == "<module>" or module.partition(".")[0] in _IMPORT_SYSTEM:
            return importer.startswith(_OURS)
        importer, trace = module, trace.tb_next
    return isinstance(error, ImportError) and importer.startswith(_OURS)


def described(error: BaseException) -> str:
    """Return an exception's class and the operating system's reason, never the text.

    The reason is there only where the operating system refused something.
    """
    code = errno.errorcode.get(os_error_number(error))
    return type(error).__name__ if code is None else f"{type(error).__name__} {code}"


def os_error_number(error: BaseException) -> int:
    """Return the operating system's error number behind an exception, or 0."""
    from socket import gaierror  # every program that makes calls has loaded these two
    from ssl import SSLError

    refusals = [one for one in _causes(error) if isinstance(one, OSError)]
    if any(isinstance(one, (gaierror, SSLError)) for one in refusals):
        return 0  # these count in ways of their own
    return next((one.errno for one in refusals if one.errno), 0)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        inner: Sequence[BaseException] | None = getattr(error, "exceptions", None)
        error = inner[0] if inner else error.__cause__ or error.__context__
