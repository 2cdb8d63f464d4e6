"""What clients are made of: the one place that knows every part. The first client that is made loads it, not an import."""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, cast

import attrs

from wxrevenue._base import checks as _checks
from wxrevenue._base.secret import NotASecret, Secret
from wxrevenue._engine.clock import LOOP_CLOCK
from wxrevenue._engine.engine import Engine
from wxrevenue._engine.retry import RetryPolicy
from wxrevenue.ams._paths import Paths
from wxrevenue.ams._service import ANONYMOUS, AmsService
from wxrevenue.errors import ConfigurationError, one_of
from wxrevenue.limiters._local.limiter import LocalRateLimiter
from wxrevenue.ports import Clock, RateLimiter, Signer, Transport, Verifier
from wxrevenue.tokens._plain import token_source
from wxrevenue.transports._aiohttp.transport import AiohttpTransport

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from wxrevenue.tokens._component import ComponentTokens

SETTLEMENT_PATHS: Final = ("/wxa/operationams", "/wxa/getdefaultamsinfo")
_LONGEST_NAME: Final = 64


class Assembly:
    """An engine, and what was made for it and is to be closed with it."""

    def __init__(self, engine: Engine, *made: Transport | RateLimiter | None) -> None:
        self.engine = engine
        self.owned: tuple[Transport | RateLimiter | ComponentTokens, ...] = tuple(part for part in made if part is not None)


def assemble_ams(where: str, tokens: Any, component_appid: str | None, settings: Mapping[str, Any]) -> Assembly:
    """Return the parts of a client of the advertising interfaces; ``where`` names it in messages."""
    options = checked(where, {name: settings[name] for name in ("retry", "clock", "timeout", "deadline", "page_deadline", "on_event")})
    source = token_source(tokens)
    service = AmsService(
        _checks.base_url(f"{where}.base_url", settings["base_url"]),
        source,
        _account(where, component_appid, source) or f"{ANONYMOUS}{os.urandom(4).hex()}",
        scope=_checks.function(f"{where}.scope", settings["scope"]),
        clock=options["clock"],
        paths=_paths(where, settings["settlement_path"]),
    )
    given, gate = _given(where, settings, "transport", Transport), _given(where, settings, "limiter", RateLimiter)
    transport = AiohttpTransport() if given is None else given
    limiter = LocalRateLimiter(clock=options["clock"]) if gate is None else gate
    engine = Engine(service=service, transport=transport, limiter=limiter, **options)
    return Assembly(engine, transport if given is None else None, limiter if gate is None else None)


def _paths(where: str, pinned: str | None) -> Paths:
    if pinned is not None and pinned not in SETTLEMENT_PATHS:
        raise ConfigurationError(f"{where}.settlement_path: expected {one_of(SETTLEMENT_PATHS)}")
    return Paths(pinned)


def another_account(where: str, engine: Engine, tokens: Any, component_appid: str | None) -> AmsService:
    """Return the service of another account, or of another token, on the same wire."""
    own = cast("AmsService", engine.service)
    source = own.tokens if tokens is None else token_source(tokens)
    account = _account(where, component_appid, None if tokens is None else source) or own.account
    return AmsService(own.base_url, source, account, scope=own.custom_scope, clock=own.clock, paths=own.paths)


def assemble_pay(where: str, private_key: Any, settings: Mapping[str, Any]) -> Assembly:
    """Return the parts of a client of WeChat Pay."""
    from wxrevenue.funds._service import PayService  # who only reads settlements does without
    from wxrevenue.signing._serial import merchant_serial  # as above

    options = checked(where, {name: settings[name] for name in ("retry", "clock", "timeout", "deadline", "on_event")})
    verifier = settings["verifier"]
    if not isinstance(verifier, Verifier):
        kind = verifier.kind if isinstance(verifier, NotASecret) else type(verifier).__name__
        raise ConfigurationError(f"{where}.verifier: expected a Verifier such as StaticVerifier, got {kind}")
    service = PayService(
        _checks.base_url(f"{where}.base_url", settings["base_url"]),
        quotable(f"{where}.mchid", settings["mchid"]),
        quotable(f"{where}.serial_no", merchant_serial(f"{where}.serial_no", settings["serial_no"])),
        signer=_signer(where, private_key),
        verifier=verifier,
        clock=options["clock"],
    )
    given = _given(where, settings, "transport", Transport)
    transport = AiohttpTransport() if given is None else given
    return Assembly(Engine(service=service, transport=transport, limiter=None, **options), transport if given is None else None)


def with_changes(where: str, engine: Engine, changes: Mapping[str, Any]) -> Engine:
    """Return the engine with other options, for a clone."""
    return attrs.evolve(engine, **checked(where, changes))


def checked(where: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return a client's options, defaults in place of ``None``.

    Raises:
        ConfigurationError: one is not allowed.
    """
    return {name: _CHECKS[name](f"{where}.{name}", value) for name, value in options.items()}


def _listener(where: str, value: Any) -> Any:
    """Return what is to be told of events, if anything; what it is told with is loaded now, when a call does not depend on it."""
    if _checks.function(where, value) is not None:
        import_module("wxrevenue.events")  # who listens to nothing does without
    return value


_CHECKS: Mapping[str, Callable[[str, Any], Any]] = {
    "timeout": _checks.seconds,
    "deadline": _checks.seconds,
    "page_deadline": _checks.seconds,
    "retry": lambda where, value: _checks.instance(where, value, RetryPolicy) or RetryPolicy(),
    "clock": lambda where, value: LOOP_CLOCK if value is None else _checks.instance(where, value, Clock),
    "on_event": _listener,
    "service": lambda _where, value: value,
}


def quotable(where: str, value: object) -> str:
    """Return a value that may stand between quotes in a header."""
    found = _checks.credential(where, value)
    if not found.isascii() or not found.replace("_", "").isalnum() or len(found) > _LONGEST_NAME:
        raise ConfigurationError(f"{where}: expected letters, digits and '_', at most {_LONGEST_NAME}")
    return found


def _signer(where: str, key: Any) -> Signer:
    """Return what signs: a PEM key, boxed, or a signer of the user's own."""
    if isinstance(key, Secret):
        from wxrevenue.signing._pem_signer import PemSigner  # as above

        return PemSigner(key)
    if isinstance(key, Signer) and not type(key).__module__.startswith("cryptography"):  # whose keys sign too, otherwise
        return key
    kind = key.kind if isinstance(key, NotASecret) else type(key).__name__
    raise ConfigurationError(f"{where}.private_key: expected PEM as str or bytes, or a Signer with an async sign(), got {kind}")


def _account(where: str, component_appid: str | None, source: object) -> str | None:
    """Return the account's name: the one given, or the one the token source knows."""
    name = component_appid if component_appid is not None else getattr(source, "component_appid", None)
    return None if name is None else _checks.credential(f"{where}.component_appid", name)


def _given(where: str, settings: Mapping[str, Any], name: str, port: type) -> Any:
    return _checks.instance(f"{where}.{name}", settings[name], port)
