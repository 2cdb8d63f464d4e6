"""Authorization codes in the token store.

Those that are not redeemed yet, and those of the last hour that were.
"""

from __future__ import annotations

import hashlib
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, TypedDict

import attrs
import orjson

from wxrevenue._base.printable import Printable
from wxrevenue._base.secret import Secret
from wxrevenue._wire.stored import StoredToken
from wxrevenue.errors import TokenUnavailableError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from wxrevenue.tokens._locked import LockedRecords

    class _Kept(TypedDict):
        """A code as it is written."""

        code: str
        at: float
        appid: str | None
        created: float

    class _Redeemed(TypedDict):
        """A code that was redeemed, as it is written."""

        code: str
        appid: str
        permissions: list[int]
        at: float
        created: float

    class _Book(TypedDict, total=False):
        """All codes as they are written."""

        kept: list[_Kept]
        redeemed: list[_Redeemed]


HOUR: Final = 3600.0


@attrs.frozen(kw_only=True, repr=False)
class KeptCode:
    """A code that waits to be redeemed.

    Args:
        code: the code.
        at: when it was kept, in Unix seconds.
        appid: the Mini Program that gave it; ``None``: the source of the code did not say.
        created: when WeChat pushed it, in Unix seconds; 0 where it did not come with a push.
    """

    code: Secret
    at: float
    appid: str | None = None
    created: float = 0.0


@attrs.frozen(kw_only=True)
class RedeemedCode(Printable):
    """A code that was redeemed, by its hash.

    Also when, in Unix seconds, and the permission sets that came of it.
    """

    code: str
    appid: str
    at: float
    created: float
    permissions: tuple[int, ...]


@attrs.define(eq=False, repr=False)
class Codes:
    """What the record says."""

    kept: list[KeptCode]
    redeemed: list[RedeemedCode]

    def add(self, new: KeptCode) -> None:
        """Keep a code, unless it is there; what is known of it is completed."""
        for n, old in enumerate(self.redeemed):
            if old.code == code_hash(new.code):
                self.redeemed[n] = attrs.evolve(old, created=max(old.created, new.created))
                return
        for n, one in enumerate(self.kept):
            if one.code == new.code:
                self.kept[n] = attrs.evolve(one, appid=one.appid or new.appid, created=max(one.created, new.created))
                return
        self.kept.append(new)

    def settle(self, code: Secret, done: RedeemedCode | None) -> None:
        """Keep a code no more; ``done``: it was redeemed."""
        self.kept = [one for one in self.kept if one.code != code]
        if done is not None:
            self.redeemed = [*(one for one in self.redeemed if one.code != done.code), done]

    def withdraw(self, appid: str, created: float) -> bool:
        """Drop the codes that a Mini Program gave before it took its authorization back.

        Return whether it gave none since.
        """
        self.kept = [one for one in self.kept if one.appid != appid or one.created > created]
        self.redeemed = [one for one in self.redeemed if one.appid != appid or one.created > created]
        return appid not in {*(one.appid for one in self.kept), *(one.appid for one in self.redeemed)}

    def of_code(self, code: Secret) -> RedeemedCode | None:
        """Return what came of a code."""
        return next((one for one in self.redeemed if one.code == code_hash(code)), None)

    def of_program(self, appid: str | None) -> RedeemedCode | None:
        """Return the last code of a Mini Program that was redeemed."""
        return next((one for one in reversed(self.redeemed) if one.appid == appid), None)


@attrs.frozen(repr=False)
class CodeBook:
    """Keeps the codes of one component under one name.

    They are written at once or not at all: a code that was not kept is pushed again.

    Args:
        component: the component's appid.
        records: whose locks keep two processes from changing the record at once.
    """

    component: str
    records: LockedRecords
    _done: dict[str, RedeemedCode] = attrs.field(factory=dict[str, RedeemedCode], init=False)
    """Those that this process redeemed, by hash.

    The store may not have taken that yet.
    """

    @property
    def name(self) -> str:
        """The name of the record."""
        return f"codes:{self.component}"

    async def read(self) -> Codes:
        """Return what is kept."""
        found = await self.records.store.behind.read(self.name)
        return self._completed(_read(None if found is None else found.refresh))

    @asynccontextmanager
    async def changed(self) -> AsyncGenerator[Codes]:
        """Hand out what is kept, for changes, which are written at the end.

        Raises:
            TokenUnavailableError: another process overtook this one.
        """
        store = self.records.store.behind
        async with self.records.locked(self.name) as fence:
            found = await store.read(self.name)
            codes = self._completed(_read(None if found is None else found.refresh))
            yield codes
            written = _written(codes)
            is_unchanged = found is not None and found.refresh == written
            if not (is_unchanged or await store.write(self.name, StoredToken(refresh=written), fence=fence)):
                raise TokenUnavailableError("the authorization code could not be kept: another process overtook this one")

    def remember(self, done: RedeemedCode) -> None:
        """Remember in this process that a code was redeemed."""
        self._done[done.code] = done

    def forget(self, appid: str) -> None:
        """Remember no code of that Mini Program."""
        for code in [code for code, one in self._done.items() if one.appid == appid]:
            del self._done[code]

    def _completed(self, codes: Codes) -> Codes:
        """Add what this process knows, and leave out what is older than an hour."""
        since = self.records.clock.time() - HOUR
        for code in [code for code, one in self._done.items() if one.at < since]:
            del self._done[code]
        stored = {one.code: one for one in codes.redeemed if one.at >= since}
        codes.redeemed = sorted(({**self._done, **stored}).values(), key=_time)
        codes.kept = [one for one in codes.kept if codes.of_code(one.code) is None]
        return codes


def code_hash(code: Secret) -> str:
    """Return by what a code is recognised once it was redeemed."""
    return hashlib.sha256(code.reveal().encode("utf-8", "surrogatepass")).hexdigest()


def _time(one: RedeemedCode) -> float:
    return one.at


def _read(written: Secret | None) -> Codes:
    """Return what is written; what this release cannot read counts as absent."""
    try:
        found: _Book = orjson.loads("{}" if written is None else written.reveal())
        return Codes([_kept(one) for one in found.get("kept", ())], [_redeemed(one) for one in found.get("redeemed", ())])
    except (ValueError, TypeError, KeyError, AttributeError):
        return Codes([], [])


def _kept(one: _Kept) -> KeptCode:
    appid = one["appid"]
    return KeptCode(
        code=Secret(str(one["code"])), at=float(one["at"]), appid=None if appid is None else str(appid), created=float(one["created"])
    )


def _redeemed(one: _Redeemed) -> RedeemedCode:
    permissions = tuple(int(number) for number in one["permissions"])
    times = {"at": float(one["at"]), "created": float(one["created"])}
    return RedeemedCode(code=str(one["code"]), appid=str(one["appid"]), permissions=permissions, **times)


def _written(codes: Codes) -> Secret:
    kept = [{"code": one.code.reveal(), "at": one.at, "appid": one.appid, "created": one.created} for one in codes.kept]
    redeemed = [attrs.asdict(one) for one in codes.redeemed]
    return Secret(orjson.dumps({"kept": kept, "redeemed": redeemed}).decode())
