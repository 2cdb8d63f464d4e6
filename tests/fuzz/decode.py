"""Coverage-guided fuzzing of everything that reads an answer.

Any bytes become a model, or an error of the package. This is not one of the tests, and its engine
is not a dependency. To run it for two minutes, say, from the repository's top::

    pip install atheris
    PYTHONPATH=tests python tests/fuzz/decode.py -max_total_time=120

Every option of libFuzzer works. What a run finds is kept for the next one in ``wxrevenue-fuzz`` in
the folder for temporary files, or in a folder named on the command line. The first two bytes of an
input choose the interface and the HTTP status; the others are the body, or (from 128 on in the
first byte) a recipe for one that is JSON and uses our field names. An input that breaks the promise
is written to ``crash-…`` and shown with its traceback.
"""

from __future__ import annotations

import importlib
import pickle
import re
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LARGEST_INPUT = 4096
STATUSES = (200, 201, 202, 204, 302, 400, 401, 404, 408, 429, 500, 503)
SEEDS = (
    b'{"ret":0,"err_msg":"ok","share_ratio":40}',
    b'{"errcode":40001,"errmsg":"invalid credential rid: 5f5f5f5f-0badcafe-00000001"}',
    b'{"base_resp":{"ret":1737,"err_msg":"ok"}}',
    b'{"settlement_list":[{"month":"202003","order":1,"settled_revenue":3,"slot_revenue":[{"slot_id":"S ","slot_settled_revenue":3}]}]}',
    b'{"ret":0,"body":"x","penalty_all":0,"revenue_all":5178346187,"settled_revenue_all":-1,"total_num":"2","settlement_list":null}',
    b'{"date":"2020-03-25","zone":"z","sett_status":5,"sett_no":"n","mail_send_cnt":"0"}',
    b'{"code":"PARAM_ERROR","message":"m","detail":{"field":"f","value":1e3,"issue":[null,true]}}',
    '{"ret":-202,"err_msg":"系统繁忙 \\ud83d\\ude00"}'.encode(),
    b'{"anything":{"on":true,"share":0.5,"numbers":[1,2],"day":"2020-03-01","counts":{"x":1},"level":1}}',
)

WORDS = (b"null", b"true", b"{}", b"[]", b"[{", b"}]", b'""', b"1.5", b"-1", b"1e400", b"18446744073709551616", b"\\ud800")
NAMES = sorted({name.decode() for seed in SEEDS for name in re.findall(rb'"([a-z_]+)":', seed)})
SIMPLE = (
    None,
    True,
    False,
    0,
    1,
    -1,
    40,
    1737,
    2**64 - 1,
    -(2**63),
    0.5,
    1e23,
    1e308,
    "",
    "1",
    "ok",
    "2020-03-25",
    "202003",
    "XXX",
    "\x00",
)
DEEPEST = 6


def made(recipe: Iterator[int], depth: int) -> Any:
    """Return a JSON value by a recipe of bytes, which may end anywhere.

    The value is made of objects of known names, lists and simple values.
    """
    choice = next(recipe, 0)
    if depth < DEEPEST and choice >= 192:
        return {NAMES[next(recipe, 0) % len(NAMES)]: made(recipe, depth + 1) for _ in range(choice % 16)}
    if depth < DEEPEST and choice >= 128:
        return [made(recipe, depth + 1) for _ in range(choice % 4)]
    return SIMPLE[choice % len(SIMPLE)]


class Readers:
    """Every way in which an answer is read.

    There is each interface that is shipped, and one with a field of every kind.
    """

    def __init__(self) -> None:
        from fuzz import kinds  # after the fuzzer has hooked imports

        self._kinds = kinds
        self.readers = kinds.readers()

    def instrument(self, instrument: Callable[[Any], Any]) -> None:
        """Instrument the functions that were generated for the types."""
        for _, kind in self.readers:
            instrument(self._kinds.structure_hook(kind))

    def one_input(self, data: bytes) -> None:
        """Read one input; anything but a result or one of our errors is raised."""
        if len(data) < 2:
            return
        call, kind = self.readers[data[0] % 128 % len(self.readers)]
        body = data[2:] if data[0] < 128 else orjson.dumps(made(iter(data[2:]), 0))
        response = self._kinds.HttpResponse(STATUSES[data[1] % len(STATUSES)], {"Request-ID": "1"}, body)
        found: Any = call.unwrap(response)
        if not isinstance(found, self._kinds.WxRevenueError):
            found = self._kinds.decode(kind, found)
        self.check(found)

    def check(self, found: Any) -> None:
        """Check that an error can be shown, stored and compared, and a result too."""
        if isinstance(found, BaseException):
            assert isinstance(found, self._kinds.WxRevenueError), type(found)
            assert (found.__cause__, found.__context__) == (None, None)
            str(found).encode()
            try:
                copy: Any = pickle.loads(pickle.dumps(found))  # noqa: S301  (our own)
            except RecursionError:  # a detail as deep as the parser allows
                return
            assert (type(copy), str(copy)) == (type(found), str(found))
        else:
            repr(found).encode()


def prepare(folder: Path, readers: Readers) -> Path:
    """Write one input per reader and seed; return the fuzzer's dictionary.

    So the fuzzer begins with answers that are read to the end.
    """
    inputs = folder / "inputs"
    inputs.mkdir(parents=True, exist_ok=True)
    for reader in range(len(readers.readers)):
        for number, body in enumerate(SEEDS):
            (inputs / f"{reader}-{number}").write_bytes(bytes([reader, 0]) + body)
        (inputs / f"{reader}-made").write_bytes(bytes([128 + reader, 0, 207, *range(60)]))
    words = {word for seed in SEEDS for word in re.findall(rb'"[a-z_]+":|:[^,{}]+', seed)} | set(WORDS)
    lines = ['"' + "".join(f"\\x{byte:02x}" for byte in word) + '"' for word in sorted(words)]
    (folder / "dictionary").write_text("\n".join(lines) + "\n")
    return inputs


def main() -> None:
    """Fuzz until libFuzzer's options say to stop."""
    atheris: Any = importlib.import_module("atheris")
    with atheris.instrument_imports(include=["wxrevenue"]):
        readers = Readers()
    readers.instrument(atheris.instrument_func)
    folder = Path(tempfile.gettempdir()) / "wxrevenue-fuzz"
    inputs = prepare(folder, readers)
    options = [f"-max_len={LARGEST_INPUT}", f"-dict={folder / 'dictionary'}"]
    atheris.Setup([sys.argv[0], *options, *sys.argv[1:], str(inputs)], readers.one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
