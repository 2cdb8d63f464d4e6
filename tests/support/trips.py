"""The modules that a call passes through.

It shows whether a call goes back into a module that waits for it.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Generator
    from types import FrameType


class Trace:
    """Notes the modules of each function called, and calls back into waiting ones.

    Args:
        within: how the names of the modules begin that count, from ``wxrevenue.`` on.
    """

    def __init__(self, *within: str) -> None:
        self._within = tuple(f"wxrevenue.{name}" for name in within)
        self.rooms: list[str] = []
        self.returns: list[tuple[str, str]] = []
        self._frames: list[FrameType] = []

    def __call__(self, frame: FrameType, event: str, _argument: Any) -> None:
        """Note a call, once for each frame.

        A coroutine that goes on is called again.
        """
        module = self._module_of(frame)
        if event != "call" or not module or any(frame is one for one in self._frames):
            return
        self._frames.append(frame)
        if module not in self.rooms:
            self.rooms.append(module)
        callers, caller = list[str](), frame.f_back
        while caller is not None:
            found = self._module_of(caller)
            if found and callers[-1:] != [found]:
                callers.append(found)
            caller = caller.f_back
        if callers and callers[0] != module and module in callers:
            self.returns.append((callers[0], module))

    @contextmanager
    def taken(self) -> Generator[None]:
        """Note the calls within this block."""
        before = sys.getprofile()
        sys.setprofile(self)
        try:
            yield
        finally:
            sys.setprofile(before)

    def _module_of(self, frame: FrameType) -> str:
        """Return the module of a frame that counts, or ``None``."""
        name: str = frame.f_globals.get("__name__", "")
        return name.rpartition(".")[2] if name.startswith(self._within) else ""
