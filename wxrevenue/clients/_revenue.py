"""The client of the advertising interfaces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypedDict, TypeVar, cast

import attrs

from wxrevenue import ams
from wxrevenue._base.secret import Secret, as_secret
from wxrevenue._wire.request import AmsRequest, TokenKind
from wxrevenue.ams import BASE_URL
from wxrevenue.clients._base import unknown_option
from wxrevenue.clients._shortcut import shortcut
from wxrevenue.clients._walks import Walks
from wxrevenue.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date
    from typing import Self, Unpack

    from wxrevenue._engine.retry import RetryPolicy
    from wxrevenue.ams._service import AmsService
    from wxrevenue.events import Event
    from wxrevenue.pagination._paginator import Paginator
    from wxrevenue.ports import Clock, RateLimiter, Transport
    from wxrevenue.tokens._plain import Tokens

T = TypeVar("T")
_NAME: Final = "RevenueClient"


class RevenueOptions(TypedDict, total=False):
    """What :meth:`RevenueClient.with_options` may change."""

    timeout: float
    deadline: float
    page_deadline: float
    retry: RetryPolicy
    on_event: Callable[[Event], object] | None
    tokens: Tokens
    component_appid: str


class RevenueClient(Walks):
    """Calls the advertising interfaces of Mini Program service providers; safe for any number of concurrent callers of a loop.

    Use it as ``async with``, or ``await client.aclose()`` at the end. Making one does no I/O and needs no running loop.

    Args:
        tokens: the component's token: a ``str``, an async function returning one, or a ``TokenSource``.
        component_appid: the account's name in scopes and events.
        base_url: where to send instead of WeChat: a sandbox, or a gateway of your own.
        transport: carries the requests; aiohttp by default. One that you give is not closed.
        limiter: obeys "operating too fast"; a ``LocalRateLimiter`` by default. One that you give is not closed.
        scope: returns the limiter's scope of a request, given that and the default scope.
        retry: how failed attempts are repeated.
        clock: where the time comes from.
        settlement_path: pins the path of the agency settlement; by default the client finds out which one works.
        timeout: seconds for one HTTP exchange, the wait for a pooled connection included.
        deadline: seconds for one awaited call, every wait included.
        page_deadline: the same for each page of an ``iter_*`` walk: long enough to sit out "operating too fast".
        on_event: a plain function, told what happens.

    Raises:
        ConfigurationError: one of these is not allowed.
    """

    set_share_ratio = shortcut(lambda: ams.SetShareRatio)
    get_share_ratio = shortcut(lambda: ams.GetShareRatio)
    set_custom_share_ratio = shortcut(lambda: ams.SetCustomShareRatio)
    get_custom_share_ratio = shortcut(lambda: ams.GetCustomShareRatio)
    agency_check_can_open_publisher = shortcut(lambda: ams.AgencyCheckCanOpenPublisher)
    agency_create_publisher = shortcut(lambda: ams.AgencyCreatePublisher)
    agency_create_adunit = shortcut(lambda: ams.AgencyCreateAdunit)
    agency_update_adunit = shortcut(lambda: ams.AgencyUpdateAdunit)
    agency_get_tmpl_type = shortcut(lambda: ams.AgencyGetTmplType)
    get_agency_tmpl_id_list = shortcut(lambda: ams.GetAgencyTmplIdList)
    get_adunit_list = shortcut(lambda: ams.GetAdunitList)
    get_adunit_code = shortcut(lambda: ams.GetAdunitCode)
    set_cover_adpos_status = shortcut(lambda: ams.SetCoverAdposStatus)
    set_cover_adpos_scene = shortcut(lambda: ams.SetCoverAdposScene)
    get_cover_adpos_status = shortcut(lambda: ams.GetCoverAdposStatus)
    get_cover_adpos_scene = shortcut(lambda: ams.GetCoverAdposScene)
    get_black_list = shortcut(lambda: ams.GetBlackList)
    set_black_list = shortcut(lambda: ams.SetBlackList)
    get_ams_category_black_list = shortcut(lambda: ams.GetAmsCategoryBlackList)
    set_ams_category_black_list = shortcut(lambda: ams.SetAmsCategoryBlackList)
    get_adpos_general = shortcut(lambda: ams.GetAdposGeneral)
    get_adpos_detail = shortcut(lambda: ams.GetAdposDetail)
    get_agency_ads_stat = shortcut(lambda: ams.GetAgencyAdsStat)
    get_agency_ads_detail = shortcut(lambda: ams.GetAgencyAdsDetail)
    get_settlement = shortcut(lambda: ams.GetSettlement)
    get_agency_settlement = shortcut(lambda: ams.GetAgencySettlement)
    create_preauth_code = shortcut(lambda: ams.CreatePreauthCode)
    query_auth = shortcut(lambda: ams.QueryAuth)
    get_authorizer_info = shortcut(lambda: ams.GetAuthorizerInfo)
    get_authorizer_list = shortcut(lambda: ams.GetAuthorizerList)

    _authorizer_appid: str | None = None

    def __init__(  # noqa: PLR0913  (settings, by keyword)
        self,
        tokens: Tokens,
        component_appid: str | None = None,
        base_url: str = BASE_URL,
        *,
        transport: Transport | None = None,
        limiter: RateLimiter | None = None,
        scope: Callable[[AmsRequest[Any], str], str] | None = None,
        retry: RetryPolicy | None = None,
        clock: Clock | None = None,
        settlement_path: str | None = None,
        timeout: float = 10.0,
        deadline: float = 30.0,
        page_deadline: float = 300.0,
        on_event: Callable[[Event], object] | None = None,
    ) -> None:
        tokens = as_secret(tokens, "get", "reject")  # first of all: what follows may raise
        from wxrevenue.clients import _assembly  # a process that makes no client does without all of it

        parts = {"base_url": base_url, "transport": transport, "limiter": limiter, "scope": scope, "settlement_path": settlement_path}
        options = {"retry": retry, "clock": clock, "timeout": timeout, "deadline": deadline, "page_deadline": page_deadline}
        self._parts = _assembly.assemble_ams(_NAME, tokens, component_appid, {**parts, **options, "on_event": on_event})

    @classmethod
    def from_env(cls, **settings: Any) -> Self:
        """Return a client made from the environment.

        ``WXREVENUE_COMPONENT_TOKEN`` is a token that somebody else refreshes. Or else ``WXREVENUE_COMPONENT_SECRET``, with
        ``WXREVENUE_COMPONENT_APPID`` and ``WXREVENUE_TICKET_FILE`` (see :class:`FileTicketStore`), makes a
        :class:`ComponentTokens`, which is closed with the client. ``WXREVENUE_BASE_URL`` says where to send instead of WeChat.

        Args:
            settings: any other argument of the constructor; ``transport``, ``clock`` and ``on_event`` serve the tokens, too.

        Raises:
            ConfigurationError: a variable is missing or not allowed.
        """
        from wxrevenue.tokens import _environment  # who gives everything by hand does without

        settings = {**_environment.variables(settings), **settings}
        shared = {name: settings[name] for name in ("base_url", "transport", "clock", "on_event") if name in settings}
        tokens = _environment.tokens(settings.get("component_appid"), **shared)
        client = cls(tokens, **settings)
        if not isinstance(tokens, Secret):
            client._parts.owned += (tokens,)
        return client

    @property
    def component_appid(self) -> str:
        """The account's name in scopes and events: the component's appid where it is known, else a random name."""
        return self._parts.engine.service.account

    async def send(self, request: AmsRequest[T]) -> T:
        """Send any AMS request, also one of your own class, and return its result."""
        if not isinstance(request, AmsRequest):
            raise ConfigurationError(f"{_NAME}.send: expected an AmsRequest, got {type(request).__name__}")
        if getattr(request, "component_appid", request) is None:
            request = attrs.evolve(cast("Any", request), component_appid=self._own_appid(request))
        return await self._parts.engine.send(request)

    def iter_agency_settlement(  # noqa: PLR0913  (options, by keyword)
        self,
        start_date: str | date,
        end_date: str | date,
        page_size: int = 20,
        *,
        prefetch: int = 1,
        concurrency: int = 1,
        cursor: str | None = None,
        verify_totals: bool = False,
    ) -> Paginator[ams.Settlement]:
        """Stream the provider's half-month settlements, the last updated first, each once, while further pages are being fetched.

        Every page gets ``page_deadline`` seconds; the walk itself has no limit. All arguments are checked at once.

        Args:
            start_date: first day, see ``GetAgencySettlement``.
            end_date: last day, inclusive.
            page_size: rows per page; the server may cap it.
            prefetch: how many pages to fetch ahead, 0 to 8. While one of them waits for its turn, no further one is begun.
            concurrency: how many pieces of the range to fetch at once, 1 to 16. More than one cuts it into windows of whole
                half-months, none longer than ``page_size`` of them; windows come newest first, rows within one as the server has them.
            cursor: where an earlier walk with the same account, dates and ``page_size`` stood; see :attr:`Paginator.cursor`.
            verify_totals: end the walk with ``DecodeError`` at a page with a row whose slots do not add up to its
                ``settled_revenue``. (The ``_all`` sums of a page are of all time and are not compared.)

        Raises:
            ConfigurationError: an argument is not allowed, or the cursor belongs to something else.
        """
        from wxrevenue.clients._paging import walk  # who streams pays for it

        request = ams.GetAgencySettlement(start_date, end_date, page_size=page_size)
        options: dict[str, Any] = {"prefetch": prefetch, "concurrency": concurrency, "cursor": cursor, "verify_totals": verify_totals}
        return walk(self._parts.engine, request, **options)

    def authorizer(self, appid: str) -> Self:
        """Return a clone that fills in ``authorizer_appid`` wherever a method takes that Mini Program's token.

        The clone lives as long as this client; there is nothing to close.

        Args:
            appid: the Mini Program, 1 to 64 printable characters.

        Raises:
            ConfigurationError: ``appid`` is not allowed.
        """
        from wxrevenue._base import checks

        clone = self._clone({})
        clone._authorizer_appid = checks.credential(f"{_NAME}.authorizer", appid)  # noqa: SLF001
        return clone

    def with_options(self, **options: Unpack[RevenueOptions]) -> Self:
        """Return a clone with other options on the same transport and limiter.

        ``with_options(tokens=…, component_appid=…)`` is a client for another account; with ``tokens`` alone it stays the same
        account to the rate limiter. The clone lives as long as this client; closing the clone does nothing.
        """
        changes: dict[str, Any] = dict(options)
        del options
        if "tokens" in changes:
            changes["tokens"] = as_secret(changes["tokens"], "get", "reject")
        unknown_option(_NAME, changes, RevenueOptions)
        return self._with(changes)

    def _with_defaults(self, request: Any, given: dict[str, Any]) -> dict[str, Any]:
        own = self._authorizer_appid
        if own is None or "authorizer_appid" in given:
            return given
        takes = request.endpoint.token is TokenKind.AUTHORIZER or given.get("token") in (TokenKind.AUTHORIZER, TokenKind.AUTHORIZER.value)
        return {**given, "authorizer_appid": own} if takes else given

    def _own_appid(self, request: AmsRequest[Any]) -> str:
        appid = cast("AmsService", self._parts.engine.service).lasting_account
        if not appid:
            raise ConfigurationError(
                f"{type(request).__name__}.component_appid: expected an appid: neither the request nor the client has one"
            )
        return appid

    def _with(self, changes: dict[str, Any]) -> Self:
        from wxrevenue.clients import _assembly

        tokens, appid = changes.pop("tokens", None), changes.pop("component_appid", None)
        service = _assembly.another_account(_NAME, self._parts.engine, tokens, appid)
        return self._clone({**changes, "service": service})
