"""The cover ad (封面广告) before a Mini Program's first page.

Its switch and its scenes.
"""

from __future__ import annotations

from collections.abc import Iterable  # noqa: TC003  (attrs reads the annotation)
from typing import Annotated, ClassVar, Final, TypeVar, cast

import attrs

from wxrevenue._wire.model import Count, Model, OpenEnum, Respelled, also_spelled, digits
from wxrevenue._wire.request import AmsRequest, Endpoint, Safety, written_as
from wxrevenue.ams._checks import one_of_numbers
from wxrevenue.ams._endpoints import operation
from wxrevenue.errors import ApiError, ConfigurationError, DecodeError, WxRevenueError

T = TypeVar("T")

__all__ = [
    "COVER_SCENES",
    "CoverAdposScene",
    "CoverAdposStatus",
    "CoverSwitch",
    "GetCoverAdposScene",
    "GetCoverAdposStatus",
    "SetCoverAdposScene",
    "SetCoverAdposStatus",
]

_JUST_NOW, _ON_ALREADY = 2008, 2067
"""Switched within the last hour, which the attempt before did; on already."""

_SCENES: Final = """
    2 1000 1001 1005 1006 1007 1008 1010 1011 1012 1013 1014 1017 1019 1020 1022 1023 1024 1025 1026 1027 1028 1029 1030
    1031 1032 1034 1035 1036 1037 1038 1039 1042 1043 1044 1045 1046 1047 1048 1049 1052 1053 1054 1056 1057 1058 1059
    1060 1064 1065 1067 1068 1069 1071 1072 1073 1074 1077 1078 1079 1081 1082 1084 1088 1089 1090 1091 1092 1095 1096
    1097 1099 1100 1102 1103 1104 1106 1107 1113 1114 1119 1120 1121 1124 1125 1126 1129 1131 1133 1135 1144 1145 1146
    1148 1150 1151 1152 1153 1154 1155 1157 1158 1160 1167 1168 1169 1171 1173 1175 1176 1177 1179 1184 1185 1186 1187
    1189 1191 1192 1193 1194 1195 1196 1197 1198 1200 1201 1202 1206 1207 1208 1215 1216 1223 1228 1230 1231 1242 1245
    1252
"""
COVER_SCENES: Final = frozenset(map(int, _SCENES.split()))
"""The scene values (场景值) in which a cover ad may be shown.

Answers may have further ones.
"""


class CoverSwitch(OpenEnum):
    """Whether the cover ad is on."""

    ON = 1
    OFF = 4


@attrs.define
class CoverAdposStatus(Model):
    """Whether the cover ad is on, and when it may be switched on again."""

    status: CoverSwitch
    next_open_time: Count | None = None
    """Unix seconds: from then on it may be switched on again."""

    @property
    def is_on(self) -> bool:
        """``status`` is ``CoverSwitch.ON``."""
        return self.status == CoverSwitch.ON


def _scenes(value: object) -> object:
    """Return the numbers of a str that lists them with commas."""
    if type(value) is not str:
        return value
    found = [digits(part.strip()) for part in value.split(",") if part.strip()]
    if None in found:
        raise DecodeError("expected numbers with commas between them")
    return found


@attrs.define
class CoverAdposScene(Model):
    """The scenes in which the cover ad is shown."""

    at_least_one: ClassVar[tuple[str, ...]] = ("scene_list", "cover_scene_list")

    scene_list: Annotated[list[int], Respelled(_scenes, usual=list)] = attrs.field(
        factory=list[int], metadata=also_spelled("cover_scene_list")
    )
    """The scene values. On the wire a str with commas; some documents call it
    ``cover_scene_list``."""


@attrs.frozen
class SetCoverAdposStatus(AmsRequest[None]):
    """Switch a Mini Program's cover ad on or off; possible once an hour.

    WeChat page: ad-mgnt/SetCoverAdposStatus (设置封面广告位开关状态). Setting a value twice is setting it once
    (``REPEATABLE``). An answer may be lost, and the repeat may say that the ad is on already (2067)
    or was switched just now (2008). Then the call has succeeded. If something else may have
    switched it within the hour, read :class:`GetCoverAdposStatus`.

    Args:
        status: ``CoverSwitch.ON`` (1) or ``CoverSwitch.OFF`` (4).
        authorizer_appid: the Mini Program.

    Returns:
        Nothing.

    Raises:
        ConfigurationError: an argument is not allowed; nothing was sent.
        OutcomeUnknownError: answers stayed lost, so that it is unknown whether the ad was switched.
        AgreementUnsignedError: the merchant has not signed (1735).
        AccountNotOpenError: the Mini Program is not a publisher (1807, 2009), or the provider has
            no account (2056).
        ApiError: the server refused otherwise: 2008 (switched less than an hour ago: see
            :attr:`CoverAdposStatus.next_open_time`), 2067 (it was on before), 2068 (the publisher
            was opened less than an hour ago), 1700, 1701, 1737.
    """

    endpoint: ClassVar[Endpoint] = operation("agency_set_cover_adpos_status", Safety.REPEATABLE)

    status: int = attrs.field(validator=one_of_numbers(frozenset(CoverSwitch)))

    def conclude(self, outcome: WxRevenueError | None, *, repeated: bool) -> WxRevenueError | None:
        """Return success where a repeat finds the ad switched.

        An earlier attempt switched it.
        """
        done = {_JUST_NOW, _ON_ALREADY} if self.status == CoverSwitch.ON else {_JUST_NOW}
        return None if repeated and isinstance(outcome, ApiError) and outcome.code in done else outcome


