"""What may stand in a bill and in its link without harm.

These are a merchant's own words, marks, ports, and the path of a gateway.
"""

from __future__ import annotations

import orjson
import pytest
from support.paykit import check_signature, client, signed

from wxrevenue import ApiError, BillRow, DecodeError, HttpResponse

HEAD = "create_time,amount,description"
END = "total_count,total_amount\n`1,`0.07\n"
PATH = "/v3/bill/downloadurl?token=fake"
LINK = f"https://apihk.mch.weixin.qq.com{PATH}"


async def rows_of(content: str, head: str = HEAD, end: str = END) -> list[BillRow]:
    """Return the rows of a bill with these lines."""
    said = signed(orjson.dumps({"download_url": LINK}), 200)
    funds, _ = client(said, HttpResponse(200, {}, f"{head}\n{content}{end}".encode()))
    async with funds.download_bill("2026-03-20") as bill:
        return [row async for row in bill]


@pytest.mark.parametrize("words", ["a`b", "a,`b", "`", ",`", "a,b", '"a,`b"', "=1+1", "总计,`1,`2"])
async def test_the_merchants_own_words(words: str) -> None:
    """A description may hold separators, and costs no row.

    It is the last value of a line.
    """
    (row,) = await rows_of(f"`2026,`0.07,`{words}\n")
    assert (row.amount, row.description) == (7, words)


async def test_marks_within_other_values() -> None:
    """A line with more values than names is an error where another value is last.

    The values are not guessed.
    """
    with pytest.raises(DecodeError, match="expected 3 values, got 4"):
        await rows_of("`a,`b,`c,`0.07\n", head="create_time,description,amount")
    with pytest.raises(DecodeError, match="expected 3 values, got 2"):
        await rows_of("`2026,`0.07\n")


async def test_names_with_marks() -> None:
    """Names may be marked as values are, those of the summary, too."""
    head = "`create_time,`amount,`description"
    (row,) = await rows_of("`2026,`0.07,`x\n", head=head)
    assert (row.create_time, row.amount, row.description, row.extra) == ("2026", 7, "x", {})
    (again,) = await rows_of("`2026,`0.07,`x\n", head=head, end=f"`{END.replace(',', ',`', 1)}")
    assert again == row
    with pytest.raises(DecodeError, match="expected 2 values, got 3"):
        await rows_of("`2026,`0.07\n`2026,`0.07,`x\n", head=head)


@pytest.mark.parametrize(
    ("link", "target"),
    [
        ("https://apihk.mch.weixin.qq.com:443/v3/bill?token=x", "/v3/bill?token=x"),
        ("https://ApiHK.mch.weixin.qq.com/v3/bill?token=x", "/v3/bill?token=x"),
        ("https://apius.mch.weixin.qq.com/v3/bill?token=x", "/v3/bill?token=x"),
        ("https://apihk.mch.weixin.qq.com/v3/bill", "/v3/bill"),
        ("https://apihk.mch.weixin.qq.com?token=x", "/?token=x"),
        ("https://gateway.example/pay/v3/bill?token=x", "/pay/v3/bill?token=x"),
    ],
)
async def test_what_is_signed_of_a_link(link: str, target: str) -> None:
    """Path and query of the link itself are signed.

    The path of a gateway is not signed if the link does not have it.
    """
    said = signed(orjson.dumps({"download_url": link}), 200)
    funds, transport = client(said, HttpResponse(200, {}, f"{HEAD}\n{END}".encode()), base_url="https://gateway.example/pay")
    async with funds.download_bill("2026-03-20") as bill:
        assert [row async for row in bill] == []
    asked, followed = transport.requests
    check_signature(asked, "/pay/v3/global/profit-sharing/bill-download-url?bill_date=2026-03-20")
    check_signature(followed, target)


@pytest.mark.parametrize(
    "link",
    [
        "https://apihk.mch.weixin.qq.com\\@example.com/v3/bill?token=x",
        "https://apihk.mch.weixin.qq.com:4430/v3/bill?token=x",
        "https://apihk.mch.weixin.qq.com:443:443/v3/bill?token=x",
        "https://apihk.mch.weixin.qq.com./v3/bill?token=x",
        "https://xapihk.mch.weixin.qq.com/v3/bill?token=x",
        "https://apihk.mch.weixin.qq.com/v3/bill?token=x#y",
        "//apihk.mch.weixin.qq.com/v3/bill?token=x",
    ],
)
async def test_links_that_only_look_alike(link: str) -> None:
    """L-11: a host that is not exactly WeChat Pay's is not followed."""
    funds, transport = client(signed(orjson.dumps({"download_url": link}), 200))
    with pytest.raises(DecodeError, match="leads elsewhere"):
        async with funds.download_bill("2026-03-20") as bill:
            await anext(aiter(bill))
    assert len(transport.requests) == 1


@pytest.mark.parametrize("status", [200, 400])
async def test_a_day_without_a_bill(status: int) -> None:
    """A refusal in place of the file is an error with its meaning.

    It may come under any status.
    """
    said = signed(orjson.dumps({"download_url": LINK}), 200)
    funds, _ = client(said, HttpResponse(status, {}, b'{"code":"NO_STATEMENT_EXIST","message":"no statement exist"}'))
    with pytest.raises(ApiError, match="there is no bill of that day") as caught:
        async with funds.download_bill("2026-03-20") as bill:
            await anext(aiter(bill))
    assert caught.value.solution
