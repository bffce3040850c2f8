"""The ssh server of guests: keys of the guest, a handful of commands, jumps to other guests.

No command of a client reaches the machine's own shell: guests know a few words and nothing else.
"""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import asyncssh

if TYPE_CHECKING:
    from pytest_osfutures.fakecloud.cloud import FakeCloud
    from pytest_osfutures.fakecloud.shells.guests import Connections, Endpoint

KEY_TYPE = "ssh-ed25519"
VERSION = "OpenSSH_9.9"
LOGIN_SECONDS = 30.0
NOT_FOUND = 127  #: the exit status of shells for an unknown command
WAIT_SECONDS = 0.05  #: how often a waiting command looks at its guest, in real time


@dataclass(frozen=True)
class Session:
    """The surroundings of a command in a guest."""

    user: str
    hostname: str
    cloud_init: str = "done"  #: the status of cloud-init


#: Returns the output and the exit status of a command, from its arguments and its session.
Command = Callable[[Sequence[str], Session], tuple[str, int]]


def _id(_: Sequence[str], session: Session) -> tuple[str, int]:
    user = session.user
    return f"uid=1000({user}) gid=1000({user}) groups=1000({user})\n", 0


def _cloud_init(words: Sequence[str], session: Session) -> tuple[str, int]:
    if words[:1] != ["status"]:
        return "/usr/bin/cloud-init 24.4.1\n", 0
    return f"status: {session.cloud_init}\n", int(session.cloud_init == "error")


COMMANDS: dict[str, Command] = {
    "true": lambda *_: ("", 0),
    "false": lambda *_: ("", 1),
    ":": lambda *_: ("", 0),
    "echo": lambda words, _: (" ".join(words) + "\n", 0),
    "hostname": lambda _, session: (f"{session.hostname}\n", 0),
    "whoami": lambda _, session: (f"{session.user}\n", 0),
    "id": _id,
    "uname": lambda *_: ("Linux\n", 0),
    "uptime": lambda *_: (" up 0 min,  1 user,  load average: 0.00, 0.00, 0.00\n", 0),
    "cloud-init": _cloud_init,
    "exit": lambda words, _: ("", int(words[0]) & 255 if words and words[0].isdigit() else 0),
}


class SshService:
    """Serves ssh for the guests of a cloud.

    Args:
        cloud: the fake cloud.
        find: returns where the port of a guest listens, for jumps from guest to guest.
        connections: admits connections.
    """

    def __init__(
        self,
        cloud: FakeCloud,
        find: Callable[[str, int], tuple[str, int] | None],
        connections: Connections,
    ) -> None:
        self.cloud = cloud
        self.find = find
        self.connections = connections
        self._host_keys: dict[str, asyncssh.SSHKey] = {}

    async def listen(self, endpoint: Endpoint) -> SshListener:
        """Listen on the endpoint's address. Raises OSError."""
        listener = SshListener(self, endpoint)
        await listener.listen(self.host_key(endpoint.server_id))
        return listener

    def host_key(self, server_id: str) -> asyncssh.SSHKey:
        """Return the host key of a guest, which stays the same."""
        if server_id not in self._host_keys:
            self._host_keys[server_id] = asyncssh.generate_private_key(KEY_TYPE)
        return self._host_keys[server_id]


