"""Bills of a day, behind a link that is good for 30 seconds, and settlements."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from wxrevenue.sandbox._call import Answer
from wxrevenue.sandbox._pay.books import day_of, rfc3339
from wxrevenue.sandbox._pay.visit import bad_parameter
from wxrevenue.sandbox._seeded import digest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from wxrevenue.sandbox._call import Call
    from wxrevenue.sandbox._pay.books import Command, PayBooks, Payment
    from wxrevenue.sandbox._pay.refunds import Refunds
    from wxrevenue.sandbox._pay.visit import Actions, Visit

DOWNLOAD_PATH: Final = "/v3/bill/downloadurl"
_HOST: Final = "apihk.mch.weixin.qq.com"
_GOOD_FOR_S: Final = 30
COLUMNS: Final = (
    "create_time", "initiator", "sponsor", "sub_mchid", "transaction_id", "order_id", "out_order_no", "detaill_id", "receiver_account",
    "amount", "currency", "settlement_amount", "settlement_currency", "exchange_rate", "business_type", "status", "description",
)  # fmt: skip
_OF_REFUNDS: Final = ("create_time", "sub_mchid", "transaction_id", "out_refund_no", "amount", "currency")


class Bills:
    """Answers the calls about bills and settlements."""

    def __init__(self, books: PayBooks, refunds: Refunds, whose: Callable[[Visit], str | None], sponsor: Callable[[], str]) -> None:
        self._books, self._refunds, self._whose, self._sponsor = books, refunds, whose, sponsor
        self._links: dict[str, tuple[float, bytes]] = {}
        self.actions: Actions = {
            ("GET", "/v3/global/profit-sharing/bill-download-url"): self._url,
            ("GET", "/v3/global/profit-sharing/refunds/bill-download-url"): self._refund_url,
            ("GET", "/v3/global/settle/settlements"): self._settlements,
        }

    def download(self, call: Call, now: float) -> Answer:
        """Return a bill, without a signature; a link that is too old answers 404."""
        made, content = self._links.get(call.query.get("token", ""), (now - _GOOD_FOR_S - 1, b""))
        if now - made > _GOOD_FOR_S:
            return Answer(
                404, {"Content-Type": "application/json"}, b'{"code":"NOT_FOUND","message":"the link is too old"}', outcome="NOT_FOUND"
            )
        return Answer(200, {"Content-Type": "text/plain"}, content)

    def _url(self, visit: Visit) -> Answer:
        day, sub_mchid = visit.day("bill_date", "%Y-%m-%d"), self._whose(visit)
        self._books.books()  # up to date
        rows = [row for payment in self._books.payments.values() if payment.sub_mchid == sub_mchid for row in self._rows(payment, day)]
        return self._link(visit, _file(COLUMNS, rows, place=COLUMNS.index("amount")))

    def _refund_url(self, visit: Visit) -> Answer:
        day, sub_mchid = visit.day("bill_date", "%Y-%m-%d"), self._whose(visit)
        found = [row for row in self._refunds.rows(lambda at: day_of(at) == day) if row[1].sub_mchid == sub_mchid]
        rows = [(rfc3339(at), payment.sub_mchid or "", payment.transaction_id, no, _yuan(fen), "CNY") for no, payment, fen, at in found]
        return self._link(visit, _file(_OF_REFUNDS, rows, place=_OF_REFUNDS.index("amount")))

    def _rows(self, payment: Payment, day: str) -> Iterator[tuple[str, ...]]:
        for command in payment.commands:
            if command.finished is None or day_of(command.finished) != day:
                continue
            for share in command.shares:
                if share.result == "SUCCESS":
                    yield self._row(payment, command, (share.detail_id, share.account, share.amount, "SHARE", share.description))
            if command.released:
                sponsor = payment.sub_mchid or self._sponsor()
                yield self._row(payment, command, ("", sponsor, command.released, "UNFREEZE", command.description))

    def _row(self, payment: Payment, command: Command, share: tuple[str, str, int, str, str]) -> tuple[str, ...]:
        detail, account, fen, kind, why = share
        head = (rfc3339(command.created), command.initiator, payment.sub_mchid or self._sponsor(), payment.sub_mchid or "")
        numbers = (payment.transaction_id, command.order_id, command.out_order_no, detail, account)
        return (*head, *numbers, _yuan(fen), "CNY", _yuan(fen), "CNY", "1.00000000", kind, "SUCCESS", why)

    def _link(self, visit: Visit, content: bytes) -> Answer:
        token = digest("bill", len(self._links), visit.now, size=16).hex()
        self._links[token] = visit.now, content
        host = visit.call.headers.get("host", _HOST)
        scheme = "http" if ":" in host else "https"
        return visit.says({"download_url": f"{scheme}://{host}{DOWNLOAD_PATH}?token={token}"})

    def _settlements(self, visit: Visit) -> Answer:
        state, sub_mchid = visit.text("settle_state"), self._whose(visit)
        if state not in {"SETTLED", "UNSETTLE"}:
            raise bad_parameter("settle_state must be SETTLED or UNSETTLE")
        first, last = visit.day("settle_start_date", "%Y%m%d"), visit.day("settle_end_date", "%Y%m%d")
        offset, limit = visit.number("offset", 0, 10**9), visit.number("limit", 1, 1000)
        today = day_of(visit.now)
        days: Counter[str] = Counter()
        for payment in self._books.payments.values():
            if payment.sub_mchid == sub_mchid:
                days[day_of(payment.paid)] += payment.amount
        wanted = {day: fen for day, fen in sorted(days.items()) if first <= day.replace("-", "") <= last}
        rows = [_settlement(day, fen, state) for day, fen in wanted.items() if (day < today) is (state == "SETTLED")]
        page = {"data": rows[offset : offset + limit], "total_count": len(rows), "offset": offset, "limit": limit}
        return visit.says(page)


def _settlement(day: str, fen: int, state: str) -> dict[str, object]:
    plain = day.replace("-", "")
    settled, open_ = (fen, 0) if state == "SETTLED" else (0, fen)
    money = {"settled": settled, "unsettle": open_, "currency": "CNY", "pay": fen, "refund": 0}
    return {
        **({"batch_id": f"B{plain}"} if state == "SETTLED" else {}),
        "settlement_date": plain,
        "trade_start_date": plain,
        "trade_end_date": plain,
        "amount": {**money, "net": fen, "fee": 0},
        "split_amount": money,
        "wallet_region": "CHINA_MAINLAND",
    }


def _yuan(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02d}"


def _fen(yuan: str) -> int:
    return int(yuan.replace(".", ""))


def _file(columns: tuple[str, ...], rows: Sequence[tuple[str, ...]], *, place: int) -> bytes:
    total = sum(_fen(row[place]) for row in rows)
    lines = [",".join(columns), *(_line(row) for row in rows), "total_count,total_amount", _line((str(len(rows)), _yuan(total)))]
    return "\r\n".join([*lines, ""]).encode()


def _line(values: tuple[str, ...]) -> str:
    return ",".join(f"`{value}" for value in values)
