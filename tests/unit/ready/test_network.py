"""Conditions against real servers on loopback, in the one thread for all sockets."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from pytest_osfutures import ready
from pytest_osfutures.errors import InvalidArgument
from pytest_osfutures.ready import icmp
from pytest_osfutures.ready.addresses import Address
from pytest_osfutures.ready.conditions import NetworkCondition
from pytest_osfutures.ready.outcome import Met, NotYet, Outcome
from pytest_osfutures.ready.thread import NetworkThread, default_thread

HERE = Address("127.0.0.1", "fixed")


def attempt(condition: Any, address: Address = HERE) -> Outcome:
    """Try a condition once, in the thread of this process."""
    assert isinstance(condition, NetworkCondition)
    thread = default_thread()
    return thread.run(condition.probe(thread.network, address))


@pytest.fixture
def free_port() -> int:
    """Return a port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@contextlib.contextmanager
def serving(
    answer: bytes, tls: ssl.SSLContext | None = None, ends: bytes = b"\r\n\r\n"
) -> Iterator[int]:
    """Yield the port of a server that sends `answer` after a request that ends with `ends`."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await reader.readuntil(ends)
            writer.write(answer)
        writer.close()

    thread = NetworkThread()
    server = thread.run(asyncio.start_server(talk, "127.0.0.1", 0, ssl=tls))
    yield server.sockets[0].getsockname()[1]

    async def stop() -> None:
        server.close()

    thread.run(stop())


def test_a_port_that_accepts_connections(free_port: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert attempt(ready.tcp(server.getsockname()[1])) == Met()
    assert attempt(ready.tcp(free_port)) == NotYet("connection refused")


def test_an_address_of_a_network_that_this_machine_cannot_reach() -> None:
    outcome = attempt(ready.tcp(22), Address("255.255.255.255", "fixed"))
    assert isinstance(outcome, NotYet)
    assert "unreachable" in outcome.why or "denied" in outcome.why


def test_an_http_server_answers(free_port: int) -> None:
    with serving(b"HTTP/1.1 200 OK\r\n\r\nhello") as port:
        assert attempt(ready.http(f":{port}/")) == Met()
        assert (
            attempt(ready.http(f"http://127.0.0.1:{port}/"), Address("127.0.0.1", "given")) == Met()
        )
    with serving(b"HTTP/1.1 503 Busy\r\n\r\n") as port:
        assert attempt(ready.http(f":{port}/")) == NotYet("HTTP status 503")
    with serving(b"") as port:
        assert attempt(ready.http(f":{port}/")) == NotYet("the connection was closed")
    assert attempt(ready.http(f":{free_port}/")) == NotYet("connection refused")


def test_a_certificate_counts_unless_the_user_says_otherwise(tmp_path: Path) -> None:
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(_certificate(tmp_path))
    with serving(b"HTTP/1.1 200 OK\r\n\r\n", tls) as port:
        url = f"https://{{address}}:{port}/"
        assert attempt(ready.http(url, verify=False)) == Met()
        refused = attempt(ready.http(url))
    assert isinstance(refused, NotYet)
    assert "certificate" in refused.why


def test_a_server_that_says_nothing_is_given_up_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(NetworkCondition, "patience", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as server:
        outcome = attempt(ready.http(f":{server.getsockname()[1]}/"))
    assert outcome == NotYet("no answer within 0.05 s")


def test_many_tries_hang_in_one_thread() -> None:
    thread = NetworkThread()
    with socket.create_server(("127.0.0.1", 0), backlog=100) as server:
        condition: Any = ready.http(f":{server.getsockname()[1]}/")
        before = set(threading.enumerate())
        probes = [thread.start(condition.probe(thread.network, HERE)) for _ in range(50)]
        names = [each.name for each in set(threading.enumerate()) - before]
        assert names == ["osfutures-network"]
        for probe in probes:
            probe.cancel()
    assert all(probe.cancelled() for probe in probes)


def test_a_ping_of_this_machine() -> None:
    try:
        icmp.means(4)
    except InvalidArgument as error:
        pytest.skip(str(error))
    assert attempt(ready.ping()) == Met()


def test_without_any_way_to_ping_one_sentence_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr("pytest_osfutures.ready.icmp.socket.socket", refuse)
    monkeypatch.setattr("pytest_osfutures.ready.icmp.shutil.which", lambda _: None)
    with pytest.raises(InvalidArgument, match=r"ping\(\) is not possible here: the system allows"):
        icmp.means.__wrapped__(4)


def test_the_command_ping_is_the_last_resort(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    command = tmp_path / "ping"
    command.write_text('#!/bin/sh\nfor word; do :; done\n[ "$word" = 127.0.0.1 ]\n')
    command.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr(icmp, "means", lambda _: "ping")
    assert attempt(ready.ping()) == Met()
    assert attempt(ready.ping(), Address("127.0.0.2", "fixed")) == NotYet("no reply")


# ssh


@pytest.fixture(scope="module")
def library() -> Any:
    return pytest.importorskip("asyncssh", reason="the extra `ssh`")


@asynccontextmanager
async def ssh_server(library: Any, key: Any) -> AsyncIterator[int]:
    """Yield the port of a server that lets `guest` in with a key, and forwards connections."""

    class Server(library.SSHServer):  # type: ignore[misc]
        def begin_auth(self, user: str) -> bool:
            return True

        def public_key_auth_supported(self) -> bool:
            return True

        def validate_public_key(self, user: str, offered: Any) -> bool:
            return user == "guest" and bool(offered == key.convert_to_public())

        def connection_requested(self, *_: object) -> bool:
            return True

    async def run(process: Any) -> None:
        if process.command == "cloud-init status":
            process.stdout.write("status: running\n")
        process.exit(0 if process.command in ("true", "cloud-init status") else 3)

    host_keys = [library.generate_private_key("ssh-ed25519")]
    server = await library.create_server(
        Server, "127.0.0.1", 0, server_host_keys=host_keys, process_factory=run
    )
    yield server.get_port()
    server.close()


@pytest.fixture(scope="module")
def guest(library: Any) -> Iterator[tuple[int, str]]:
    """Yield the port of an ssh server, and the text of the key that it accepts."""
    thread, key = NetworkThread(), library.generate_private_key("ssh-ed25519")
    server = ssh_server(library, key)
    yield thread.run(server.__aenter__()), key.export_private_key().decode()
    thread.run(server.__aexit__(None, None, None))


def test_a_login_by_ssh(guest: tuple[int, str], library: Any, free_port: int) -> None:
    port, key = guest
    other = library.generate_private_key("ssh-ed25519").export_private_key()
    assert attempt(ready.ssh("guest", key, port=port)) == Met()
    refused = "the guest refuses user 'root' with the key"
    assert attempt(ready.ssh("root", key, port=port)) == NotYet(refused)
    refused = "the guest refuses user 'guest' with the key"
    assert attempt(ready.ssh("guest", other, port=port)) == NotYet(refused)
    failing = ready.ssh("guest", key, port=port, command="systemctl is-active web")
    assert attempt(failing) == NotYet("'systemctl is-active web' exits with 3")
    assert attempt(ready.ssh("guest", key, port=free_port)) == NotYet("connection refused")
    status = "cloud-init's status is running"
    assert attempt(ready.cloud_init("guest", key, port=port)) == NotYet(status)


def test_a_port_without_an_ssh_server_refuses_in_words(guest: tuple[int, str]) -> None:
    with serving(b"HTTP/1.1 400 Bad Request\r\n\r\n", ends=b"\n") as port:
        assert attempt(ready.ssh("guest", guest[1], port=port)) == NotYet("Connection lost")


def test_a_jump_host_carries_all_but_ping(guest: tuple[int, str], free_port: int) -> None:
    port, key = guest
    via = ready.jump("127.0.0.1", "guest", key, port=port)
    with serving(b"HTTP/1.1 200 OK\r\n\r\n") as web:
        assert attempt(ready.tcp(web, via=via)) == Met()
        assert attempt(ready.http(f":{web}/", via=via)) == Met()
    assert attempt(ready.ssh("guest", key, port=port, via=via)) == Met()
    assert attempt(ready.ssh("guest", key, port=port, via=f"guest@127.0.0.1:{port}")) == Met()
    refused = attempt(ready.tcp(free_port, via=via))
    assert isinstance(refused, NotYet)
    assert refused.why.startswith(f"guest@127.0.0.1:{port} cannot reach it")


def test_https_by_way_of_a_jump_host(guest: tuple[int, str], tmp_path: Path) -> None:
    via = ready.jump("127.0.0.1", "guest", guest[1], port=guest[0])
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(_certificate(tmp_path))
    with serving(b"HTTP/1.1 200 OK\r\n\r\n", tls) as port:
        url = f"https://{{address}}:{port}/"
        assert attempt(ready.http(url, verify=False, via=via)) == Met()


def test_a_jump_host_is_checked_before_a_server_is_made(
    guest: tuple[int, str], free_port: int
) -> None:
    port, key = guest
    ready.check(ready.tcp(22, via=ready.jump("127.0.0.1", "guest", key, port=port)))
    with pytest.raises(InvalidArgument) as raised:
        ready.check(ready.tcp(22, via=f"ops@127.0.0.1:{free_port}"))
    host = f"ops@127.0.0.1:{free_port}"
    assert str(raised.value) == (
        f"via='{host}': the jump host {host} cannot be used: connection refused"
    )
    with pytest.raises(InvalidArgument, match="cannot be used: Permission denied for user ops"):
        ready.check(ready.tcp(22, via=ready.jump("127.0.0.1", "ops", key, port=port)))


def test_a_jump_host_that_was_lost_is_connected_again(guest: tuple[int, str]) -> None:
    port, key = guest
    via = ready.jump("127.0.0.1", "guest", key, port=port)
    thread = NetworkThread()

    async def lose() -> None:
        connection = await thread.network.jump(via)
        assert await thread.network.jump(via) is connection
        connection.abort()
        await connection.wait_closed()
        assert await thread.network.jump(via) is not connection

    thread.run(lose())


def _certificate(folder: Path) -> Path:
    """Write a self-signed certificate with its key, and return the file."""
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "guest")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    plain = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path = folder / "guest.pem"
    path.write_bytes(plain + certificate.public_bytes(serialization.Encoding.PEM))
    return path
