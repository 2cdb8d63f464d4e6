"""The client of the advertising interfaces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

import attrs

from wxrevenue import ams
from wxrevenue._base import checks
from wxrevenue._base.secret import Secret, as_secret
from wxrevenue._wire.request import AmsRequest, TokenKind
from wxrevenue.ams import BASE_URL
from wxrevenue.clients._options import Options, RevenueSettings, unknown_option
from wxrevenue.clients._publishing import Publishing
from wxrevenue.clients._shortcut import shortcut
from wxrevenue.clients._walks import Walks
from wxrevenue.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self, Unpack

    from wxrevenue._engine.retry import RetryPolicy
    from wxrevenue._wire.answer import Answer
    from wxrevenue._wire.request import Request
    from wxrevenue.ams._service import AmsService
    from wxrevenue.events import Event
    from wxrevenue.ports import Clock, RateLimiter, Transport
    from wxrevenue.tokens._plain import Tokens

T = TypeVar("T")
_NAME: Final = "RevenueClient"
_LONGEST_APPID: Final = 64
_COMPLETE: Final[set[type]] = set()
"""Classes of requests that have no place for the component's appid."""


class RevenueOptions(Options, total=False):
    """What :meth:`RevenueClient.with_options` may change."""

    page_deadline: float
    tokens: Tokens
    component_appid: str