def _as_scenes(value: Iterable[int]) -> tuple[int, ...]:
    """Return, as an attrs converter, a list as a tuple.

    A value that is not a list is left for the validator.
    """
    return tuple(value) if isinstance(value, (list, tuple, set, frozenset, range)) else value  # type: ignore[return-value]


def _check_scenes(instance: object, attribute: attrs.Attribute[T], value: T) -> None:
    where = f"{type(instance).__name__}.{attribute.name}"
    if not isinstance(value, tuple):
        raise ConfigurationError(f"{where}: expected a list of scene values, got {type(value).__name__}")
    if not value:
        raise ConfigurationError(f"{where}: expected at least one scene; to show the ad nowhere, switch it off")
    for number, scene in enumerate(cast("tuple[object, ...]", value)):
        if type(scene) is not int:
            raise ConfigurationError(f"{where}[{number}]: expected an int, got {type(scene).__name__}")
        if scene not in COVER_SCENES:
            raise ConfigurationError(f"{where}[{number}]: expected one of the {len(COVER_SCENES)} values of COVER_SCENES, got {scene}")


def _comma_separated(scenes: tuple[int, ...]) -> str:
    return ",".join(map(str, scenes))


@attrs.frozen
class SetCoverAdposScene(AmsRequest[None]):
    """Say in which scenes a Mini Program's cover ad is shown; by default in all.

    WeChat page: ad-mgnt/SetCoverAdposScene (设置封面广告位场景值). Setting a value twice is setting it once
    (``REPEATABLE``).

    Args:
        cover_scene_list: scene values such as ``[1000, 1001]``, each one of :data:`COVER_SCENES`,
            at least one. The client writes them as the text that the wire has.
        authorizer_appid: the Mini Program.

    Returns:
        Nothing.

    Raises:
        ConfigurationError: an argument is not allowed; nothing was sent.
        OutcomeUnknownError: answers stayed lost, so that it is unknown whether the scenes were set.
        AgreementUnsignedError: the merchant has not signed (1735).
        AccountNotOpenError: the Mini Program is not a publisher (1807, 2009), or the provider has
            no account (2056).
        ApiError: the server refused otherwise: -202, 1700, 1701, 1737.
    """

    endpoint: ClassVar[Endpoint] = operation("agency_set_cover_adpos_scene", Safety.REPEATABLE)

    cover_scene_list: tuple[int, ...] = attrs.field(converter=_as_scenes, validator=_check_scenes, metadata=written_as(_comma_separated))


@attrs.frozen
class GetCoverAdposStatus(AmsRequest[CoverAdposStatus]):
    """Ask whether a Mini Program's cover ad is on.

    Also ask when it may be switched on again.

    WeChat page: ad-mgnt/GetCoverAdposStatus (获取封面广告位状态).

    Args:
        authorizer_appid: the Mini Program.

    Returns:
        :class:`CoverAdposStatus`.

    Raises:
        ConfigurationError: ``authorizer_appid`` is not allowed; nothing was sent.
        AgreementUnsignedError: the merchant has not signed (1735).
        AccountNotOpenError: the Mini Program is not a publisher (1807, 2009), or the provider has
            no account (2056).
        ApiError: the server refused otherwise: -202, 1700, 1701, 1737.
    """

    endpoint: ClassVar[Endpoint] = operation("agency_get_cover_adpos_status", Safety.SAFE)


@attrs.frozen
class GetCoverAdposScene(AmsRequest[CoverAdposScene]):
    """Ask in which scenes a Mini Program's cover ad is shown.

    WeChat page: ad-mgnt/GetCoverAdposScene (获取封面广告位场景设置).

    Args:
        authorizer_appid: the Mini Program.

    Returns:
        :class:`CoverAdposScene`.

    Raises:
        ConfigurationError: ``authorizer_appid`` is not allowed; nothing was sent.
        AgreementUnsignedError: the merchant has not signed (1735).
        AccountNotOpenError: the Mini Program is not a publisher (1807, 2009), or the provider has
            no account (2056).
        ApiError: the server refused otherwise: -202, 1700, 1701, 1737.
    """

    endpoint: ClassVar[Endpoint] = operation("agency_get_cover_adpos_scene", Safety.SAFE)
