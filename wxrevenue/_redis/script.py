"""Scripts that run inside Redis."""

from __future__ import annotations

import hashlib
from functools import cached_property
from typing import Final

import attrs

TEXT: Final = """
local function text(found)
  if type(found) == 'string' then return found end
  if type(found) == 'table' and found.err and not string.find(found.err, 'WRONGTYPE') then error(found.err, 0) end
  return false
end
"""
"""A function for what ``redis.pcall`` returned.

It gives the text, or ``false`` if there is none or the key is of another type. Any other error (no
rights, a replica without its primary) ends the script, lest an outage look like an empty store.
"""


@attrs.frozen
class Script:
    """A Lua script that may run twice without harm.

    Its second run changes nothing and answers as the first did. Every command in it names its key
    as ``KEYS[n]``: the proxies of managed servers read scripts, and insist on that.

    Args:
        text: its source.
    """

    text: str

    @cached_property
    def sha(self) -> str:
        """What Redis calls it, once it has seen it."""
        return hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest()
