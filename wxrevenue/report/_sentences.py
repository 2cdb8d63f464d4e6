"""What a reconciliation says: each sentence in Chinese and in English."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wxrevenue.ams.settlement import yuan

if TYPE_CHECKING:
    from datetime import datetime
    from decimal import Decimal

    from wxrevenue._base.calendar import HalfMonth
    from wxrevenue.report._findings import Said

SLOTS: Final = (
    "各广告位金额之和与结算金额不同：微信返回的明细可能不全，请稍后重新获取该半月。",
    "The slots do not add up to the settlement: WeChat may have sent some of them only; fetch the half-month again later.",
)
SHARE: Final = (
    "服务商的结算与各小程序的结算按比例推算不符：可能缺少某个小程序的结算，比例曾在半月中变更，或其中一方被扣款。",
    (
        "The provider's settlement is not what the Mini Programs' and the ratios make of it: a Mini Program's settlement may be missing, "
        "a ratio may have changed meanwhile, or one side had a deduction."
    ),
)
NOT_SETTLED: Final = (
    "有广告收入，但账本中没有该半月的结算：微信可能尚未出账，或尚未获取。",
    "There was income, but the ledger has no settlement of the half-month: WeChat has none yet, or it was not fetched.",
)
BALANCE: Final = (
    "已结算金额大于累计收入减扣除金额：汇总数据可能正在更新，请重新获取后再看；若仍不符，请联系微信。",
    "More was settled than was earned less what was deducted: the header may just be changing; fetch again, and ask WeChat if it stays.",
)
NO_SETTLEMENTS: Final = ("账本中没有该半月的结算。", "The ledger has no settlement of the half-month.")
NO_ADS: Final = (
    "账本中没有该半月的广告数据（wxrevenue sync --ads 可记录）。",
    "The ledger has no ad data of the half-month (wxrevenue sync --ads records them).",
)
NO_INCOME: Final = ("广告数据中有的行没有收入。", "Some ad data are without income.")
NO_PARTS: Final = (
    "广告数据没有双方各自的收入（GetAgencyAdsStat 才有）。",
    "The ad data are without both parties' parts, which GetAgencyAdsStat alone has.",
)
NO_PROVIDERS_ROWS: Final = ("账本中没有服务商在该半月的结算。", "The ledger has no settlement of the provider in the half-month.")
NO_PROGRAMS: Final = ("账本中没有小程序在该半月的结算。", "The ledger has no Mini Program's settlement of the half-month.")
NO_HEADER: Final = ("账本中没有该账号的汇总数据。", "The ledger has no header of the account's answers.")
UNSETTLED: Final = ("尚未结算，金额还会变化。", "It is not settled yet: the amount may still change.")
WHOLE_RATIO: Final = (
    "比例为 100%，无法由小程序的结算推算。",
    "The ratio is 100 %: nothing can be told from the Mini Program's settlement.",
)


NOT_IN_BILL: Final = (
    "分账已成功，但不在账单中：可能在另一天的账单里，请按完成日期核对。",
    "The share was paid, and is not in the bill: it may be in another day's; look at the day on which it was finished.",
)
NOT_DISTRIBUTED: Final = (
    "账单中有这笔分账，但查询结果中没有成功的对应项：请重新查询该分账单。",
    "The bill has a share of which the distribution has no success: query the distribution again.",
)
UNKNOWN_ORDER: Final = (
    "账单中有未提供的分账单：可能由其他系统发起，或由微信系统解冻（initiator 为 system）。",
    "The bill has a distribution that was not given: another system may have requested it, or WeChat Pay itself (initiator system).",
)
OTHER_AMOUNT: Final = (
    "账单金额与分账结果不同：请重新查询该分账单；若仍不符，请联系微信支付。",
    "The bill has another amount than the distribution: query it again, and ask WeChat Pay if it stays.",
)


def income(less: int, days: int) -> Said:
    """Return what it may mean that so much less was settled than was earned.

    Of so many ``days`` there are no ad data.
    """
    if days > 0:
        return (
            f"账本缺少其中 {days} 天的广告数据，请先补全再比较；其余差额可能是扣款。",
            f"The ledger has no ad data of {days} of the days: record them first; what remains may be a deduction.",
        )
    if less > 0:
        return (
            f"结算比每日收入少 {yuan(less)} 元：微信可能扣除了无效流量等（penalty_all），或广告数据记录后被下调。",
            (
                f"{yuan(less)} yuan less were settled than the days brought: WeChat may have deducted invalid traffic (penalty_all), "
                "or revised the ad data after they were recorded."
            ),
        )
    return (
        f"结算比每日收入多 {yuan(-less)} 元：广告数据记录后可能被上调（sync --ads 3 可重读最近几天），或有收入未计入广告数据。",
        (
            f"{yuan(-less)} yuan more were settled than the days brought: the ad data may have been revised after they were recorded "
            "(sync --ads 3 reads the last days again), or they lack some income."
        ),
    )


def ratio(bounds: tuple[Decimal, Decimal]) -> Said:
    """Return what it may mean that the provider's part is not what the ratio gives.

    The ratio is applied to the income.
    """
    between = f"{bounds[0]}%" if bounds[0] == bounds[1] else f"{bounds[0]}%–{bounds[1]}%"  # noqa: RUF001  (a range)
    return (
        f"服务商收入不是按当时生效的比例 {between} 分成：比例可能在记录之前已变更，请核对商户确认的时间。",
        (
            f"The provider's part is not {between} of the income, the ratio in force: it may have changed before it was recorded; "
            "look when the merchant confirmed it."
        ),
    )


def no_ratio(later: datetime | None) -> Said:
    """Return that no ratio is known of the time."""
    if later is None:
        return (
            "账本中没有该小程序的分账比例（wxrevenue sync --ratios 可记录）。",
            "The ledger has no ratio of the Mini Program (wxrevenue sync --ratios records it).",
        )
    return (
        f"当时生效的比例未知：{later:%Y-%m-%d} 才首次记录。",
        f"The ratio in force at the time is not known: it was first recorded on {later:%Y-%m-%d}.",
    )


def providers(count: int) -> Said:
    """Return that it is not known which provider the share belongs to."""
    if count:
        return (
            f"账本中有 {count} 个服务商，无法得知小程序属于哪一个。",
            f"The ledger has {count} providers: whose the Mini Programs are is not known.",
        )
    return (
        "账本不知道哪个账号是服务商（wxrevenue sync 会记录，或用 record_provider）。",
        "The ledger does not know which account is the provider (wxrevenue sync notes it, and record_provider does).",
    )


def header(less: int, first: HalfMonth, gaps: int) -> Said:
    """Return what it may mean that the settlements are less than the header says.

    ``less`` is by how much.
    """
    if less < 0:
        return (
            "账本中的结算多于汇总数据：可能有结算被撤销或下调，请用 sync --again 重新获取。",
            "The ledger's settlements come to more than the header says: one may have been withdrawn; fetch all again (sync --again).",
        )
    if gaps:
        return (
            f"账本从 {first} 开始，其间缺少 {gaps} 个半月，可能就是差额所在；请用 sync 补全。",
            f"The ledger begins with {first} and lacks {gaps} half-months since, which may be the difference; sync fetches them.",
        )
    return (
        f"账本从 {first} 开始，更早的半月可能就是差额所在；请用 sync --from 获取更早的日期。",
        f"The ledger begins with {first}; earlier half-months may be the difference: sync with an earlier --from.",
    )
