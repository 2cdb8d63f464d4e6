"""The server that takes WeChat's tickets and authorizations, in aiohttp.web.

Set WXREVENUE_COMPONENT_APPID, WXREVENUE_TICKET_FILE, and the two values of the console's page
"development settings": PUSH_TOKEN and PUSH_AES_KEY (EncodingAESKey). Then:
python push_receiver.py 8080. Enter https://your.host/wechat/push in the console.
"""

from __future__ import annotations

import os
import sys

from aiohttp import web

from wxrevenue import FileTicketStore, TicketReceiver, WxRevenueError
from wxrevenue.push import aiohttp_handler


def setting(name: str) -> str:
    """Return an environment variable; without it the program ends."""
    return os.environ.get(name) or sys.exit(f"set the environment variable {name}")


def application() -> web.Application:
    """Return the server."""
    receiver = TicketReceiver(setting("WXREVENUE_COMPONENT_APPID"), setting("PUSH_TOKEN"), setting("PUSH_AES_KEY"))
    tickets = FileTicketStore(setting("WXREVENUE_TICKET_FILE"))  # RevenueClient.from_env reads it
    site = web.Application()
    site.router.add_post("/wechat/push{slash:/?}", aiohttp_handler(receiver, tickets, on_push=print))
    return site


if __name__ == "__main__":
    try:
        site = application()
    except WxRevenueError as error:
        sys.exit(f"{error}")
    web.run_app(site, host="127.0.0.1", port=int(sys.argv[1]) if len(sys.argv) > 1 else 8080)
