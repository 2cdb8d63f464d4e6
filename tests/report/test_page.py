"""The page is safe and complete in itself.

It can be read in the dark, on paper, and without its styles.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import re
import string
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest
from support.report import LAST, PROVIDER, TODAY, a_ledger, fen_of, of_class, parsed, slots, statement, table, text_of

from wxrevenue import ChangeKind, HalfMonth, SettlementStatus, StatusSum, Totals, render_html
from wxrevenue.ledger import OwnerSum, Progress
from wxrevenue.report import _earned, _figures, _texts
from wxrevenue.report._charts import COLOURS
from wxrevenue.report._markup import file, html
from wxrevenue.report._shares import STATES, OpenBalance, Share

if TYPE_CHECKING:
    from pathlib import Path

MEGABYTE = 10**6
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'&amp;\u202e\x1b[31m]]>--></style></title>{0}$x"
SHOWN = HOSTILE.replace("\u202e", "\ufffd").replace("\x1b", "\ufffd")
ELEMENTS = frozenset(
    {
        *("html", "head", "meta", "title", "style", "body", "main", "header", "section", "footer", "div", "p", "span", "h1", "h2", "small"),
        *("dl", "dt", "dd", "ul", "li", "bdi", "figure", "figcaption", "details", "summary"),
        *("table", "caption", "thead", "tbody", "tfoot", "tr", "th", "td", "svg", "desc", "g", "rect", "line", "text"),
    }
)


@pytest.fixture(params=["zh", "en"])
async def page(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return a page on which every name is hostile."""
    async with a_ledger(tmp_path / "revenue.db") as ledger:
        await ledger.record_provider(PROVIDER)
        row = statement(LAST, -5, 9, HOSTILE, slot_revenue=slots(BOX=-5))
        row.slot_revenue[0].slot_id = HOSTILE
        await ledger.record(PROVIDER, LAST, [row], totals=Totals(1, 1, 1, HOSTILE))
        for owner in ("wx<script>alert(3)</script>", "wx\"onload='x'&lt;", "wx\u0627\u0644{0}"):
            half = LAST.shifted(-8)
            await ledger.record(owner, half, [statement(half, 7, 1, HOSTILE)], totals=Totals(1, 0, 0, HOSTILE))
        return await render_html(ledger, lang=request.param, today=TODAY)


def test_names_are_texts(page: str) -> None:
    """Any name, number, slot and company is shown as text.

    The page has no elements but its own.
    """
    tree = parsed(page)
    assert {one.tag for one in tree.iter()} <= ELEMENTS
    assert not [name for one in tree.iter() for name in one.attrib if name.startswith("on") or name in {"style", "src", "href"}]
    text = text_of(tree)
    assert text.count(SHOWN) == 1 + 1 + 3  # company, slot, numbers
    assert "wx<script>alert(3)</script>" in text
    assert not [letter for letter in text if not letter.isprintable()]


def test_nothing_runs_and_nothing_is_fetched(page: str) -> None:
    """There is no script and no address.

    The policy allows the page's one style, by its hash.
    """
    assert not re.search(r"https?://|//[a-z]|url\(|@import|<script|javascript:", page, re.IGNORECASE)
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    (policy,) = [one.get("content") for one in parsed(page).iter("meta") if one.get("http-equiv") == "Content-Security-Policy"]
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def test_the_policy_comes_before_the_style(page: str) -> None:
    """The policy and the encoding stand before all that they apply to."""
    assert page.index("charset") < page.index("Content-Security-Policy") < page.index("<style>") < page.index("<body>")


class _Balanced(HTMLParser):
    """Notes elements that stay open, as a browser would read them."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in {"meta", "rect", "line"}, f"<{tag}/> is no end in HTML"

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_it_is_html(page: str) -> None:
    """Every element of the page ends where it should, read as HTML, not XML."""
    reader = _Balanced()
    reader.feed(page)
    assert reader.open == []


def test_pictures_have_names(page: str) -> None:
    """Each chart has a title that a screen reader finds.

    Ids are unique, and decoration is hidden.
    """
    tree = parsed(page)
    ids = [one.get("id") for one in tree.iter() if one.get("id")]
    assert len(ids) == len(set(ids))
    for picture in tree.iter("svg"):
        if picture.get("role") == "img":
            named = (picture.get("aria-labelledby") or "").split()
            assert picture.get("aria-label") or (named and set(named) <= set(ids))
            assert text_of(picture.find("title"))
        else:
            assert picture.get("aria-hidden") == "true"


def test_figures_can_be_read_without_styles(page: str) -> None:
    """Every column and row has a heading, and every table a caption.

    Every bar has a colour of its own.
    """
    tree = parsed(page)
    for one in tree.iter("table"):
        assert text_of(one.find("caption"))
        assert {head.get("scope") for head in one.iter("th")} == {"col", "row"}
    assert all(one.get("fill") for one in tree.iter("rect"))


@pytest.mark.parametrize("scheme", ["light", "dark", "print"])
def test_contrast(scheme: str) -> None:
    """Texts have a contrast of 4.5 to 1, bars and their edges of 3 to 1 (WCAG 2.2)."""
    colours = _colours(scheme)
    for ground in ("card", "paper", "head"):
        for ink in ("ink", "quiet", *(("warn", "neg") if ground != "head" else ())):
            assert contrast(colours[ink], colours[ground]) >= 4.5, (ink, ground)
    for bar in ("paid", "paying", "other", "edge"):
        assert contrast(colours[bar], colours["card"]) >= 3.0, bar


def _colours(scheme: str) -> dict[str, str]:
    """Return the colours of a scheme."""
    css = str(file("page.css"))
    blocks = re.findall(r":root \{(.*?)\}", css, re.DOTALL)
    assert len(blocks) == 3
    names = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", blocks[["light", "dark", "print"].index(scheme)]))
    assert len(names) == 15
    return names


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours, as WCAG counts it."""
    bright, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(part * weight for part, weight in zip(linear, (0.2126, 0.7152, 0.0722), strict=True))


