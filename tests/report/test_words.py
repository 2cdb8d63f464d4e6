"""The names of slots and statuses, in Chinese and in English."""

from __future__ import annotations

import pytest

from wxrevenue import ConfigurationError, SettlementStatus
from wxrevenue.ams import AdSlot
from wxrevenue.report._words import checked_lang, printable, slot_name


@pytest.mark.parametrize("slot", AdSlot)
def test_documented_slots_have_names(slot: AdSlot) -> None:
    """Each documented slot has a Chinese and an English name that is not its id.

    Blanks around the id do not matter.
    """
    assert "SLOT_ID" not in slot_name(slot, "zh") + slot_name(slot, "en")
    assert slot_name(f"{slot} ", "zh") == slot_name(slot, "zh")


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_other_slots_keep_their_names(lang: str) -> None:
    """An unlisted slot keeps its id; a row without one has a name for that."""
    assert slot_name("SLOT_ID_NEW", checked_lang("x", lang)) == "SLOT_ID_NEW"
    assert slot_name(None, checked_lang("x", lang)) in {"未注明广告位", "slot not named"}


def test_labels_of_statuses() -> None:
    """Statuses have the documents' Chinese words, and English ones.

    A number that is not listed is shown.
    """
    assert [status.label() for status in SettlementStatus] == ["结算中", "已结算", "已结算", "付款中", "已付款"]
    assert [status.label("en") for status in SettlementStatus] == ["settling", "settled", "settled", "paying", "paid"]
    for number in (0, 6, 9, -1):
        assert (SettlementStatus(number).label("zh"), SettlementStatus(number).label("en")) == (f"状态 {number}", f"status {number}")


def test_other_languages_are_refused() -> None:
    """A language without translations is refused; the error names the others."""
    with pytest.raises(ConfigurationError, match=r"label\.lang: expected 'zh' or 'en'"):
        SettlementStatus.PAID.label("fr")  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match=r"render_html\.lang: expected 'zh' or 'en'"):
        checked_lang("render_html.lang", "fr")


def test_spaces_stay_and_what_steers_goes() -> None:
    """Spaces of any width stay in names.

    What breaks lines, controls text, or is half a character becomes U+FFFD.
    """
    assert printable("公司\u3000北京\u00a0x y") == "公司\u3000北京\u00a0x y"
    assert printable("a\u2028b\u202ec\x1bd\ne\tf\ud800") == "a\ufffdb\ufffdc\ufffdd\ufffde\ufffdf\ufffd"
