"""What clients are made of: the one place that has every part.

It is loaded when the first client is made, not when the package is imported.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Final, cast

import attrs

from wxrevenue._base import checks as _checks
from wxrevenue._base.secret import NotASecret
from wxrevenue._engine.clock import LOOP_CLOCK
from wxrevenue._engine.engine import Engine
from wxrevenue._engine.retry import RetryPolicy
from wxrevenue.ams._paths import Paths
from wxrevenue.ams._service import ANONYMOUS, AmsService
from wxrevenue.errors import ConfigurationError, one_of
from wxrevenue.limiters._local.client_check import ClientCheck
from wxrevenue.limiters._local.limiter import LocalRateLimiter
from wxrevenue.ports import Clock, RateLimiter, Transport, Verifier
from wxrevenue.tokens._plain import token_source
from wxrevenue.transports._aiohttp.transport import AiohttpTransport

if TYPE_CHECKING:
    from collections.abc import Callable

    from wxrevenue._engine.service import Service
    from wxrevenue.clients._options import Options
    from wxrevenue.clients._settings import AmsSettings, Common, PaySettings
    from wxrevenue.events import Event
    from wxrevenue.tokens._component import ComponentTokens

SETTLEMENT_PATHS: Final = ("/wxa/operationams", "/wxa/getdefaultamsinfo")
LANGUAGES: Final = ("en", "zh-CN", "zh-HK", "zh-TW")
"""In which WeChat Pay words its messages."""


class Assembly:
    """An engine, and what was made for it and is to be closed with it."""

    def __init__(self, engine: Engine, *made: Transport | RateLimiter | None) -> None:
        self.engine = engine
        self.owned: tuple[Transport | RateLimiter | ComponentTokens, ...] = tuple(part for part in made if part is not None)


def assemble_ams(where: str, tokens: object, common: Common, settings: AmsSettings) -> Assembly:
    """Return the parts of a client of the advertising interfaces.

    ``where`` names it in messages.
    """
    clock = _clock(where, common)
    source = token_source(tokens)
    service = AmsService(
        _checks.base_url(f"{where}.base_url", common.base_url),
        source,
        _account(where, settings.component_appid, source) or f"{ANONYMOUS}{os.urandom(4).hex()}",
        scope=_checks.plain_function(f"{where}.scope", settings.scope),
        clock=clock,
        paths=_paths(where, settings.settlement_path),
    )
    given = _checks.instance(f"{where}.limiter", settings.limiter, RateLimiter)
    limiter = LocalRateLimiter(clock=clock) if given is None else given
    page_deadline = _checks.seconds(f"{where}.page_deadline", settings.page_deadline)
    if isinstance(given, ClientCheck):
        given.check_client(where, component_appid=service.lasting_account, timeout=_checks.seconds(f"{where}.timeout", common.timeout))
    assembly = _assembled(where, service, common, limiter, page_deadline)
    if given is None:
        assembly.owned += (limiter,)
    return assembly


def assemble_pay(where: str, private_key: object, common: Common, settings: PaySettings) -> Assembly:
    """Return the parts of a client of WeChat Pay."""
    from wxrevenue.funds._service import PayService  # not needed to read settlements
    from wxrevenue.signing._merchant import merchant_numbers, signer_of  # as above

    clock = _clock(where, common)
    verifier: object = settings.verifier
    if not isinstance(verifier, Verifier):
        kind = verifier.kind if isinstance(verifier, NotASecret) else type(verifier).__name__
        raise ConfigurationError(f"{where}.verifier: expected a Verifier such as StaticVerifier, got {kind}")
    service = PayService(
        _checks.base_url(f"{where}.base_url", common.base_url),
        *merchant_numbers(where, settings.mchid, settings.serial_no),
        signer=signer_of(where, private_key),
        verifier=verifier,
        clock=clock,
        language=_language(where, settings.accept_language),
    )
    return _assembled(where, service, common)


def another_account(where: str, engine: Engine, tokens: object, component_appid: str | None) -> AmsService:
    """Return the service of another account, or of another token, on the same wire."""
    own = cast("AmsService", engine.service)
    source = own.tokens if tokens is None else token_source(tokens)
    account = _account(where, component_appid, None if tokens is None else source) or own.account
    return AmsService(own.base_url, source, account, scope=own.custom_scope, clock=own.clock, paths=own.paths, page_caps=own.page_caps)


def with_changes(where: str, engine: Engine, changes: Options, page_deadline: float | None, service: Service | None) -> Engine:
    """Return the engine with other options, for a clone; ``None`` leaves what it has.

    Raises:
        ConfigurationError: one is not allowed.
    """
    found: Options = {}
    if "timeout" in changes:
        found["timeout"] = _checks.seconds(f"{where}.timeout", changes["timeout"])
    if "deadline" in changes:
        found["deadline"] = _checks.seconds(f"{where}.deadline", changes["deadline"])
    if "retry" in changes:
        found["retry"] = _retry(where, changes["retry"])
    if "on_event" in changes:
        found["on_event"] = _listener(f"{where}.on_event", changes["on_event"])
    return attrs.evolve(engine, service=service or engine.service, page_deadline=page_deadline or engine.page_deadline, **found)


def _assembled(
    where: str, service: Service, common: Common, limiter: RateLimiter | None = None, page_deadline: float | None = None
) -> Assembly:
    given = _checks.instance(f"{where}.transport", common.transport, Transport)
    on_event = _listener(f"{where}.on_event", common.on_event)
    transport = given
    if transport is None:
        transport = AiohttpTransport()
        transport.owner = f"a {where}"
    engine = Engine(
        service=service,
        transport=transport,
        limiter=limiter,
        clock=_clock(where, common),
        retry=_retry(where, common.retry),
        timeout=_checks.seconds(f"{where}.timeout", common.timeout),
        deadline=_checks.seconds(f"{where}.deadline", common.deadline),
        page_deadline=page_deadline,
        on_event=on_event,
    )
    return Assembly(engine, transport if given is None else None)


def _retry(where: str, given: RetryPolicy | None) -> RetryPolicy:
    checked = _checks.instance(f"{where}.retry", given, RetryPolicy)
    return RetryPolicy() if checked is None else checked


def _clock(where: str, common: Common) -> Clock:
    given = _checks.instance(f"{where}.clock", common.clock, Clock)
    return LOOP_CLOCK if given is None else given


def _listener(where: str, value: Callable[[Event], object] | None) -> Callable[[Event], object] | None:
    """Return what is told of events.

    The modules that tell events are loaded now, so that no call depends on their import.
    """
    found = _checks.listener(where, value)
    if os.environ.get("WXREVENUE_LOG"):
        from wxrevenue._log_handler import listener_with_log  # not needed where logging is set up by hand

        found = listener_with_log(found)
    if found is not None:
        import_module("wxrevenue._engine.telling")  # not needed without a listener
    return found


def _paths(where: str, pinned: str | None) -> Paths:
    if pinned is not None and pinned not in SETTLEMENT_PATHS:
        raise ConfigurationError(f"{where}.settlement_path: expected {one_of(SETTLEMENT_PATHS)}")
    return Paths(pinned)


def _language(where: str, value: object) -> str:
    if value not in LANGUAGES:
        raise ConfigurationError(f"{where}.accept_language: expected {one_of(LANGUAGES)}")
    return str(value)


def _account(where: str, component_appid: str | None, source: object) -> str | None:
    """Return the account's name: the one given, or the one the token source knows."""
    name = component_appid if component_appid is not None else getattr(source, "component_appid", None)
    if isinstance(name, str) and "://" in name:  # RevenueClient(tokens, url): the second argument is the appid
        raise ConfigurationError(f"{where}.component_appid: expected an appid such as wx0123456789abcdef, got a URL: write base_url=")
    return None if name is None else _checks.credential(f"{where}.component_appid", name)
