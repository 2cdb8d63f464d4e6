"""The commands of ``wxrevenue funds``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, TypeVar, cast

import attrs
import typer

from wxrevenue import BillRow, funds
from wxrevenue._base.calendar import beijing_date
from wxrevenue.cli import _output
from wxrevenue.cli._funds import job as _job
from wxrevenue.errors import ConfigurationError
from wxrevenue.report._words import printable

if TYPE_CHECKING:
    from collections.abc import Callable

    from wxrevenue import DistributionOrder, FundsDistributionClient
    from wxrevenue._wire.request import PayRequest

T = TypeVar("T")
app = typer.Typer(
    help="Distribute funds of overseas payments.\n\nWhat moves or freezes money is shown and not sent, unless you add `--yes`."
    " The merchant file is JSON with mchid, serial_no, private_key, and apiv3_key (or platform_keys); an institution adds"
    " sub_mchid.",
    no_args_is_help=True,
)

_TYPED = {
    "out_trade_no": "OUT_TRADE_NO",
    "transaction_id": "TRANSACTION_ID",
    "out_order_no": "--order-no",
    "description": "--description",
    "account": "--to",
    "amount": "--to",
    "receivers": "--to",
}
"""Arguments and options, by what requests call them."""
_SHARE = re.compile(r"([^=]+)=([0-9]{1,19})", re.ASCII)
MerchantFile: TypeAlias = Annotated[
    Path,
    typer.Option(
        "--merchant",
        envvar="WXREVENUE_MERCHANT_FILE",
        exists=True,
        dir_okay=False,
        metavar="FILE.json",
        help="The numbers and keys of the merchant who calls.",
    ),
]
SubMchid: TypeAlias = Annotated[str | None, typer.Option(help="The order's sub-merchant, in place of the file's.")]
BaseUrl: TypeAlias = Annotated[str | None, typer.Option(help="Another host, or a sandbox.")]
Yes: TypeAlias = Annotated[bool, typer.Option("--yes", "-y", help="Send it. Without this it is only shown.")]
Transaction: TypeAlias = Annotated[str, typer.Argument(metavar="TRANSACTION_ID", help="WeChat Pay's number of the payment.")]
OrderNo: TypeAlias = Annotated[
    str, typer.Option("--order-no", help="Your number of this command. Repeat a failed command with the same one.")
]


def _act(merchant: Path, sub_mchid: str | None, base_url: str | None, request: PayRequest[object], *, yes: bool) -> None:
    """Show a request, or send it."""

    def dry() -> None:
        who = _job.Merchant(merchant, sub_mchid, base_url)
        who.check()
        _job.show_request(who, attrs.evolve(cast("Any", request), sub_mchid=who.sub_mchid))

    async def send() -> None:
        _show(await _job.Merchant(merchant, sub_mchid, base_url).use(lambda client: client.send(request)))

    _job.execute(send() if yes else dry)


def _show(answer: object) -> None:
    if answer is None:
        typer.echo("Done.")
    elif isinstance(answer, funds.DistributionOrder):
        _show_order(answer)
    else:
        _job.show({field.name: getattr(answer, field.name) for field in attrs.fields(cast("Any", type(answer))) if field.name != "_extra"})


def _show_order(order: DistributionOrder) -> None:
    _job.show({"out_order_no": order.out_order_no, "order_id": order.order_id, "state": order.state})
    for one in order.receivers:
        why = f" ({one.fail_reason})" if one.fail_reason else ""
        typer.echo(printable(f"{one.account}: {one.amount} fen, {one.result or '?'}{why}"))


def _made(make: Callable[[], T]) -> T:
    """Return a request; a wrong argument is told by the name under which it was typed."""
    found: list[T] = []

    def work() -> None:
        try:
            found.append(make())
        except ConfigurationError as error:
            name, colon, said = error.message.partition(": ")
            typed = _TYPED.get(name.rpartition(".")[2], name)
            raise ConfigurationError(f"{typed}{colon}{said}") from None

    _job.execute(work)
    return found[0]


@app.command()
def mark(
    out_trade_no: Annotated[str, typer.Argument(metavar="OUT_TRADE_NO", help="Your number of the order that will follow.")],
    *,
    merchant: MerchantFile,
    sub_mchid: SubMchid = None,
    base_url: BaseUrl = None,
    yes: Yes = False,
) -> None:
    """Mark an order before it is placed.

    This freezes its money. Check with `amounts` after the payment.
    """
    _act(merchant, sub_mchid, base_url, _made(lambda: funds.MarkTransaction(out_trade_no)), yes=yes)


@app.command()
def amounts(transaction: Transaction, *, merchant: MerchantFile, sub_mchid: SubMchid = None, base_url: BaseUrl = None) -> None:
    """Show what of a payment can still be distributed.

    It is the proof that the order was marked.
    """
    _act(merchant, sub_mchid, base_url, _made(lambda: funds.QueryRemainingAmount(transaction)), yes=True)


@app.command()
def distribute(  # noqa: PLR0913  (options, all by keyword)
    transaction: Transaction,
    *,
    order_no: OrderNo,
    to: Annotated[list[str], typer.Option(metavar="MCHID=FEN", help="A merchant and its share in fen; may be given again.")],
    merchant: MerchantFile,
    description: Annotated[str, typer.Option(help="What the receivers read.")] = "distribution",
    unfreeze: Annotated[bool, typer.Option("--unfreeze", help="Release the rest, and end the distribution.")] = False,
    sub_mchid: SubMchid = None,
    base_url: BaseUrl = None,
    yes: Yes = False,
) -> None:
    """Distribute funds of a marked order to merchants."""

    def make() -> PayRequest[object]:
        found = [(share, _SHARE.fullmatch(share)) for share in to]
        wrong = [share for share, match in found if match is None]
        if wrong:
            raise ConfigurationError(f"--to: expected MCHID=FEN, got {wrong[0]!r}")
        shares = [funds.DistributionReceiver("MERCHANT_ID", match[1], int(match[2]), description) for _, match in found if match]
        return funds.RequestDistribution(transaction_id=transaction, out_order_no=order_no, unfreeze_unsplit=unfreeze, receivers=shares)

    _act(merchant, sub_mchid, base_url, _made(make), yes=yes)


@app.command()
def unfreeze(  # noqa: PLR0913  (options, all by keyword)
    transaction: Transaction,
    *,
    order_no: OrderNo,
    merchant: MerchantFile,
    description: Annotated[str, typer.Option(help="Why.")] = "release",
    sub_mchid: SubMchid = None,
    base_url: BaseUrl = None,
    yes: Yes = False,
) -> None:
    """Release what is still frozen, and end a distribution."""
    request = _made(lambda: funds.UnfreezeRemainingFunds(transaction_id=transaction, out_order_no=order_no, description=description))
    _act(merchant, sub_mchid, base_url, request, yes=yes)


@app.command()
def status(
    transaction: Transaction, *, order_no: OrderNo, merchant: MerchantFile, sub_mchid: SubMchid = None, base_url: BaseUrl = None
) -> None:
    """Show what became of a distribution or a release.

    Each receiver has a line.
    """
    request = _made(lambda: funds.QueryDistribution(out_order_no=order_no, transaction_id=transaction))
    _act(merchant, sub_mchid, base_url, request, yes=True)


@app.command()
def bill(  # noqa: PLR0913  (options, all by keyword)
    day: Annotated[str, typer.Argument(metavar="DAY", help="yyyy-mm-dd, Beijing calendar, of the last 90 days.")],
    *,
    merchant: MerchantFile,
    refunds: Annotated[bool, typer.Option("--refunds", help="The bill of refunds.")] = False,
    format: Annotated[_output.Format | None, typer.Option(help="By default what the file is called, else csv.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write to this file, which appears when it is whole.")] = None,
    bom: Annotated[bool, typer.Option("--bom", help="A CSV for Excel: marked as UTF-8, ' before ids that it would round.")] = False,
    sub_mchid: SubMchid = None,
    base_url: BaseUrl = None,
) -> None:
    """Print or export the bill of a day.

    Amounts are in fen and in yuan. The summary goes to stderr.
    """
    output = _output.Output.chosen(format, out, bom=bom)
    _made(lambda: beijing_date(day, "DAY"))

    async def read(client: FundsDistributionClient) -> None:
        async with client.download_refund_bill(day) if refunds else client.download_bill(day) as found:
            await output.write("bill", aiter(found), BillRow)
            typer.echo(printable(", ".join(f"{name} {value}" for name, value in (found.summary or {}).items())), err=True)

    async def run() -> None:
        await _job.Merchant(merchant, sub_mchid, base_url).use(read)

    _job.execute(run())
