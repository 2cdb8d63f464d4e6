"""What the commands do: show a request, or send it."""

from __future__ import annotations

import asyncio
from codecs import BOM_UTF8
from typing import TYPE_CHECKING, Any, TypeVar

import orjson
import typer

from wxrevenue import FundsDistributionClient, PlatformCertificates, StaticVerifier
from wxrevenue._base.secret import Secret
from wxrevenue.cli._problem import Problem
from wxrevenue.errors import ConfigurationError, WxRevenueError, without_history
from wxrevenue.funds import BASE_URL
from wxrevenue.funds._encoding import outgoing
from wxrevenue.report._words import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path

    from wxrevenue._base.json_types import JsonValue
    from wxrevenue._wire.request import PayRequest
    from wxrevenue.ports import Transport, Verifier

T = TypeVar("T")
_NEEDED = ("mchid", "serial_no", "private_key")


def transport() -> Transport | None:
    """Return what carries requests: the client's own choice."""
    return None


class Merchant:
    """Who calls.

    Args:
        file: JSON with ``mchid``, ``serial_no`` and ``private_key``, and with ``apiv3_key`` or
            ``platform_keys``; ``sub_mchid`` where an institution calls.
        sub_mchid: the sub-merchant, in place of the file's.
        base_url: where to send.

    Raises:
        ConfigurationError: the file is something else. Its keys show nowhere.
    """

    def __init__(self, file: Path, sub_mchid: str | None, base_url: str | None) -> None:
        self._facts, self._file = _facts(file), file
        options = {"sub_mchid": ("--sub-mchid", sub_mchid), "base_url": ("--base-url", base_url)}
        self._typed = {name: option for name, (option, given) in options.items() if given is not None}
        self.mchid: str = self._facts["mchid"]
        self.sub_mchid: str | None = self._facts.get("sub_mchid") if sub_mchid is None else sub_mchid
        self.base_url = self._facts.get("base_url", BASE_URL) if base_url is None else base_url

    def check(self) -> None:
        """Raise what a client would raise that is made for this merchant; nothing is sent."""
        self._made()

    def _made(self) -> tuple[FundsDistributionClient, Verifier]:
        """Return a client and its verifier.

        What is wrong is told as the option that was typed, or as a field of the file.
        """
        try:
            verifier = self._verifier()
            return self._client(verifier), verifier
        except ConfigurationError as error:
            name, _, said = error.message.partition(": ")
            field, whole = name.rpartition(".")[2], error.message
        if field in self._typed:
            raise ConfigurationError(f"{self._typed[field]}: {said}")
        raise ConfigurationError(f"{self._file}, {field}: {said}" if field in self._facts else f"{self._file}: {whole}")

    def _client(self, verifier: Verifier) -> FundsDistributionClient:
        return FundsDistributionClient(
            self.mchid,
            self._facts["serial_no"],
            self._facts["private_key"],
            verifier=verifier,
            sub_mchid=self.sub_mchid,
            base_url=self.base_url,
            transport=transport(),
        )

    async def use(self, work: Callable[[FundsDistributionClient], Coroutine[object, None, T]]) -> T:
        """Return what the work returns, given a client that is closed afterwards."""
        client, verifier = self._made()
        async with client:
            try:
                return await work(client)
            finally:
                if isinstance(verifier, PlatformCertificates):
                    await verifier.aclose()

    def _verifier(self) -> Verifier:
        if "apiv3_key" not in self._facts:
            return StaticVerifier({name: pem.reveal() for name, pem in self._facts["platform_keys"].items()})
        who = {name: self._facts[name] for name in _NEEDED}
        return PlatformCertificates(self._facts["apiv3_key"], **who, base_url=self.base_url, transport=transport())


def _facts(file: Path) -> dict[str, Any]:
    """Return what the file says, its keys as ``Secret``.

    A byte order mark, as editors write it, is left out.
    """
    try:
        found: JsonValue = orjson.loads(file.read_bytes().removeprefix(BOM_UTF8))
    except (OSError, ValueError) as error:
        kind = type(error).__name__
        without_history(error)
        found = kind
    fields = found if isinstance(found, dict) else {}
    keys = fields.get("platform_keys", {})
    missing = [name for name in _NEEDED if not isinstance(fields.get(name), str)]
    if missing or not ({"apiv3_key", "platform_keys"} & fields.keys()) or not isinstance(keys, dict):
        expected = f"expected JSON with {', '.join(_NEEDED)}, and apiv3_key or platform_keys (PEM by serial number)"
        lacks = f"; it lacks {', '.join(missing)}" if fields and missing else ""
        raise ConfigurationError(f"{file}: {expected}{lacks}")
    boxed = {name: Secret(text) for name in ("private_key", "apiv3_key") if isinstance(text := fields.get(name), str)}
    return {**fields, **boxed, "platform_keys": {name: Secret(str(pem)) for name, pem in keys.items()}}


def show_request(merchant: Merchant, request: PayRequest[object]) -> None:
    """Show what would be sent; names and keys do not show."""
    out = outgoing(request, merchant.mchid, lambda _: "***")
    if isinstance(out, WxRevenueError):
        raise out
    typer.echo(f"{request.endpoint.method} {merchant.base_url}{out.target}")
    if out.body:
        typer.echo(out.body.decode())
    typer.echo("Nothing was sent. Add --yes to send it.")


def show(fields: dict[str, object]) -> None:
    """Show an answer, a line for each of its fields that is filled."""
    for name, value in fields.items():
        if value not in (None, "", [], {}):
            typer.echo(printable(f"{name}: {value}"))


def execute(work: Coroutine[object, None, None] | Callable[[], None]) -> None:
    """Run a command; an error is told in words, with its exit code."""
    Problem.of_doing(lambda: asyncio.run(work) if asyncio.iscoroutine(work) else work()).tell()
