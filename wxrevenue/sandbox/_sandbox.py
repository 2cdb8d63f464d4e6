"""The sandbox as its users see it."""

from __future__ import annotations

import asyncio
import time
from datetime import date, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Literal, TypeAlias

from wxrevenue._base.printable import Printable
from wxrevenue._wire.stored import Ticket
from wxrevenue.sandbox._ams.books import Books, provider
from wxrevenue.sandbox._ams.platform import Platform
from wxrevenue.sandbox._ams.push import Pushes
from wxrevenue.sandbox._ams.service import Ams
from wxrevenue.sandbox._ams.tokens import AUTHORIZER, COMPONENT, Tokens
from wxrevenue.sandbox._core import Core
from wxrevenue.sandbox._options import check_options
from wxrevenue.sandbox._pay.service import Pay
from wxrevenue.sandbox._transport import SandboxTransport
from wxrevenue.sandbox._trouble import FaultDraw, Trouble

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
    from contextlib import AbstractAsyncContextManager

    from wxrevenue.sandbox._ams.books import Totals
    from wxrevenue.sandbox._ams.push import Change, Push, PushKeys
    from wxrevenue.sandbox._ams.settlement import SettlementPath
    from wxrevenue.sandbox._call import Answer
    from wxrevenue.sandbox._pay.service import Mark, Merchant
    from wxrevenue.sandbox._trouble import Forced

AdsToken: TypeAlias = Literal["component", "authorizer"]
_BEIJING = timezone(timedelta(hours=8))


