"""The conditions under which a server is usable: values, and how each is tried once."""

from __future__ import annotations

import asyncio
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from pytest_osfutures.ready import icmp
from pytest_osfutures.ready.addresses import Address, Reach
from pytest_osfutures.ready.keys import PrivateKey, asyncssh
from pytest_osfutures.ready.network import Network
from pytest_osfutures.ready.outcome import Met, Never, NotYet, Outcome, words

__tracebackhide__ = True  # pytest: an error belongs to the line of the test

#: Bytes of a line of an HTTP answer that are read.
_LINE = 4096
#: The HTTP statuses of success, of a guest's own server.
_SUCCESS = range(200, 300)


@dataclass(frozen=True)
class Condition(ABC):
    """A condition that a server meets once the server is usable."""

    #: The condition as the user wrote it, for messages.
    text: str

    def __repr__(self) -> str:
        return self.text


@dataclass(frozen=True, repr=False)
class NetworkCondition(Condition):
    """A condition that is tried over the network."""

    #: Seconds that one try may take.
    patience: ClassVar[float] = 5.0

    #: The address that is used.
    reach: Reach

    def check(self) -> None:
        """Raise InvalidArgument if this machine cannot try the condition."""

    @abstractmethod
    async def attempt(self, network: Network, address: Address) -> Outcome:
        """Try once; may raise OSError, which counts as not yet."""

    async def probe(self, network: Network, address: Address) -> Outcome:
        """Try once, for `patience` seconds at most. Never raises."""
        try:
            async with asyncio.timeout(self.patience):
                return await self.attempt(network, address)
        except TimeoutError:
            return NotYet(f"no answer within {self.patience:g} s")
        except Exception as error:
            return NotYet(words(error))


@dataclass(frozen=True, repr=False)
class Tcp(NetworkCondition):
    """A port accepts connections."""

    port: int

    async def attempt(self, network: Network, address: Address) -> Outcome:
        _, writer = await network.open(address.ip, self.port, self.reach.via)
        writer.close()
        return Met()


@dataclass(frozen=True, repr=False)
class Ping(NetworkCondition):
    """The server answers echo requests."""

    def check(self) -> None:
        icmp.means(self.reach.version or 4)

    async def attempt(self, network: Network, address: Address) -> Outcome:
        del network
        return Met() if await icmp.ping(address.ip) else NotYet("no reply")


@dataclass(frozen=True, repr=False)
class Http(NetworkCondition):
    """A URL is answered with a status of success."""

    scheme: str
    port: int
    #: Path and query.
    target: str
    #: The wanted status; None for any from 200 to 299.
    status: int | None
    verify: bool

    async def attempt(self, network: Network, address: Address) -> Outcome:
        more = {} if self.scheme == "http" else {"ssl": self._tls(), "server_hostname": address.ip}
        reader, writer = await network.open(address.ip, self.port, self.reach.via, **more)
        try:
            host = f"[{address.ip}]" if ":" in address.ip else address.ip
            head = f"GET {self.target} HTTP/1.1\r\nHost: {host}:{self.port}\r\n"
            writer.write(f"{head}Accept: */*\r\nConnection: close\r\n\r\n".encode())
            line = await reader.read(_LINE)
        finally:
            writer.close()
        return self.judged(line)

    def judged(self, line: bytes) -> Outcome:
        """Judge the beginning of an answer."""
        found = re.match(rb"HTTP/\d(?:\.\d)? (\d{3})\b", line)
        if found is None:
            return NotYet("no HTTP answer" if line else "the connection was closed")
        status = int(found[1])
        met = status == self.status if self.status is not None else status in _SUCCESS
        return Met() if met else NotYet(f"HTTP status {status}")

    def _tls(self) -> Any:
        import ssl

        if self.verify:
            return ssl.create_default_context()
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context


@dataclass(frozen=True, repr=False)
class Ssh(NetworkCondition):
    """A user can log in with a key, and a command succeeds."""

    patience: ClassVar[float] = 20.0

    user: str
    key: PrivateKey = field(compare=False)
    port: int = 22
    command: str = "true"

    async def attempt(self, network: Network, address: Address) -> Outcome:
        library, via = asyncssh(), self.reach.via
        try:
            login = network.connect(address.ip, self.port, self.user, self.key, via)
            async with login as connection:
                done = await connection.run(self.command, check=False, stdin=library.DEVNULL)
        except library.PermissionDenied:
            return NotYet(f"the guest refuses user {self.user!r} with the key")
        except library.Error as error:
            return NotYet(str(error.reason or type(error).__name__))
        return self.judge(done.exit_status, str(done.stdout), str(done.stderr))

    def judge(self, exit_code: int | None, output: str, errors: str) -> Outcome:
        """Judge the result of the command."""
        if exit_code == 0:
            return Met()
        said = " ".join((errors or output).split())[:200]
        return NotYet(f"{self.command!r} exits with {exit_code}{f': {said}' if said else ''}")


@dataclass(frozen=True, repr=False)
class CloudInitStatus(Ssh):
    """The command `cloud-init status` says that cloud-init is done.

    https://docs.cloud-init.io/en/latest/reference/cli.html#status
    """

    command: str = "cloud-init status"

    def judge(self, exit_code: int | None, output: str, errors: str) -> Outcome:
        found = re.search(r"^status:\s*(.+?)\s*$", output, re.MULTILINE)
        if found is None:
            if exit_code != 0:
                return super().judge(exit_code, output, errors)
            return NotYet(f"{self.command!r} says no status: {' '.join(output.split())[:200]}")
        if found[1] == "done":
            return Met()
        said = f"cloud-init's status is {found[1]}"
        return Never(said) if found[1] in ("error", "disabled") else NotYet(said)


@dataclass(frozen=True, repr=False)
class Console(Condition):
    """The console shows a text."""

    pattern: re.Pattern[str]

    def judge(self, output: str) -> Outcome:
        """Judge the console's text."""
        if self.pattern.search(output):
            return Met()
        return NotYet("the console does not show it" if output.strip() else "the console is empty")


@dataclass(frozen=True, repr=False)
class Function(Condition):
    """A function of the server returns a true value."""

    function: Callable[[Any], object]

    def call(self, server: Any) -> Outcome:
        """Call the function, which may block. Exceptions that end a test pass through."""
        try:
            value = self.function(server)
            if asyncio.iscoroutine(value):
                value = asyncio.run(value)
        except Exception as error:
            return NotYet(f"{type(error).__name__}: {error}".rstrip(": "))
        return Met() if value else NotYet(f"it returned {value!r:.200}")


@dataclass(frozen=True, repr=False)
class All(Condition):
    """Several conditions, tried one after another."""

    parts: Sequence[Condition]


def parts_of(condition: Condition) -> list[Condition]:
    """Return the single conditions of a condition, in order."""
    if isinstance(condition, All):
        return [single for part in condition.parts for single in parts_of(part)]
    return [condition]
