"""The cover ad.

A switch that works once an hour, and the scenes in which the ad is shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wxrevenue.sandbox._ams.visit import NOT_ALLOWED, OPERATION_PATH, of_authorizer, one_of, text
from wxrevenue.sandbox._call import RefusedError

if TYPE_CHECKING:
    from wxrevenue.sandbox._ams.accounts import Accounts
    from wxrevenue.sandbox._ams.visit import Actions, Visit
    from wxrevenue.sandbox._call import Answer

_ON, _OFF = 1, 4
_PAUSE = 3600
_TOO_SOON, _ON_ALREADY = 2008, 2067
_SCENES = """
1000,1001,1007,1008,1010,1011,1012,1013,1014,1017,1019,1022,1023,1024,1025,1026,1028,1029,1030,1031,1032,1034,1036,1037,1038,
1039,1043,1044,1045,1046,1047,1048,1049,1052,1056,1057,1059,1060,1064,1065,1067,1068,1069,1071,1072,1073,1077,1078,1079,1081,
1084,1088,1090,1092,1095,1096,1097,1099,1100,1103,1104,1107,1113,1114,1119,1120,1121,1124,1125,1126,1129,1131,1133,1135,1145,
1146,1148,1150,1151,1153,1154,1155,1157,1158,1160,1167,1169,1171,1173,1175,1177,1185,1186,1187,1189,1191,1192,1020,1035,1058,
1074,1082,1091,1102,1144,1152,1005,1006,1027,1042,1053,1054,1106,1089,1242,1245,1208,1168,1194,1252,1176,1184,1193,1195,1197,
1198,1206,1216,1179,1202,1207,1231,1196,1223,1200,1201,1215,1228,1230,2
""".replace("\n", "")
"""As the page lists them."""


class CoverAds:
    """Answers the calls about the cover ad."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts
        self.actions: Actions = {
            (OPERATION_PATH, "agency_set_cover_adpos_status"): of_authorizer(self._switch),
            (OPERATION_PATH, "agency_get_cover_adpos_status"): of_authorizer(self._status),
            (OPERATION_PATH, "agency_set_cover_adpos_scene"): of_authorizer(self._set_scenes),
            (OPERATION_PATH, "agency_get_cover_adpos_scene"): of_authorizer(self._scenes),
        }

    def _switch(self, visit: Visit) -> Answer:
        account, now = self._accounts.publisher(visit), self._accounts.now()
        status = one_of(visit.payload, "status", (_ON, _OFF))
        if now < account.switched + _PAUSE:
            raise RefusedError(_TOO_SOON)
        if status == account.cover == _ON:
            raise RefusedError(_ON_ALREADY)
        account.cover, account.switched = status, now
        return visit.says()

    def _status(self, visit: Visit) -> Answer:
        account = self._accounts.publisher(visit)
        next_time = max(0, account.switched + _PAUSE)
        return visit.says({"next_open_time": int(next_time), "status": account.cover})

    def _set_scenes(self, visit: Visit) -> Answer:
        account, scenes = self._accounts.publisher(visit), text(visit.payload, "cover_scene_list")
        if not set(scenes.split(",")) <= set(_SCENES.split(",")):
            raise RefusedError(NOT_ALLOWED)
        account.scenes = scenes
        return visit.says()

    def _scenes(self, visit: Visit) -> Answer:
        return visit.says({"scene_list": self._accounts.publisher(visit).scenes or _SCENES})