def test_dark_and_paper() -> None:
    """The styles have a dark scheme, and a light one for paper.

    Charts without any scheme have colours, too.
    """
    css = str(file("page.css"))
    assert "prefers-color-scheme: dark" in css
    assert "@media print" in css
    assert "@page" in css
    light = _colours("light")
    assert {state: light[state] for state in STATES} == COLOURS


def test_every_text_in_both_languages() -> None:
    """Each text and each kind of change is there in Chinese and in English.

    Both have the same fields to fill in.
    """
    for key, pair in _texts.texts().items():
        assert set(pair) == {"zh", "en"}, key
        fields = [{name for _, name, _, _ in string.Formatter().parse(text) if name} for text in pair.values()]
        assert fields[0] == fields[1], key
    assert set(_texts.KINDS) == set(ChangeKind)


def test_each_text_is_used() -> None:
    """Each text of the translations is used on the page."""
    sources = "".join(path.read_text(encoding="utf-8") for path in _source_files())
    names = {*re.findall(r'"([a-z_]+)"', sources)}
    assert set(_texts.texts()) <= names


def _source_files() -> Any:
    from pathlib import Path

    return Path(_earned.__file__).parent.glob("*.py")


def test_english_pages_speak_english(page: str) -> None:
    """The English page has no Chinese but in names.

    The Chinese page says its language.
    """
    tree = parsed(page)
    is_chinese = re.search("[\u4e00-\u9fff]", page.partition("</style>")[2]) is not None
    assert is_chinese == (tree.get("lang") == "zh-CN")


def fleet(name: str, fen: int) -> _figures.Figures:
    """Return what a page says of 10,000 Mini Programs with such names and amounts."""
    owners = [OwnerSum(f"{name}{number:016x}", HalfMonth(2023, 1, 1), LAST, 35, 35, fen, fen) for number in range(10_000)]
    return _figures.Figures(
        TODAY,
        Progress(10_000, 350_000, 1, 1, dt.datetime.now(dt.UTC), 1),
        (),
        (Share("programs", (StatusSum(LAST, SettlementStatus.SETTLED, 10_000, 10_000 * fen),)),),
        tuple(LAST.shifted(-back) for back in range(24)),
        programs=10_000,
        listed=owners,
        sparks={one.owner: [10**7] * 24 for one in owners[:20]},
        balance_of={one.owner: fen for one in owners},
        balances={"programs": OpenBalance(1, 10_000)},
    )


@pytest.mark.parametrize("fen", [10**9, -(10**9)])
def test_ten_thousand_mini_programs(fen: int) -> None:
    """The page of 10,000 Mini Programs, all of them listed, is smaller than 2 MB.

    Negative amounts make it no larger.
    """
    figures = fleet("wx", fen)
    whole = str(_earned.programs(_texts.Speech("zh"), figures))
    assert all(one.owner in whole for one in figures.listed)
    assert 10_000 * 50 < len(whole.encode()) < 2 * MEGABYTE - 100_000


def test_long_names_of_ten_thousand_mini_programs() -> None:
    """Where not all have room, the others are one row.

    The sums stay those of all.
    """
    fen = -(2**62)
    whole = str(_earned.programs(_texts.Speech("en"), fleet("&" * 100, fen)))
    assert len(whole.encode()) < 2 * MEGABYTE - 100_000
    _, *rows = table(parsed(f"<!DOCTYPE html>\n{whole}"), "All 10,000 Mini Programs")
    others = re.fullmatch(r"The other ([\d,]+) Mini Programs", rows[-1][0])
    assert others is not None
    assert len(rows) - 1 + int(others[1].replace(",", "")) == 10_000
    assert sum(fen_of(row[1]) for row in rows) == sum(fen_of(row[2]) for row in rows) == 10_000 * fen


def test_markup_is_escaped_unless_it_is_markup() -> None:
    """A template escapes the values that fill it.

    What a template made is not escaped again.
    """
    inner = html("<b>{x}</b>", x='<a href="1">&')
    assert html("<p>{x}</p>", x=inner) == "<p><b>&lt;a href=&quot;1&quot;&gt;&amp;</b></p>"


def test_bars_stand_on_zero(page: str) -> None:
    """A negative bar hangs below the line of zero, and no bar leaves the chart."""
    tree = parsed(page)
    for chart in of_class(tree, "bars"):
        (zero,) = [float(one.get("y1", "")) for one in of_class(chart, "zero")]
        height = float(chart.get("height", ""))
        rects = [(float(one.get("y", "")), float(one.get("height", ""))) for one in chart.iter("rect")]
        assert rects
        assert all(0 <= y <= y + tall <= height for y, tall in rects)
        assert all(abs(y - zero) < 0.2 or abs(y + tall - zero) < 0.6 for y, tall in rects)
