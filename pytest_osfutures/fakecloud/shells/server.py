"""The HTTP entry: a `FakeCloud` on a loopback port.

One event loop serves all connections, so a delayed response needs no thread.
"""

from __future__ import annotations

import asyncio
import re
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from email.utils import formatdate
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from pytest_osfutures.clock import ManualClock, ScaledClock
from pytest_osfutures.fakecloud.cloud import FakeCloud
from pytest_osfutures.fakecloud.kernel import (
    Request,
)
from pytest_osfutures.fakecloud.shells.guests import GuestPortsServer
from pytest_osfutures.fakecloud.shells.loopback import GuestNetwork

if TYPE_CHECKING:
    from aiohttp import web
    from multidict import CIMultiDictProxy

LOOPBACK = "127.0.0.1"
CONTROL, JSON = "/_osf", "application/json"
HTTP_PORT = 80  # of an address that names none
ADDRESS = re.compile(
    r"(\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<name>[0-9A-Za-z.]+))(:(?P<port>[0-9]{1,5}))?"
)
LARGEST_BODY = 4 * 1024**3
MANUAL_LOOK_SECONDS = 0.01  #: how often a delayed response reads a clock that the test advances


class MissingLibraryError(Exception):
    """aiohttp, which the HTTP server needs, is not installed."""


async def _pass(cloud: FakeCloud, seconds: float) -> None:
    """Wait until `seconds` have passed on the cloud's clock, without blocking a thread."""
    clock = cloud.clock
    if isinstance(clock, ManualClock):
        due = clock.now() + seconds
        while clock.now() < due:
            await asyncio.sleep(MANUAL_LOOK_SECONDS)
    elif isinstance(clock, ScaledClock):
        await asyncio.sleep(seconds / clock.speed)
    else:
        await asyncio.sleep(seconds)


def _rejection(
    method: str, path: str, headers: CIMultiDictProxy[str], port: int
) -> tuple[int, str] | None:
    """Return status and reason for a request that a web page may have sent; None for any other.

    A page can send requests to loopback, either under the page's own host name (DNS rebinding) or
    from the page's own origin; another port of this machine is a foreign origin too. A form or a
    text/plain body needs no permission from the server (no CORS preflight). Programs send neither
    Origin nor Sec-Fetch-Site.

    https://developer.mozilla.org/en-US/docs/Web/HTTP/Guides/CORS#simple_requests
    """
    host = ", ".join(headers.getall("Host", []))
    if not _is_own_address(host, port):
        return 403, f"Host: {host[:100]!r} is not this cloud: it is localhost:{port}"
    for origin in headers.getall("Origin", []):
        scheme, _, address = origin.partition("://")
        if scheme != "http" or not _is_own_address(address, port):
            return 403, f"Origin: {origin[:100]!r} is foreign: this cloud is for programs"
    for site in headers.getall("Sec-Fetch-Site", []):
        if site not in ("same-origin", "none"):
            return 403, f"a page elsewhere has sent this ({site[:100]!r}); this is for programs"
    media = headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if path.startswith(CONTROL) and method in ("POST", "PUT", "PATCH") and media != JSON:
        return 415, f"the control API takes Content-Type: {JSON}, not {media[:100]!r}"
    return None


def _is_own_address(address: str, port: int) -> bool:
    """Return True if the address names this machine's loopback and the server's own port."""
    parts = ADDRESS.fullmatch(address)
    if parts is None or int(parts["port"] or HTTP_PORT) != port:
        return False
    name = parts["v6"] or parts["name"].lower()
    try:
        return name == "localhost" or ip_address(name).is_loopback
    except ValueError:
        return False


async def _start(cloud: FakeCloud, port: int) -> tuple[web.AppRunner, str]:
    """Listen on `port` (0: a free port); return the runner to clean up and the URL.

    Raises OSError if the port is not free, MissingLibraryError without aiohttp.
    """
    try:
        from aiohttp import web
    except ImportError:
        raise MissingLibraryError(
            "the fake's HTTP server needs aiohttp: pip install 'pytest-osfutures[fake]'"
        ) from None

    async def answer(request: web.Request) -> web.StreamResponse:
        port = runner.addresses[0][1]
        why = _rejection(request.method, request.path, request.headers, port)
        if why is not None:
            return web.json_response({"error": why[1]}, status=why[0])
        try:
            body = await request.read()
        except (
            web.RequestPayloadError
        ) as error:  # invalid gzip, or a connection closed by the client
            return web.json_response({"error": str(error)}, status=400)
        url = f"http://{request.host}{request.raw_path}"
        response = cloud.handle(Request.to(request.method, url, dict(request.headers), body))
        if response.delay:
            await _pass(cloud, response.delay)
        if response.cut and request.transport is not None:
            request.transport.abort()
        headers = {"Date": formatdate(cloud.clock.time(), usegmt=True)} | response.headers
        return web.Response(status=response.status, body=response.encoded(), headers=headers)

    app = web.Application(client_max_size=LARGEST_BODY)
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5, handler_cancellation=True)
    await runner.setup()
    try:
        site = web.TCPSite(runner, LOOPBACK, port, backlog=1024)
        await site.start()
    except OSError:
        await runner.cleanup()
        raise
    return runner, f"http://{LOOPBACK}:{runner.addresses[0][1]}"


async def _start_all(
    cloud: FakeCloud, port: int, guests: GuestNetwork | None
) -> tuple[AsyncExitStack, str]:
    """Listen on `port`, and for the guests of the cloud; return all to close, and the URL."""
    stack = AsyncExitStack()
    runner, url = await _start(cloud, port)
    stack.push_async_callback(runner.cleanup)
    if guests is not None:
        guest_ports = GuestPortsServer(cloud, guests)
        stack.push_async_callback(guest_ports.close)
        guest_ports.start()
    return stack, url


async def serve(
    cloud: FakeCloud,
    port: int,
    ready: Callable[[str], None],
    guests: GuestNetwork | None = None,
) -> None:
    """Answer requests until SIGTERM or SIGINT.

    Args:
        cloud: the fake cloud.
        port: the TCP port on 127.0.0.1; 0 chooses a free port.
        ready: called with the server's URL as soon as requests are answered.
        guests: the loopback addresses of the guests; closed at the end.

    Raises:
        OSError: the port is not free.
        MissingLibraryError: aiohttp is not installed.
    """
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    stack, url = await _start_all(cloud, port, guests)
    async with stack:
        ready(url)
        await stop.wait()


@contextmanager
def running(cloud: FakeCloud, port: int = 0, guests: GuestNetwork | None = None) -> Iterator[str]:
    """Serve the cloud over HTTP from a thread of this process; yield the server's URL.

    Args:
        cloud: the fake cloud.
        port: the TCP port on 127.0.0.1; 0 chooses a free port.
        guests: the loopback addresses of the guests; closed at the end.

    Example:
        >>> from urllib.request import urlopen
        >>> from pytest_osfutures.fakecloud import FakeCloud
        >>> with running(FakeCloud()) as url:
        ...     urlopen(f"{url}/compute").status
        200
    """
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="fake-cloud", daemon=True)
    thread.start()

    def run(work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, loop).result()

    try:
        stack, url = run(_start_all(cloud, port, guests))
        try:
            yield url
        finally:
            run(stack.aclose())
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