class Sandbox(Printable):
    """A made-up server: providers, Mini Programs, settlements, a WeChat Pay merchant.

    Args:
        seed: the same seed gives the same books and, to the same calls, the same trouble.
        components: how many service providers with an account there are. They take turns in three
            envelopes: ``ret`` beside the data, the data alone, a nested ``base_resp`` (these have
            three rows to a half-month).
        books: figures of a test's own by appid, in place of made-up ones; see :meth:`put`.
        programs: how many Mini Programs each of them has; none is made before it is used.
        today: the Beijing day up to which books are kept; by default ``now``'s on construction.
        years: how many years back the settlements go.
        trouble: how it misbehaves; by default not at all.
        settlement_path: the only path for settlements (the other answers 1736); by default both.
        ads_token: whose token the provider's ad data take, ``'component'`` or ``'authorizer'``; the
            other kind answers 48001. By default both serve: the documents do not agree.
        token_lifetime: how many seconds a token is good that the sandbox hands out.
        confirm_after: how many seconds after a ratio was set the merchants confirm it by
            themselves; by default they wait for :meth:`confirm_ratio`.
        now: the time in Unix seconds, for quotas, tokens and signatures.
        sleep: how latency is waited for.
    """

    def __init__(  # noqa: PLR0913  (knobs, all by keyword)
        self,
        *,
        seed: int = 0,
        components: int = 3,
        programs: int = 4,
        books: Mapping[str, Iterable[object]] | None = None,
        today: date | None = None,
        years: int = 6,
        trouble: Trouble | None = None,
        settlement_path: SettlementPath | None = None,
        ads_token: AdsToken | None = None,
        token_lifetime: int = 7200,
        confirm_after: float | None = None,
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        check_options(locals())
        everyone = [provider(n, has_account=n < components, programs=programs) for n in range(components + 1)]
        self._providers = {who.appid: who for who in everyone}
        self._books = Books(seed=seed, today=today or datetime.fromtimestamp(now(), _BEIJING).date(), years=years)
        self._pushes = Pushes(seed=seed, now=now)
        platform = Platform(self._providers, Tokens(now, token_lifetime), self._pushes, now)
        self._ams = Ams(
            seed=seed,
            books=self._books,
            platform=platform,
            now=now,
            settlement_path=settlement_path,
            ads_token=ads_token,
            confirm_after=confirm_after,
        )
        self._ams.put_all("Sandbox.books", books or {})
        self._pay = Pay(seed=seed, now=now)
        self.pay = self._pay.side
        """What payers, reviewers and WeChat Pay do, and the books of all payments."""
        self._core = Core(ams=self._ams, pay=self._pay, fate=FaultDraw(seed), trouble=trouble or Trouble())
        self._sleep, self._now = sleep, now

    def handle(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Answer one request, without I/O; ``path`` includes the query, as on the wire."""
        return self._core.handle(method, path, headers, body)

    def transport(self) -> SandboxTransport:
        """Return a transport that carries requests into this sandbox, in process."""
        return SandboxTransport(self._core, self._sleep)

    def serve(self, *, host: str = "127.0.0.1", port: int = 0) -> AbstractAsyncContextManager[str]:
        """Serve HTTP in ``async with``, whose value is the base URL; port 0: any free one."""
        from wxrevenue.sandbox._server import serve  # aiohttp, for those who use it

        return serve(self._core, self._sleep, host=host, port=port)

    @property
    def paths(self) -> tuple[str, ...]:
        """What is served: ``method path``, and ``?action=…`` where a path serves many."""
        return (*self._ams.paths(), *self._pay.paths())

    @property
    def trouble(self) -> Trouble:
        """How it misbehaves from now on; may be replaced at any time."""
        return self._core.trouble

    @trouble.setter
    def trouble(self, trouble: Trouble) -> None:
        self._core.trouble = trouble

    def next(self, *forced: Forced, action: str | None = None) -> None:
        """Force an outcome on each of the next calls (of this action), before any rate."""
        for item in forced:
            self._core.fate.script(item, action)

    @property
    def calls(self) -> Counter[tuple[str, str]]:
        """Counts of calls by ``(action, outcome)``: ``ok``, a code or a mishap's value."""
        return self._core.calls

    # -- service providers -------------------------------------------------------------------------

    @property
    def components(self) -> tuple[str, ...]:
        """The appids of the service providers that have an account."""
        return tuple(who.appid for who in self._providers.values() if who.has_account)

    @property
    def component_without_account(self) -> str:
        """The appid of a service provider to whom every call answers 2056."""
        return next(who.appid for who in self._providers.values() if not who.has_account)

    def programs(self, component_appid: str) -> tuple[str, ...]:
        """Return the appids of the provider's Mini Programs."""
        return tuple(self._providers[component_appid].programs)

    def unsigned_program(self, component_appid: str) -> str:
        """Return an appid whose merchant has not signed: to ask for its ratio gives 1735."""
        return self._providers[component_appid].unsigned_program

    def confirm_ratio(self, component_appid: str, program_appid: str | None = None) -> None:
        """Let the merchants, or one of them, agree to the ratios that were set last.

        These are in force now: a custom ratio, where there is one, else the default.

        Raises:
            KeyError: there is no such provider.
            ValueError: the Mini Program is not the provider's.
        """
        self._ams.confirm(component_appid, program_appid)

    def set_visitors(self, component_appid: str, program_appid: str, count: int) -> None:
        """Set the unique visitors; below 1000 no publisher account can be opened (2013).

        The last Mini Program of every provider has no account at first, and 5000 visitors.
        """
        self._ams.accounts.of(self._providers[component_appid], program_appid).visitors = count

    def close_publisher(self, component_appid: str, program_appid: str) -> None:
        """Take a Mini Program's publisher account away, as if it had never been opened."""
        self._ams.accounts.of(self._providers[component_appid], program_appid).opened = None

    # -- tokens ------------------------------------------------------------------------------------

    def component_secret(self, component_appid: str) -> str:
        """Return the provider's secret, with which it gets its token."""
        return self._ams.platform.secret(self._providers[component_appid].appid)

    def ticket(self, component_appid: str) -> Ticket:
        """Return a new ticket without a push, good for 12 hours, beside earlier ones."""
        return Ticket(self._pushes.issue(self._providers[component_appid].appid), int(self._now()))

    def is_pushing(self, component_appid: str) -> bool:
        """Return whether the provider had the push of tickets started."""
        return self._ams.platform.is_pushing(component_appid)

    def refresh_token(self, program_appid: str) -> str:
        """Return a Mini Program's refresh token, with which its provider gets a token."""
        return self._ams.platform.refresh_token(program_appid)

    def authorize(self, program_appid: str) -> str:
        """Let a Mini Program authorize its provider anew; return its new refresh token.

        The old one works for five more minutes.
        """
        return self._ams.platform.authorize(program_appid)

    def authorization_code(self, program_appid: str) -> str:
        """Return a new code, as the browser brings it back: for one use within an hour."""
        return self._ams.platform.authorizations.code(program_appid)

    def component_token(self, component_appid: str) -> str:
        """Return the provider's current token."""
        return self._ams.tokens.component(self._providers[component_appid].appid)

    def authorizer_token(self, program_appid: str) -> str:
        """Return a Mini Program's token; calls that take the provider's give it 48001."""
        return self._ams.tokens.authorizer(program_appid)

    def expire_token(self, appid: str) -> None:
        """Let a token run out: it answers 42001 from now on, and a new one is in force."""
        self._ams.tokens.expire(COMPONENT if appid in self._providers else AUTHORIZER, appid)

    def tokens(self, component_appid: str) -> Callable[[], Coroutine[object, None, str]]:
        """Return a client's ``tokens=``: an async function of the provider's token now."""

        async def current() -> str:
            return self.component_token(component_appid)

        return current

    # -- pushes ------------------------------------------------------------------------------------

    def push_keys(self, component_appid: str) -> PushKeys:
        """Return the token and the key that sign and seal the provider's pushes."""
        return self._pushes.keys(self._providers[component_appid].appid)

    def ticket_push(self, component_appid: str) -> Push:
        """Return a push with a new ticket; ``await push.post(url)`` sends it."""
        return self._pushes.ticket(self._providers[component_appid].appid)

    def authorization_push(self, component_appid: str, program_appid: str, info_type: Change = "authorized") -> Push:
        """Return a push that tells the provider of a Mini Program's authorization."""
        authorizations = self._ams.platform.authorizations
        codes = ("", "") if info_type == "unauthorized" else (authorizations.code(program_appid), authorizations.pre_code())
        return self._pushes.change(self._providers[component_appid].appid, program_appid, info_type, codes)

    # -- settlements -------------------------------------------------------------------------------

    def put(self, appid: str, row: object) -> None:
        """Give an account a half-month's settlement, or a day's ad data.

        It takes the place of all that is made up of the half-month, or of the day, and of its own
        former state: a settlement of the half-month that had the same ``sett_no`` or none, ad data
        of the same day, slot and unit. Accounts among ``books`` have nothing made up at all. An
        unknown appid is one more Mini Program of the first provider, with an open account.

        Args:
            appid: a provider's, whose ad data have to name a Mini Program, or a Mini Program's.
            row: a dict as the wire has it, or any attrs value whose fields have the wire's names,
                such as :class:`~wxrevenue.Settlement` or :class:`~wxrevenue.AdRow`.

        Raises:
            ConfigurationError: it is no such row.
        """
        self._ams.put("Sandbox.put", appid, row)

    @property
    def today(self) -> date:
        """The last Beijing day of the books; a later one settles, and opens half-months."""
        return self._books.today

    @today.setter
    def today(self, day: date) -> None:
        self._books.today = day

    def totals(self, appid: str, start: date | str, end: date | str) -> Totals:
        """Return an account's books for these days: how many rows, and their sum in fen."""
        return self._books.totals(self._ams.whose_books(appid), _day(start), _day(end))

    def __repr__(self) -> str:
        return f"<Sandbox of {len(self.components)} providers, on {self.today}>"

    # -- WeChat Pay --------------------------------------------------------------------------------

    @property
    def merchant(self) -> Merchant:
        """The merchant's numbers and keys, made at the first look."""
        return self._pay.merchant

    @property
    def marks(self) -> tuple[Mark, ...]:
        """The transactions marked so far, each once, in the order of their first mark."""
        return tuple(self._pay.books.marks)

    def confirm_transaction(self, out_trade_no: str) -> None:
        """Let the payment go through: marking it is refused from now on."""
        self._pay.books.confirmed.add(out_trade_no)


def _day(day: date | str) -> date:
    return date.fromisoformat(day) if isinstance(day, str) else day
