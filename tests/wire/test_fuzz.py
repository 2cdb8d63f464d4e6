"""The fuzzer's script works without its engine.

Every input it begins with, and many at random, keep the promise.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import attrs
import pytest
from fuzz import decode, kinds

if TYPE_CHECKING:
    from pathlib import Path


def test_inputs_that_the_fuzzer_begins_with(tmp_path: Path) -> None:
    """Each input that the fuzzer begins with is read to an end.

    The dictionary quotes its words as libFuzzer wants them.
    """
    readers = decode.Readers()
    inputs = sorted(decode.prepare(tmp_path, readers).iterdir())
    assert len(inputs) == len(readers.readers) * (len(decode.SEEDS) + 1)
    for one in inputs:
        readers.one_input(one.read_bytes())
    lines = (tmp_path / "dictionary").read_text().splitlines()
    assert len(lines) > 20
    assert all(line.startswith('"\\x') and line.endswith('"') for line in lines)


def test_some_inputs_become_models() -> None:
    """Some of the fuzzer's seeds become models: each shipped model is reached."""
    reached: set[str] = set()

    class Watching(decode.Readers):
        def check(self, found: Any) -> None:
            reached.add(type(found).__name__)
            super().check(found)

    readers = Watching()
    for reader in range(len(readers.readers)):
        for seed in decode.SEEDS:
            readers.one_input(bytes([reader, 0]) + seed)
    assert {"ShareRatio", "SettlementPage", "Everything", "NoneType", "TokenError", "TooFastError", "ServerBusyError"} <= reached


def test_random_inputs() -> None:
    """D-01 D-17: noise and made-up JSON bring a model or an error of the package."""
    readers, noise = decode.Readers(), random.Random(3)
    for _ in range(3_000):
        readers.one_input(noise.randbytes(noise.randrange(80)))


def test_a_broken_promise_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A result that is neither a model nor the package's error ends the run.

    So does an error that keeps its history.
    """
    readers = decode.Readers()
    with pytest.raises(AssertionError):
        readers.check(ValueError("stray"))
    chained = kinds.WxRevenueError("ours")
    chained.__context__ = ValueError("stray")
    with pytest.raises(AssertionError):
        readers.check(chained)


def test_every_kind_is_given_to_the_fuzzer() -> None:
    """The functions generated for all result types are instrumented.

    Among them is the one of a field of every kind.
    """
    seen: list[object] = []
    readers = decode.Readers()
    readers.instrument(seen.append)
    assert kinds.structure_hook(kinds.Everything) in seen
    assert len(seen) == len(readers.readers) > 5
    assert attrs.has(kinds.Everything)
