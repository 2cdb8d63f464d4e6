"""Cases about the machine and its environment.

Proxies, credentials and descriptors.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from wxrevenue.testing._server import JSON, unused_port
from wxrevenue.testing._suite import Suite
from wxrevenue.testing._transport_suite.case import TransportCase
from wxrevenue.testing._transport_suite.faults import echo_in_header
from wxrevenue.testing._transport_suite.scene import PASSWORD, check

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from wxrevenue.testing._transport_suite.scene import Scene

CASES: Final = Suite(TransportCase)


@contextmanager
def _environment(**variables: str) -> Generator[None]:
    """Let these be the variables about proxies, and no others."""
    before = dict(os.environ)
    for name in [name for name in os.environ if name.lower().endswith("_proxy") or name == "REQUEST_METHOD"]:
        del os.environ[name]
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


_USED: Final[Mapping[str, dict[str, str]]] = {
    "T-54: http_proxy": {"http_proxy": "http://PROXY"},
    "T-54: HTTP_PROXY": {"HTTP_PROXY": "http://PROXY/"},
    "T-54: a bare host and port": {"http_proxy": "PROXY"},
    "T-54: all_proxy": {"all_proxy": "http://PROXY"},
    "T-54: ALL_PROXY, bare": {"ALL_PROXY": "PROXY"},
    "T-54: the proxy of the scheme before that of all": {"all_proxy": "http://127.0.0.1:1", "http_proxy": "http://PROXY"},
    "T-54: a password": {"http_proxy": f"http://user:{PASSWORD}%40%2F@PROXY"},
    "T-54: no_proxy for others": {"http_proxy": "http://PROXY", "no_proxy": "::1,.example,27.0.0.1,10.0.0.0/8"},
}


async def _goes_through(scene: Scene, variables: dict[str, str]) -> None:
    proxy, server = await scene.serve(), await scene.serve()
    with _environment(**{name: value.replace("PROXY", f"127.0.0.1:{proxy.port}") for name, value in variables.items()}):
        await scene.send(server.url, transport=scene.transport())
        check(not proxy.requests, "no proxy is to be used unasked")
        await scene.send(server.url, transport=scene.transport(trust_env=True))
    check((len(proxy.requests), len(server.requests)) == (1, 1), "the proxy of the environment is to be used")
    check(proxy.requests[0].target.startswith(server.url), "a proxy is told the whole address")


CASES.each("a proxy that the environment names is used, if that is asked for", _USED, _goes_through, needs="trust_env")


_SPARED: Final[Mapping[str, dict[str, str]]] = {
    "T-54: a proxy for https alone": {"https_proxy": "http://127.0.0.1:1", "HTTPS_PROXY": "http://127.0.0.1:1"},
    "T-54: an empty variable": {"http_proxy": "", "HTTP_PROXY": ""},
    "T-54: no_proxy": {"http_proxy": "http://127.0.0.1:1", "no_proxy": "localhost, 127.0.0.1"},
    "T-54: NO_PROXY": {"all_proxy": "http://127.0.0.1:1", "NO_PROXY": "127.0.0.1"},
    "T-54: no_proxy for all": {"all_proxy": "socks5://127.0.0.1:1", "no_proxy": "*"},
    "T-54: no_proxy for a network": {"http_proxy": "http://127.0.0.1:1", "no_proxy": "127.0.0.0/8"},
}


async def _goes_directly(scene: Scene, variables: dict[str, str]) -> None:
    server = await scene.serve()
    with _environment(**variables):
        check((await scene.send(server.url, transport=scene.transport(trust_env=True))).body == JSON, "no proxy is meant for this host")


CASES.each("a host for which the environment names no proxy is reached directly", _SPARED, _goes_directly, needs="trust_env")


_UNUSABLE: Final[Mapping[str, dict[str, str]]] = {
    "T-54: socks": {"ALL_PROXY": f"socks://user:{PASSWORD}@127.0.0.1:7891"},
    "T-54: socks5": {"http_proxy": f"socks5://user:{PASSWORD}@127.0.0.1:7891"},
    "T-54: socks5h": {"all_proxy": "socks5h://127.0.0.1:7891"},
    "T-54: no port": {"http_proxy": f"http://user:{PASSWORD}@127.0.0.1:port"},
    "T-54: a port out of range": {"HTTP_PROXY": "http://127.0.0.1:70000"},
    "T-54: a password that is not percent-encoded": {"http_proxy": f"http://user:{PASSWORD}#@127.0.0.1:1"},
    "T-54: a password with a slash": {"http_proxy": f"http://user:1/{PASSWORD}@127.0.0.1:1"},
    "T-54: a path": {"http_proxy": "http://127.0.0.1:1/path"},
}


async def _is_unusable(scene: Scene, variables: dict[str, str]) -> None:
    server = await scene.serve()
    scene.transport()  # another one, that can show afterwards that it works
    with _environment(**variables):
        error = await scene.not_sent(server.url, reasons="proxy", transport=scene.transport(trust_env=True))
    check(not error.retryable, "a variable does not become right by being read again")
    check(all(name in str(error) for name in variables), f"the error must name the variable: {error}")
    check(server.connections == 0, "what is meant for a proxy must not be sent past it")


CASES.each("a variable that names no usable proxy is an error, never a direct connection", _UNUSABLE, _is_unusable, needs="trust_env")


@CASES(needs="trust_env")
async def proxy_of_the_environment_is_gone(scene: Scene) -> None:
    """T-54: where the environment's proxy cannot be reached, nothing was sent.

    The error names the variable.
    """
    server = await scene.serve()
    scene.transport()  # another one, that can show afterwards that it works
    with _environment(ALL_PROXY=f"http://user:{PASSWORD}@127.0.0.1:{unused_port()}"):
        error = await scene.not_sent(server.url, reasons="proxy", transport=scene.transport(trust_env=True))
    check("ALL_PROXY" in str(error), f"the error must name the variable: {error}")
    check(server.connections == 0, "what is meant for a proxy must not be sent past it")


@contextmanager
def _netrc() -> Generator[str]:
    """Make a folder with a ``.netrc`` in it that has a password for every host."""
    with TemporaryDirectory() as folder:
        file = Path(folder, ".netrc")
        file.touch(0o600)
        file.write_text(f"default login user password {PASSWORD}\n", encoding="ascii")
        yield folder


@CASES(needs="trust_env")
async def credentials_of_the_environment(scene: Scene) -> None:
    """T-55: passwords that a ``.netrc`` holds for a host are not sent to it.

    Of the environment only proxies are taken.
    """
    server = await scene.serve()
    with _netrc() as folder, _environment(NETRC=f"{folder}/.netrc", HOME=folder):
        await scene.send(server.url, transport=scene.transport(trust_env=True))
    check("authorization" not in server.requests[0].headers, "what a .netrc holds must not be sent")


@contextmanager
def _no_descriptors() -> Generator[None]:
    """Let this process open no file and no socket."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.dup(0)  # the lowest that is free: all below are taken (a limit of 0 would break poll() besides)
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@CASES()
async def no_descriptor_is_left(scene: Scene) -> None:
    """T-56: where the process may open no more sockets, nothing was sent.

    The error says so, and a repetition may help.
    """
    await scene.warm_up()
    server = await scene.serve()
    with _no_descriptors():
        error = await scene.not_sent(server.url, reasons="connect")
    check(error.retryable, "a descriptor may come free")
    check("EMFILE" in str(error), f"the error must name what is lacking: {error}")


@CASES()
async def headers_that_repeat_the_address(scene: Scene) -> None:
    """L-05: a server that repeats the address in a header puts no token in a log.

    That holds at the most talkative setting.
    """
    server = await scene.serve(echo_in_header)
    check((await scene.send(server.url)).status == 307, "the redirect itself is the answer")
