"""The network as probes use it: connections, by way of a jump host where one is given. asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from pytest_osfutures.ready.jump import Jump
from pytest_osfutures.ready.keys import PrivateKey, asyncssh
from pytest_osfutures.ready.outcome import words

__tracebackhide__ = True  # pytest: an error belongs to the line of the test

#: Seconds that a connection to a jump host may take.
JUMP_TIMEOUT = 10.0


class JumpHostError(OSError):
    """The jump host cannot be reached or refuses the login."""


class Network:
    """Opens connections in one event loop; connections to jump hosts are shared and kept."""

    def __init__(self) -> None:
        self._jumps: dict[Jump, Any] = {}
        self._locks: dict[Jump, asyncio.Lock] = {}

    async def open(
        self, host: str, port: int, via: Jump | None = None, **more: Any
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Open a TCP connection and return its streams; `more` is for `open_connection`."""
        if via is None:
            return await asyncio.open_connection(host, port, **more)
        jump = await self.jump(via)
        if "ssl" in more:  # asyncio speaks TLS over sockets only
            forwarded = await jump.forward_local_port("127.0.0.1", 0, host, port)
            try:
                return await asyncio.open_connection("127.0.0.1", forwarded.get_port(), **more)
            finally:
                forwarded.close()  # the accepted connection stays
        try:
            reader, writer = await jump.open_connection(host, port)
        except asyncssh().ChannelOpenError as error:
            raise ConnectionError(f"{via} cannot reach it: {error.reason or error}") from None
        return reader, writer

    @asynccontextmanager
    async def connect(
        self, host: str, port: int, user: str, key: PrivateKey, via: Jump | None = None
    ) -> AsyncIterator[Any]:
        """Log in by ssh and yield asyncssh's connection."""
        library = asyncssh()
        tunnel = None if via is None else await self.jump(via, [key])
        options = _options(user, [key.value])
        async with library.connect(host, port, tunnel=tunnel or (), **options) as connection:
            yield connection

    async def jump(self, via: Jump, more: Sequence[PrivateKey] = ()) -> Any:
        """Return the connection to a jump host. `more` are keys to try beside the jump host's own.

        Raises:
            JumpHostError: The jump host cannot be reached, or refuses the login.
        """
        async with self._locks.setdefault(via, asyncio.Lock()):
            if via not in self._jumps:
                self._jumps[via] = await self._connect(via, more)
            return self._jumps[via]

    async def _connect(self, via: Jump, more: Sequence[PrivateKey]) -> Any:
        library, jumps = asyncssh(), self._jumps

        class Client(library.SSHClient):  # type: ignore[misc, name-defined]
            def connection_lost(self, error: Exception | None) -> None:
                del error
                jumps.pop(via, None)

        if via.key is not None:
            options = _options(via.user, [via.key.value])
        else:  # as the command ssh would log in, and with the keys that the condition has
            own = (
                library.load_default_keypairs() if hasattr(library, "load_default_keypairs") else []
            )
            keys = [*[each.value for each in more], *own]
            options = _options(via.user, keys)
            options.pop("agent_path")
            if not keys:
                options.pop("client_keys")
        try:
            async with asyncio.timeout(JUMP_TIMEOUT):
                return await library.connect(via.host, via.port, client_factory=Client, **options)
        except TimeoutError:
            raise JumpHostError(f"the jump host {via} does not answer") from None
        except (OSError, library.Error) as error:
            why = words(error) if isinstance(error, OSError) else getattr(error, "reason", error)
            raise JumpHostError(f"the jump host {via} cannot be used: {why}") from None


def _default_keys(library: Any) -> list[Any]:
    """Return the private keys in `~/.ssh` that OpenSSH would use and that have no passphrase."""
    found = []
    for kind in ("ed25519", "ecdsa", "rsa"):
        try:
            found.append(library.read_private_key(Path.home() / ".ssh" / f"id_{kind}"))
        except (OSError, library.KeyImportError, library.KeyEncryptionError):
            continue
    return found


def _options(user: str, keys: Sequence[Any]) -> dict[str, Any]:
    """Return options that leave the user's own configuration out.

    New servers have new host keys at old addresses, so no host key is known.
    """
    return {
        "username": user,
        "client_keys": list(keys),
        "known_hosts": None,
        "config": None,
        "agent_path": None,
        "preferred_auth": "publickey",
    }