class SshListener:
    """The ssh port of one guest on one address, with its connections."""

    def __init__(self, service: SshService, endpoint: Endpoint) -> None:
        self.service = service
        self.endpoint = endpoint
        self.connections: set[asyncssh.SSHServerConnection] = set()
        self._acceptor: asyncssh.SSHAcceptor | None = None

    async def listen(self, host_key: asyncssh.SSHKey) -> None:
        """Listen. Raises OSError."""
        self._acceptor = await asyncssh.listen(
            self.endpoint.address,
            self.endpoint.port,
            server_factory=lambda: _Login(self),
            server_host_keys=[host_key],
            server_version=VERSION,
            process_factory=self._run,
            login_timeout=LOGIN_SECONDS,
            allow_scp=False,
            agent_forwarding=False,
        )

    def close(self) -> None:
        """Close the socket and cut all connections."""
        assert self._acceptor is not None
        self._acceptor.close()
        for connection in list(self.connections):
            connection.abort()

    async def _run(self, process: asyncssh.SSHServerProcess[str]) -> None:
        """Run the command of a client, or an interactive shell without one."""
        user, hostname = str(process.get_extra_info("username")), self.endpoint.hostname
        if process.command is not None:
            output, error, status = await self._result(process, process.command)
            process.stdout.write(output)
            process.stderr.write(error)
            process.exit(status)
            return
        status = 0
        prompt = f"{user}@{hostname}:~$ "
        process.stdout.write(prompt)
        with suppress(asyncssh.BreakReceived, asyncssh.TerminalSizeChanged):
            async for line in process.stdin:
                output, error, status = await self._result(process, line)
                process.stdout.write(output)
                process.stderr.write(error)
                if line.split()[:1] in (["exit"], ["logout"]):
                    break
                process.stdout.write(prompt)
        process.exit(status)

    async def _result(
        self, process: asyncssh.SSHServerProcess[str], line: str
    ) -> tuple[str, str, int]:
        """Return the result of a command, which may wait for cloud-init."""
        server_id, status = self.endpoint.server_id, self.service.cloud.cloud_init_status
        while "--wait" in line.split() and status(server_id) == "running":
            if process.is_closing():
                break
            await asyncio.sleep(WAIT_SECONDS)
        user = str(process.get_extra_info("username"))
        return run(line, Session(user, self.endpoint.hostname, status(server_id)))


class _Login(asyncssh.SSHServer):
    """Decide on one login by the keys of the guest; any user name will do."""

    def __init__(self, listener: SshListener) -> None:
        self._listener = listener
        self._connection: asyncssh.SSHServerConnection | None = None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        self._listener.connections.add(conn)
        if not self._listener.service.connections.admit(conn):
            conn.abort()

    def connection_lost(self, _: Exception | None) -> None:
        if self._connection is not None:
            self._listener.service.connections.release(self._connection)
            self._listener.connections.discard(self._connection)

    def begin_auth(self, _: str) -> bool:
        return True

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, _: str, key: asyncssh.SSHKey) -> bool:
        accepted = self._listener.service.cloud.accepted_keys(self._listener.endpoint.server_id)
        return any(_same(text, key) for text in accepted)

    def connection_requested(
        self, dest_host: str, dest_port: int, *_: object
    ) -> Awaitable[Any] | bool:
        """Let the guest be a jump host to other guests, and to nothing else."""
        place = self._listener.service.find(dest_host, dest_port)
        if place is None or self._connection is None:
            return False
        forwarded: Awaitable[Any] = self._connection.forward_connection(*place)
        return forwarded


def run(line: str, session: Session) -> tuple[str, str, int]:
    """Return output, error output and exit status of a command line in a guest.

    Example:
        >>> run("echo hello", Session("cirros", "web"))
        ('hello\\n', '', 0)
        >>> run("reboot", Session("cirros", "web"))
        ('', 'sh: reboot: not found\\n', 127)
    """
    try:
        words = shlex.split(line)
    except ValueError as error:
        return "", f"sh: {error}\n", 2
    if words[:1] == ["sudo"]:
        session, words = replace(session, user="root"), words[1:]
    if not words:
        return "", "", 0
    if words == ["cat", "/etc/hostname"]:
        words = ["hostname"]
    command = COMMANDS.get(words[0])
    if command is None:
        return "", f"sh: {words[0]}: not found\n", NOT_FOUND
    output, status = command(words[1:], session)
    return output, "", status


def _same(text: str, key: asyncssh.SSHKey) -> bool:
    try:
        return bool(asyncssh.import_public_key(text).public_data == key.public_data)
    except (asyncssh.KeyImportError, ValueError):
        return False