class RevenueClient(Walks, Publishing):
    """Calls the advertising interfaces of Mini Program service providers.

    Any number of callers of one loop may use it at once. Use it as ``async with``, or
    ``await client.aclose()`` at the end. Making one does no I/O and needs no running loop.

    Args:
        tokens: the component's token: a ``str``, an async function returning one, or a
            ``TokenSource``.
        component_appid: the account's name in scopes and events.
        base_url: where to send instead of WeChat: a sandbox, or a gateway of your own.
        transport: carries the requests; aiohttp by default. One that you give is not closed.
        limiter: obeys "operating too fast"; a ``LocalRateLimiter`` by default. One that you give is
            not closed.
        scope: returns the limiter's scope of a request, given that and the default scope.
        retry: how failed attempts are repeated.
        clock: where the time comes from.
        settlement_path: pins the path of the agency settlement; by default the client finds out
            which one works.
        timeout: seconds for one HTTP exchange, the wait for a pooled connection included.
        deadline: seconds for one awaited call, every wait included.
        page_deadline: the same for each page of an ``iter_*`` walk: long enough to sit out
            "operating too fast".
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
        scope: Callable[[AmsRequest[object], str], str] | None = None,
        retry: RetryPolicy | None = None,
        clock: Clock | None = None,
        settlement_path: str | None = None,
        timeout: float = 10.0,
        deadline: float = 30.0,
        page_deadline: float = 300.0,
        on_event: Callable[[Event], object] | None = None,
    ) -> None:
        tokens = as_secret(tokens, "get", "reject")  # first of all: what follows may raise
        from wxrevenue.clients import _assembly, _settings  # a process that makes no client does without all of it

        common = _settings.Common(base_url, transport, retry, clock, timeout, deadline, on_event)
        own = _settings.AmsSettings(component_appid, limiter, scope, settlement_path, page_deadline)
        self._parts = _assembly.assemble_ams(_NAME, tokens, common, own)

    @classmethod
    def from_env(cls, **settings: Unpack[RevenueSettings]) -> Self:
        """Return a client made from the environment.

        ``WXREVENUE_COMPONENT_TOKEN`` is a token that another program refreshes. Or else
        ``WXREVENUE_COMPONENT_SECRET``, with ``WXREVENUE_COMPONENT_APPID`` and
        ``WXREVENUE_TICKET_FILE`` (see :class:`FileTicketStore`), makes a :class:`ComponentTokens`,
        which is closed with the client. ``WXREVENUE_BASE_URL`` says where to send instead of
        WeChat.

        Args:
            settings: any other argument of the constructor; ``transport``, ``clock`` and
                ``on_event`` serve the tokens, too.

        Raises:
            ConfigurationError: a variable is missing or not allowed.
        """
        from wxrevenue.tokens import _environment  # not needed where all is given by hand

        unknown_option(f"{_NAME}.from_env", settings, RevenueSettings)
        found: dict[str, Any] = {**_environment.variables(settings), **settings}
        shared = {name: found[name] for name in ("base_url", "transport", "clock", "on_event") if name in found}
        tokens = _environment.tokens(found.get("component_appid"), **shared)
        client = cls(tokens, **found)
        if not isinstance(tokens, Secret):
            client._parts.owned += (tokens,)
        return client

    @property
    def component_appid(self) -> str:
        """The account's name in scopes and events.

        It is the component's appid where that is known, else a random name.
        """
        return self._parts.engine.service.account

    async def send(self, request: AmsRequest[T]) -> T:
        """Send any AMS request, also one of your own class, and return its result."""
        if request.__class__ not in _COMPLETE:
            request = self._completed(request)
        return await self._parts.engine.send(request)

    async def send_raw(self, request: AmsRequest[T]) -> Answer[T]:
        """Send a request as ``send`` does.

        Return its result with the HTTP status and the headers, scrubbed of secrets.
        """
        if not isinstance(request, AmsRequest):
            raise ConfigurationError(f"{_NAME}.send_raw: expected an AmsRequest, got {type(request).__name__}")
        return await self._send_raw(self._completed(request))

    def authorizer(self, appid: str) -> Self:
        """Return a clone that fills in ``authorizer_appid``.

        It does so wherever a method takes that Mini Program's token. The clone lives as long as
        this client; there is nothing to close.

        Args:
            appid: the Mini Program, 1 to 64 printable characters.

        Raises:
            ConfigurationError: ``appid`` is not allowed.
        """
        clone = self._clone({})
        if len(checks.credential(f"{_NAME}.authorizer", appid)) > _LONGEST_APPID:
            raise ConfigurationError(f"{_NAME}.authorizer: expected 1 to {_LONGEST_APPID} characters, got {len(appid)}")
        clone._authorizer_appid = appid  # noqa: SLF001
        clone._fills_in = True  # noqa: SLF001
        return clone

    def with_options(self, **options: Unpack[RevenueOptions]) -> Self:
        """Return a clone with other options on the same transport and limiter.

        ``with_options(tokens=…, component_appid=…)`` is a client for another account; with
        ``tokens`` alone it stays the same account to the rate limiter. The clone lives as long as
        this client; closing the clone does nothing.
        """
        tokens = as_secret(options.pop("tokens"), "get", "reject") if "tokens" in options else None
        unknown_option(f"{_NAME}.with_options", options, RevenueOptions)
        from wxrevenue.clients import _assembly  # as in the constructor

        service = _assembly.another_account(_NAME, self._parts.engine, tokens, options.get("component_appid"))
        deadline = checks.seconds(f"{_NAME}.page_deadline", options["page_deadline"]) if "page_deadline" in options else None
        return self._clone(options, deadline, service)

    def _with_defaults(self, request: type[Request[object]], given: dict[str, object]) -> dict[str, object]:
        own = self._authorizer_appid
        if own is None or "authorizer_appid" in given:
            return given
        takes = request.endpoint.token is TokenKind.AUTHORIZER or given.get("token") in (TokenKind.AUTHORIZER, TokenKind.AUTHORIZER.value)
        return {**given, "authorizer_appid": own} if takes else given

    def _completed(self, request: AmsRequest[T]) -> AmsRequest[T]:
        """Return the request with the component's appid.

        It is filled in where the request's class has a place for it.
        """
        if not isinstance(request, AmsRequest):
            raise ConfigurationError(f"{_NAME}.send: expected an AmsRequest, got {type(request).__name__}")
        if not hasattr(request, "component_appid"):
            _COMPLETE.add(request.__class__)
            return request
        if getattr(request, "component_appid", request) is not None:
            return request
        appid = cast("AmsService", self._parts.engine.service).lasting_account
        if not appid:
            raise ConfigurationError(
                f"{type(request).__name__}.component_appid: expected an appid: neither the request nor the client has one"
            )
        return attrs.evolve(cast("Any", request), component_appid=appid)
