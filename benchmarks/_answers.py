"""The answers that every benchmark reads, spelled as the server spells them."""

from __future__ import annotations

import orjson

SHARE_RATIO = b'{"share_ratio":40,"ret":0,"err_msg":"ok"}'
"""What ``get_share_ratio`` is answered."""


def settlement_page(rows: int, slots: int = 3) -> bytes:
    """Return one page of settlements with every documented field present.

    Two rows of three slots are about 1 KB.
    """
    page = {
        "ret": 0,
        "err_msg": "ok",
        "body": "深圳市腾讯计算机系统有限公司",
        "penalty_all": 0,
        "revenue_all": 5_178_346_187,
        "settled_revenue_all": 5_178_346_187,
        "settlement_list": [_row(number, slots) for number in range(rows)],
        "total_num": rows,
    }
    return orjson.dumps(page)


def _row(number: int, slots: int) -> dict[str, object]:
    year, month, order = 2024 - number // 24, 12 - number % 24 // 2, 2 - number % 2
    amounts = [34_139_443 + 1_009 * (number + slot) for slot in range(slots)]
    return {
        "date": f"{year}-{month:02}-25",
        "zone": f"{year}年{month}月{'下' if order == 2 else '上'}半月",
        "month": f"{year}{month:02}",
        "order": order,
        "sett_status": number % 5 + 1,
        "settled_revenue": sum(amounts),
        "sett_no": f"sett_no_{number}",
        "mail_send_cnt": "0",
        "slot_revenue": [{"slot_id": _SLOTS[slot], "slot_settled_revenue": amount} for slot, amount in enumerate(amounts)],
    }


_SLOTS = ("SLOT_ID_WEAPP_BANNER", "SLOT_ID_WEAPP_REWARD_VIDEO", "SLOT_ID_WEAPP_INTERSTITIAL", "SLOT_ID_WEAPP_TEMPLATE")


def ad_data_page(rows: int, *, by_unit: bool = False) -> bytes:
    """Return one page of all Mini Programs' ad data, by slot or by unit.

    Every documented field is present.
    """
    return orjson.dumps({"ret": 0, "err_msg": "ok", "list": [_ad_row(n, by_unit=by_unit) for n in range(rows)], "total_num": rows})


def _ad_row(number: int, *, by_unit: bool) -> dict[str, object]:
    exposures, income = 181_814 + 37 * number, 52_175 + 11 * number
    figures = {
        "ad_slot": _SLOTS[number % len(_SLOTS)],
        "date": f"2026-03-{number % 28 + 1:02}",
        "req_succ_count": 443_610 + number,
        "exposure_count": exposures,
        "exposure_rate": round(exposures / (443_610 + number), 9),
        "click_count": 10_095 + number,
        "click_rate": round((10_095 + number) / exposures, 9),
        "income": income,
        "publisher_income": income // 2,
        "agency_income": income - income // 2,
        "ecpm": round(income * 1000 / exposures, 9),
    }
    whose = f"wx{number:016x}"
    if by_unit:
        return {"appid": whose, "ad_unit_id": f"adunit-{number:016x}", "ad_unit_name": f"unit {number}", "stat_item": figures}
    return {"slot_id": 3_030_046_789_020_061 + number, "publisher_appid": whose, **figures}
