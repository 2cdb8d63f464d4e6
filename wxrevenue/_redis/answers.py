"""What a Redis server, or the way to it, says when a script has no answer.

There is one word for it, and what to do.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import attrs

from wxrevenue.errors import ConfigurationError, TokenUnavailableError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wxrevenue.errors import WxRevenueError

DEMOTED: Final = frozenset({"READONLY", "MASTERDOWN", "NOREPLICAS"})
"""What a server answers that is not a primary any more.

A new connection may find the one that is.
"""
_OLDEST: Final = "Redis 5"
"""Older ones refuse to write after ``TIME`` in a script."""
_CLUSTER: Final = "it is part of a cluster; hand in a redis.asyncio.RedisCluster"
_MEANINGS: Final[Mapping[str, str]] = {
    "READONLY": "it is a replica, or became one in a fail-over",
    "MASTERDOWN": "it is a replica without its primary",
    "NOREPLICAS": "it has too few replicas to take writes",
    "LOADING": "it is starting",
    "OOM": "its memory is full",
    "MISCONF": "it cannot save to its disk",
    "NOPERM": "its user may not run EVALSHA, EVAL, or a command in them, or not on these keys",
    "NOAUTH": "it wants a password",
    "WRONGPASS": "it knows no such user and password",
    "DENIED": "it is in protected mode",
    "BUSY": "a script of another program keeps it busy",
    "MOVED": _CLUSTER,
    "ASK": _CLUSTER,
    "CLUSTERDOWN": "its cluster is incomplete",
    "TRYAGAIN": "its cluster moves keys",
    "NOSCRIPT": "it forgets scripts at once",
}
_CLASSES: Final[Mapping[str, str]] = {
    "ReadOnlyError": "READONLY",
    "MasterDownError": "MASTERDOWN",
    "BusyLoadingError": "LOADING",
    "OutOfMemoryError": "OOM",
    "NoPermissionError": "NOPERM",
    "AuthenticationError": "WRONGPASS",
    "MovedError": "MOVED",
    "AskError": "ASK",
    "ClusterDownError": "CLUSTERDOWN",
    "TryAgainError": "TRYAGAIN",
    "NoScriptError": "NOSCRIPT",
}
"""The code that redis-py takes off a message when it raises one of these."""
_LASTING: Final[Mapping[str, str]] = {
    "not allowed after non deterministic": f"is too old: {_OLDEST} is the oldest that works",
    "wrong number of args calling redis": f"is too old: {_OLDEST} is the oldest that works",
    "unknown redis command": f"is too old: {_OLDEST} is the oldest that works",
    "unknown command `hello`": "is too old for a client of protocol 3, which Redis 6 brought",
    "unknown command 'hello'": "is too old for a client of protocol 3, which Redis 6 brought",
    "unknown command": f"knows no EVALSHA and EVAL: it is too old ({_OLDEST} is the oldest that works), or they are switched off",
    "db index": "has no database of this number",
}
"""Parts of the messages by which servers refuse what they always refuse.

They are in small letters. Such messages have no code of their own.
"""
_CODE: Final = re.compile(r"\b(" + "|".join(_MEANINGS) + r")\b")
"""A code anywhere.

Redis up to 6.2 puts that of a script's failed command behind a general error.
"""
_FIRST_WORD: Final = re.compile(r"([A-Z]{3,15}) ")
_FORBIDDEN: Final = "can't run this command"


@attrs.frozen
class Trouble:
    """Why a script has no answer.

    Args:
        what: in words, of which none is the server's own: those may repeat what was sent.
        code: the first word of the server's error; empty where there was no answer, so that another
            try may get one.
        lasts: whether it will never be otherwise.
    """

    what: str
    code: str = ""
    lasts: bool = False

    def error(self, place: str, owner: str) -> WxRevenueError:
        """Return the error to raise."""
        if self.lasts:
            return ConfigurationError(f"{place}, for the {owner}, {self.what}")
        return TokenUnavailableError(f"{place} did not serve the {owner}: {self.what}")


POOL_EXHAUSTED: Final = Trouble("every connection that its client allows is in use; raise max_connections", "POOL")


def is_unknown_script(error: Exception) -> bool:
    """Return whether a server does not have a script by its hash.

    Or it has no hashes at all: some proxies take ``EVAL`` alone.
    """
    text = str(error).lower()
    return type(error).__name__ == "NoScriptError" or "noscript" in text or ("unknown command" in text and "evalsha" in text)


def trouble_of(error: Exception, timeout: float) -> Trouble:
    """Return what an exception of redis-py's, of the system's or of asyncio's means."""
    from redis.exceptions import ConnectionError as Broken
    from redis.exceptions import RedisError
    from redis.exceptions import TimeoutError as Late

    if isinstance(error.__cause__, RedisError):
        error = error.__cause__  # what the server refused while the connection was made
    if isinstance(error, (TimeoutError, Late)):
        return Trouble(f"no answer within {timeout:g} s")
    if _is_pool_exhausted(error):
        return POOL_EXHAUSTED
    code = _code_of(error)
    if isinstance(error, RedisError) and (code or not isinstance(error, Broken)):
        return _refusal(error, code)
    return Trouble(f"no connection ({type(error).__name__}): is it running?")


def _is_pool_exhausted(error: Exception) -> bool:
    return type(error).__name__ == "MaxConnectionsError" or str(error) in {"Too many connections", "No connection available."}


def _refusal(error: Exception, code: str) -> Trouble:
    text = str(error).lower()
    for phrase, what in _LASTING.items():
        if phrase in text:
            return Trouble(what, "ERR", lasts=True)
    meaning = f" ({_MEANINGS[code]})" if code in _MEANINGS else ""
    return Trouble(f"it answered {code or type(error).__name__}{meaning}", code or "ERR")


def _code_of(error: Exception) -> str:
    from redis.exceptions import ResponseError

    text = str(error)
    if _FORBIDDEN in text:
        return "NOPERM"
    if type(error).__name__ == "AuthenticationError" and "required" in text:
        return "NOAUTH"
    code = _CLASSES.get(type(error).__name__, "")
    if code or not isinstance(error, ResponseError):
        return code
    found = _CODE.search(text) or _FIRST_WORD.match(text)
    return found[1] if found else ""
