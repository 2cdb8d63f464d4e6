"""What a statement's sheets, columns and lines are called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wxrevenue.report._words import Lang


@attrs.frozen
class Words:
    """The words of one language."""

    title: str
    summary: str
    invoices: str
    unpaid: str
    other_slots: str
    other_states: str
    no_slots: str
    no_status: str
    second_settled: str
    company: str
    owner: str
    number: str
    period: str
    half_month: str
    status: str
    slot: str
    share: str
    age: str
    updated: str
    yuan: str
    rows: str
    by_formula: str
    by_value: str
    total: str
    total_by_formula: str
    total_by_value: str
    too_long: str
    provider: str
    program: str
    unknown_share: str
    as_of: str
    today: str
    no_rows: str
    without_number: str
    ages: tuple[str, ...]
    till: str


WORDS: Final[Mapping[Lang, Words]] = {
    "zh": Words(
        title="结算明细",
        summary="汇总",
        invoices="开票清单",
        unpaid="未付款",
        other_slots="其他广告位",
        other_states="其他状态",
        no_slots="未分广告位",
        no_status="无状态",
        second_settled="已结算（状态 3）",
        company="结算主体",
        owner="账号（AppID）",
        number="结算单编号",
        period="结算区间",
        half_month="半月",
        status="状态",
        slot="广告位",
        share="归属",
        age="账龄（天）",
        updated="更新日期",
        yuan="金额（元）",
        rows="笔数",
        by_formula="金额（元，公式）",
        by_value="金额（元，数值）",
        total="合计",
        total_by_formula="合计（公式）",
        total_by_value="合计（数值）",
        too_long="有金额超过 15 位，以文本写出，公式无法求和",
        provider="服务商分成",
        program="小程序分成",
        unknown_share="归属未知",
        as_of="数据更新至",
        today="账龄计算日",
        no_rows="账本中没有该半月的结算记录",
        without_number="尚无结算单编号",
        ages=("0-30 天", "31-60 天", "61-90 天", "90 天以上"),
        till="未付款账龄，截至本半月",
    ),
    "en": Words(
        title="Settlement statement",
        summary="Summary",
        invoices="Invoices",
        unpaid="Unpaid",
        other_slots="Other slots",
        other_states="Other states",
        no_slots="not by slot",
        no_status="no status",
        second_settled="settled (status 3)",
        company="Company",
        owner="Account (appid)",
        number="Statement number",
        period="Period",
        half_month="Half-month",
        status="Status",
        slot="Slot",
        share="Whose share",
        age="Age (days)",
        updated="Updated",
        yuan="Amount (yuan)",
        rows="Rows",
        by_formula="Yuan, by formula",
        by_value="Yuan, by value",
        total="Total",
        total_by_formula="Total, by formula",
        total_by_value="Total, by value",
        too_long="an amount has more than 15 digits and is text, which no formula adds up",
        provider="the provider's",
        program="Mini Programs'",
        unknown_share="not known",
        as_of="Data as of",
        today="Ages on",
        no_rows="The ledger has no settlement of this half-month",
        without_number="without a number yet",
        ages=("0-30 days", "31-60 days", "61-90 days", "over 90 days"),
        till="Age of what is not paid, up to this half-month",
    ),
}
