"""Codes and classes in Chinese: meaning and what to do.

Every code and class has a row; a test compares them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_WRONG_KIND: Final = "可能用错了令牌种类：分账和服务商结算接口使用 component 令牌，/wxa/operationams 使用授权方令牌"
_RENEWED: Final = "客户端会自动换一个令牌再试一次；仍然失败时，请确认只有一个进程在刷新令牌。"
_ALLOW_IP: Final = "在微信后台把调用方的公网 IP 加入白名单。"
_WAIT: Final = "一分钟之后再调用；客户端的限流器会让所有调用方等待。"
_SIGN: Final = "检查商户号、证书序列号、私钥，以及本机时钟（误差不超过 5 分钟）。"
_CHANGED: Final = "你和微信之间有程序改动了请求。"
_TICKET: Final = "等待下一次推送（每十分钟一次），或者启动推送（start_push_ticket）。"
_OPEN: Final = "先为该 appid 开通流量主（AgencyCreatePublisher）。"
_REGRANT: Final = "带上该权限集重新授权。"
_SAME: Final = "用相同的单号重试。"
_SLOW: Final = "降低调用频率。"

CODES: Final[Mapping[int | str, tuple[str, str]]] = {
    -202: ("内部错误", "稍后重试。"),
    1700: ("参数错误", "对照接口文档检查参数。"),
    1701: ("参数错误", "对照接口文档检查参数。"),
    1735: ("商户未完成协议签署流程", "请商户在授权流程中签署协议。"),
    1736: ("该令牌在这个路径上没有对应的服务商", f"{_WRONG_KIND}；或者接口在另一个路径上。"),
    1737: ("操作过快", _WAIT),
    1803: ("广告单元名称重复", "换一个名称，或者使用已有的单元：GetAdunitList 可以查到。"),
    1807: ("无效流量主", _OPEN),
    2008: ("开关时间间隔限制：一小时内已操作过", "一小时后重试；GetCoverAdposStatus 的 next_open_time 给出时间。"),
    2009: ("无效流量主", _OPEN),
    2013: ("未满足开通流量主门槛（独立访客 1,000）", "改天重试：只有访客增加才行。"),
    2021: ("已开通流量主", "无需处理。"),
    2035: ("超过某类型广告主屏蔽上限", "先删除一些：公众号 20 个，iOS 应用 10 个，安卓应用 10 个，小程序 20 个。"),
    2056: ("服务商未在变现专区开通账户", "在第三方平台后台的变现专区开通服务。"),
    2061: ("不存在为该 appid 设置的个性化分成比例", "用 SetCustomShareRatio 设置，或者使用默认比例。"),
    2067: ("封面广告已开通，无需再开通", "无需处理。"),
    2068: ("流量主刚刚开通", "一小时后重试。"),
    -1: ("系统繁忙", "稍后重试。"),
    40001: ("凭证无效：令牌无效，或者不是最新的", _RENEWED),
    40013: ("appid 无效", "检查 appid。"),
    40014: ("access_token 无效", _RENEWED),
    40125: ("appsecret 无效", "在微信后台核对 secret。"),
    40164: ("调用方的 IP 不在白名单中", _ALLOW_IP),
    41001: ("缺少 access_token", "给客户端一个令牌。"),
    41002: ("缺少 appid", "填写 appid。"),
    41004: ("缺少 secret", "填写 secret。"),
    41021: ("缺少 component_access_token", "给客户端一个 component 令牌。"),
    42001: ("access_token 已过期", _RENEWED),
    42006: ("component_access_token 已过期", _RENEWED),
    43002: ("接口要求 POST", _CHANGED),
    44002: ("请求体为空", _CHANGED),
    45009: ("当天的调用额度已用完", "等到北京时间零点（之前每十分钟有一个调用先试），或者重置额度后调用 limiter.reopen(scope)。"),
    45010: ("未知的 action", "该账号不能使用这个 action，或者名称有误。"),
    45011: ("调用过于频繁", _WAIT),
    45035: ("调用方的 IP 不在白名单中", _ALLOW_IP),
    47001: ("请求体不是 JSON", _CHANGED),
    47002: (r"请求体含有 \uXXXX 转义", "原样发送 UTF-8。"),
    48001: ("没有权限：未授予该权限", f"{_WRONG_KIND}；或者没有授予该权限集。"),
    48004: ("该账号的这个接口已被封禁", "查看账号的消息中心。"),
    48017: ("使用了已停用的入口地址", "用 DNS 解析域名，不要固定 IP 地址。"),
    50001: ("账号未获得该接口的授权", "授予该权限集。"),
    50002: ("账号受限", "查看账号的消息中心。"),
    61003: ("该账号没有授权给这个第三方平台", "请该账号授权给第三方平台。"),
    61004: ("调用方的 IP 没有在第三方平台登记", _ALLOW_IP),
    61005: ("component 的票据已过期", _TICKET),
    61006: ("component 的票据无效", _TICKET),
    61007: ("该账号没有把这个接口授权给第三方平台", _REGRANT),
    61009: ("授权码无效", "请该账号重新授权。"),
    61010: ("授权码已过期", "请该账号重新授权。"),
    61011: ("component 无效", "检查 component 的 appid。"),
    61014: ("需要 component 令牌", f"{_WRONG_KIND}。"),
    61015: ("需要授权方令牌", f"{_WRONG_KIND}。"),
    61017: ("没有授予该功能类别", _REGRANT),
    61023: ("授权方的刷新令牌无效", "从授权列表重新读取，或者请该账号重新授权。"),
    61024: ("component 令牌只能从 api_component_token 获取", "不要为 component 调用 /cgi-bin/token。"),
    61028: ("第三方平台尚未全网发布", "发布第三方平台。"),
    "INVALID_REQUEST": ("请求与交易的状态不符", "币种必须是 CNY，并且必须在支付之前打标。"),
    "PARAM_ERROR": ("参数错误", "检查参数；detail.field 指出是哪一个。"),
    "SIGN_ERROR": ("请求的签名被拒绝", _SIGN),
    "NO_AUTH": (
        "商户不能使用分账",
        "签约境外分账产品（次日生效），确认 sub_mchid 属于你，并且没有接收方因处罚被取消境外权限。",
    ),
    "ORDER_NOT_EXIST": ("订单不存在", "检查单号。"),
    "RESOURCE_NOT_EXISTS": ("查询的对象不存在", "检查单号和 sub_mchid。"),
    "NOT_FOUND": ("对象或路径不存在", "检查单号；账单链接的有效期是 30 秒。"),
    "NOT_ENOUGH": ("余额不足，不能退款", "稍后用相同的 out_refund_no 重试。"),
    "OUT_REFUND_NO_USED": ("该退款单号已用于其他参数", "重试退款时参数不变；另一笔退款使用新的单号。"),
    "NO_STATEMENT_EXIST": ("这一天没有账单", "如果当天有分账，次日上午十点以后再取。"),
    "STATEMENT_CREATING": ("账单正在生成", "稍后再取，次日上午十点以后。"),
    "BIZERR_NEED_RETRY": ("服务器要求再次发送同一请求", _SAME),
    "SYSTEM_ERROR": ("服务器故障", _SAME),
    "SYSTEMERROR": ("服务器故障", _SAME),
    "SERVICE_UNAVAILABLE": ("服务不可用", _SAME),
    "RATE_LIMITED": ("调用过于频繁", _SLOW),
    "RATELIMIT_EXCEEDED": ("调用过于频繁", _SLOW),
    "RATELIMIT_EXCEED": ("调用过于频繁", _SLOW),
    "FREQUENCY_LIMITED": ("调用过于频繁", _SLOW),
}

NUMBERS: Final[Mapping[int, tuple[str, str]]] = {
    0: ("成功", "无需处理。"),
    268435461: ("参数不合法", "查看 detail.field 和 detail.issue。"),
    270283348: ("签名错误", "检查私钥、证书序列号、签名的原始字节和本机时钟。"),
    268443701: ("机构与子商户的关系不存在，或者尚未生效", "检查 sub_mchid；进件之后等待几分钟。"),
    268443704: ("机构调用时没有 sub_mchid", "填写 sub_mchid：在客户端填写一次，或者每次调用时填写。"),
    268443838: ("子商户需要补交资料，暂不能收款", "查看商户后台。"),
    268447845: ("sub_mchid 与订单的不一致", "填写下单时的 sub_mchid。"),
    268501838: ("使用了境内的路径或域名", "在 apihk.mch.weixin.qq.com 上使用 /v3/global/…。"),
    268512771: ("订单不存在", "检查单号和 sub_mchid。"),
    88430113: ("余额不足，不能退款", "稍后用相同的 out_refund_no 重试。"),
    268449386: ("已过撤销时间：只能在当天撤销", "改为退款。"),
}

CLASSES: Final[Mapping[str, tuple[str, str]]] = {
    "WxRevenueError": ("所有错误的基类", "查看具体的子类。"),
    "ConfigurationError": ("某个值不允许；没有发送任何请求", "修改调用。"),
    "ClientStateError": ("客户端已关闭，或者在另一个事件循环、fork 出的进程中使用", "每个进程和事件循环使用一个客户端。"),
    "TransportError": ("网络问题", "检查网络。"),
    "NotSentError": ("没有一个字节到达；已自动重试", "检查网络，查看 .reason。"),
    "ResponseLostError": ("读取没有收到回答；已自动重试", "稍后再调用。"),
    "OutcomeUnknownError": ("写入可能已经生效；安全时已自动重试", "读回该值核对。"),
    "DecodeError": ("回答与文档不符；.path 指出位置", "请报告。"),
    "ApiError": ("服务器拒绝", "查看 .meaning 和 .solution。"),
    "TooFastError": ("操作过快（1737），并且截止时间早于下一个轮次", "等待 .retry_after 秒。"),
    "QuotaExceededError": ("当天的额度已用完（45009）", "等待，或者在微信后台重置。"),
    "ServerBusyError": ("服务器繁忙；已自动重试", "稍后再调用。"),
    "InvalidParameterError": ("服务器认为参数错误", "修改调用。"),
    "AgreementUnsignedError": ("商户没有签署协议（1735）", "请商户签署。"),
    "AccountNotOpenError": ("账户没有开通", "开通账户。"),
    "TokenError": ("令牌被拒绝，下一个也被拒绝", "查找还有哪个程序在刷新。"),
    "PermissionDeniedError": ("没有权限，或者令牌种类不对", "查看 .solution。"),
    "TokenUnavailableError": ("没有可用的令牌", "查看错误信息：其中写明原因。"),
    "SignatureError": ("这个回答没有微信支付的有效签名", "反复出现时检查验签的公钥。"),
    "PageDriftError": ("列表一直在变，可能缺行", "从 .cursor 继续，或者重新遍历。"),
    "LedgerError": ("账本的数据库出错，例如磁盘已满", "修复之后再运行。"),
    "DeadlineExceededError": ("调用的时间用完了", "给它更多时间。"),
}
