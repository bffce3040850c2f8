"""The ports of guests on loopback addresses: they open when a guest is up, and close with it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from pytest_osfutures.fakecloud.cloud import FakeCloud
from pytest_osfutures.fakecloud.services.compute import Guest
from pytest_osfutures.fakecloud.shells.loopback import GuestNetwork

_log = logging.getLogger("osfutures.fake")
LOOK_SECONDS = 0.05  #: how often guests are looked at, in real time
MOST_LISTENERS = 256  #: the greatest number of open ports of all guests
MOST_CONNECTIONS = 256  #: the greatest number of connections to all guests
LONGEST_HEAD = 65536  #: bytes after which a request of HTTP is answered in any case
NO_LOGINS = (
    "guests accept connections on their ssh port and no logins: these need asyncssh, "
    "pip install 'pytest-osfutures[ssh]'"
)


@dataclass(frozen=True)
class Endpoint:
    """A port of a guest on one address, as it has to be served."""

    server_id: str
    hostname: str
    service: str  #: "ssh" or "http"
    address: str
    port: int
    answers: bool  #: False if connections are accepted and nothing is said


class Listener(Protocol):
    """The listening socket of an endpoint, with its connections."""

    def close(self) -> None:
        """Close the socket and cut all connections."""


class Connections:
    """The connections to all guests, of which there are at most `MOST_CONNECTIONS`."""

    def __init__(self) -> None:
        self._open: set[object] = set()

    def admit(self, connection: object) -> bool:
        """Count a new connection; return False if there are too many."""
        if len(self._open) >= MOST_CONNECTIONS:
            return False
        self._open.add(connection)
        return True

    def release(self, connection: object) -> None:
        """Forget a connection that has ended."""
        self._open.discard(connection)


class PlainListener:
    """The port of a guest whose service says one text: at once, or to a request of HTTP.

    Args:
        connections: admits connections.
        greeting: said at once; the connection ends with the first words of the client.
        page: the text of each page; None for a port that speaks no HTTP.
    """

    def __init__(
        self, connections: Connections, greeting: bytes = b"", page: str | None = None
    ) -> None:
        self.connections = connections
        self.greeting = greeting
        self.page = page
        self.transports: set[asyncio.Transport] = set()
        self._server: asyncio.Server | None = None

    async def listen(self, address: str, port: int) -> PlainListener:
        """Listen, and return this listener. Raises OSError."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _PlainProtocol(self), address, port)
        return self

    def close(self) -> None:
        """Close the socket and cut all connections."""
        assert self._server is not None
        self._server.close()
        for transport in list(self.transports):
            transport.abort()


class _PlainProtocol(asyncio.Protocol):
    """One connection to a plain listener."""

    def __init__(self, listener: PlainListener) -> None:
        self._listener = listener
        self._transport: asyncio.Transport | None = None
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._listener.transports.add(transport)
        if not self._listener.connections.admit(self):
            transport.abort()
        elif self._listener.greeting:
            transport.write(self._listener.greeting)

    def connection_lost(self, _: Exception | None) -> None:
        self._listener.connections.release(self)
        if self._transport is not None:
            self._listener.transports.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        assert self._transport is not None
        if self._listener.greeting:
            self._transport.close()
        elif self._listener.page is not None:
            self._received = (self._received + data)[-LONGEST_HEAD:]
            if b"\r\n\r\n" in self._received or len(self._received) == LONGEST_HEAD:
                self._transport.write(_page(self._listener.page))
                self._transport.close()


def _page(text: str) -> bytes:
    """Return a response of HTTP, which ends the connection."""
    body = text.encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}"
    return f"{head}\r\nConnection: close\r\n\r\n".encode() + body


class GuestPortsServer:
    """Serves the ports of all guests of a cloud.

    Args:
        cloud: the fake cloud, made with the `cidrs` of the network.
        network: the loopback addresses of the cloud.
    """

    def __init__(self, cloud: FakeCloud, network: GuestNetwork) -> None:
        self._cloud = cloud
        self._network = network
        self._listeners: dict[Endpoint, Listener] = {}
        self._hidden: dict[str, str] = {}
        self._refused: set[Endpoint] = set()
        self._connections = Connections()
        self._ssh = self._ssh_service()
        self._task: asyncio.Task[None] | None = None

    def _ssh_service(self) -> Callable[[Endpoint], Awaitable[Listener]]:
        try:
            from pytest_osfutures.fakecloud.shells.guest_ssh import SshService
        except ImportError:
            _log.warning(NO_LOGINS)
            return self._greet
        return SshService(self._cloud, self.find, self._connections).listen

    def start(self) -> None:
        """Begin to look at the guests."""
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Close all ports and release the network."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        for listener in self._listeners.values():
            listener.close()
        self._listeners.clear()
        self._network.close()

    def find(self, address: str, port: int) -> tuple[str, int] | None:
        """Return where a guest's port listens, by any address of the guest; None if it is closed.

        Guests reach each other by all their addresses, also those that loopback does not route.
        """
        for guest in self._cloud.guests():
            if address in (*guest.addresses, self._hidden.get(guest.server_id)):
                for endpoint in self._endpoints_of(guest):
                    if endpoint.port == port and endpoint in self._listeners:
                        return endpoint.address, port
        return None

    async def _run(self) -> None:
        while True:
            await self.update()
            await asyncio.sleep(LOOK_SECONDS)

    async def update(self) -> None:
        """Close the ports of guests that are down, and open those of guests that are up."""
        wanted = [each for guest in self._cloud.guests() for each in self._endpoints_of(guest)]
        for endpoint in self._listeners.keys() - set(wanted):
            self._listeners.pop(endpoint).close()
        self._refused &= set(wanted)
        for endpoint in wanted:
            if endpoint not in self._listeners and endpoint not in self._refused:
                await self._open(endpoint)

    def _endpoints_of(self, guest: Guest) -> list[Endpoint]:
        """Return the endpoints of a guest; without a loopback address it gets a hidden one."""
        addresses = self._network.own(guest.addresses)
        if not addresses:
            index = len(self._hidden) % 2**14
            addresses = [self._hidden.setdefault(guest.server_id, self._network.address(index))]
        ports = self._network.ports._asdict()
        return [
            Endpoint(guest.server_id, guest.hostname, name, address, ports[name], each.answers)
            for name, each in guest.ports.items()
            for address in addresses
        ]

    async def _open(self, endpoint: Endpoint) -> None:
        try:
            if len(self._listeners) >= MOST_LISTENERS:
                raise OSError(f"guests have at most {MOST_LISTENERS} open ports")  # noqa: TRY301
            self._listeners[endpoint] = await self._listen(endpoint)
        except OSError as error:
            where = f"{endpoint.address}:{endpoint.port} of {endpoint.hostname}"
            _log.warning("%s stays closed: %s", where, error)
            self._refused.add(endpoint)

    def _listen(self, endpoint: Endpoint) -> Awaitable[Listener]:
        if endpoint.answers and endpoint.service == "ssh":
            return self._ssh(endpoint)
        page = f"{endpoint.hostname}\n" if endpoint.answers else None
        listener = PlainListener(self._connections, page=page)
        return listener.listen(endpoint.address, endpoint.port)

    def _greet(self, endpoint: Endpoint) -> Awaitable[Listener]:
        """Serve ssh without its library: no login, but a banner."""
        listener = PlainListener(self._connections, greeting=b"SSH-2.0-osfutures\r\n")
        return listener.listen(endpoint.address, endpoint.port)
