"""Guests on loopback addresses: ports that open and close with the guest, ssh, limits."""

from __future__ import annotations

import asyncio
import base64
import builtins
import errno
import logging
import os
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any
from urllib.request import urlopen

import pytest

from pytest_osfutures.clock import ManualClock
from pytest_osfutures.fakecloud import FakeCloud, Fault
from pytest_osfutures.fakecloud.shells import guests, loopback
from pytest_osfutures.fakecloud.shells.loopback import (
    GuestNetwork,
    GuestPorts,
    GuestsUnavailableError,
)
from pytest_osfutures.fakecloud.shells.server import running
from tests.fakecloud.api_client import ApiClient

asyncssh = pytest.importorskip("asyncssh", reason="the extra `ssh`")
guest_ssh = pytest.importorskip("pytest_osfutures.fakecloud.shells.guest_ssh")

PORTS = GuestPorts(ssh=2222, http=8080)
PATIENCE = 10.0  #: seconds of real time in which a port follows its guest
KEY = asyncssh.generate_private_key("ssh-ed25519")
PUBLIC_KEY = KEY.export_public_key().decode().strip()
OTHER_KEY = asyncssh.generate_private_key("ssh-ed25519")


@pytest.fixture
def network() -> Iterator[GuestNetwork]:
    with GuestNetwork.reserve(PORTS) as network:
        yield network


@pytest.fixture
def cloud(network: GuestNetwork) -> FakeCloud:
    return FakeCloud(ManualClock(), cidrs=network.cidrs)


@pytest.fixture(autouse=True)
def _served(cloud: FakeCloud, network: GuestNetwork) -> Iterator[None]:
    with running(cloud, guests=network):
        yield


@pytest.fixture
def user_data() -> str:
    """Return user data with the public key."""
    config = f"#cloud-config\nssh_authorized_keys: ['{PUBLIC_KEY}']\n"
    return base64.b64encode(config.encode()).decode()


def is_open(address: str, port: int) -> bool:
    """Return True if a connection is accepted."""
    try:
        with closing(socket.create_connection((address, port), 5)):
            return True
    except ConnectionRefusedError:
        return False


def is_cut(connection: socket.socket) -> bool:
    """Return True as soon as the other side has ended the connection."""
    try:
        return connection.recv(1000) == b""
    except ConnectionResetError:
        return True


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait until a port has followed its guest."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def address_of(demo: ApiClient, server_id: str) -> str:
    """Return the fixed address of a server on the network `private`."""
    return str(demo.show(server_id)["addresses"]["private"][0]["addr"])


def on_private(demo: ApiClient, name: str = "web", **more: Any) -> tuple[str, str]:
    """Return the id and the address of a server whose guest is up."""
    vm = demo.active(name, networks=[{"uuid": demo.network()}], **more)
    address = address_of(demo, vm)
    wait_until(lambda: is_open(address, PORTS.http) and is_open(address, PORTS.ssh))
    return vm, address


def ssh(address: str, command: str | None, key: Any = KEY, **more: Any) -> tuple[str, str, int]:
    """Return output, error output and exit status of a command on a guest."""

    async def login() -> tuple[str, str, int]:
        options = {"known_hosts": None, "username": "cirros", "client_keys": [key], "config": None}
        async with asyncssh.connect(address, PORTS.ssh, **options) as connection:
            done = await connection.run(command, **more)
            return str(done.stdout), str(done.stderr), done.returncode or 0

    return asyncio.run(login())


def test_ports_open_when_the_guest_is_up_and_close_with_it(demo: ApiClient) -> None:
    vm = demo.create(networks=[{"uuid": demo.network()}])
    demo.clock.advance(8.0)
    address = address_of(demo, vm)
    assert address.startswith("127.")
    assert not is_open(address, PORTS.ssh)
    demo.clock.advance(4.6)
    wait_until(lambda: is_open(address, PORTS.ssh))
    assert not is_open(address, PORTS.http)
    demo.clock.advance(1.4)
    wait_until(lambda: is_open(address, PORTS.http))
    with urlopen(f"http://{address}:{PORTS.http}/any/path") as page:
        assert (page.status, page.read()) == (200, b"web\n")
    connection = socket.create_connection((address, PORTS.ssh))
    with closing(connection):
        assert connection.recv(100).startswith(b"SSH-2.0-")
        assert demo.act(vm, reboot={"type": "HARD"}).status == 202
        wait_until(lambda: not is_open(address, PORTS.ssh))
        connection.settimeout(PATIENCE)
        assert is_cut(connection)
    demo.clock.advance(3.0 + 6.0)
    wait_until(lambda: is_open(address, PORTS.ssh))
    demo("DELETE", f"/servers/{vm}")
    wait_until(lambda: not is_open(address, PORTS.http) and not is_open(address, PORTS.ssh))


def test_ssh_takes_the_keypairs_key_alone(demo: ApiClient) -> None:
    pair = {"name": "laptop", "public_key": PUBLIC_KEY}
    assert demo("POST", "/os-keypairs", {"keypair": pair}).status == 201
    _, address = on_private(demo, "db", key_name="laptop")
    demo("DELETE", "/os-keypairs/laptop")  # the guest has its key
    assert ssh(address, "hostname") == ("db\n", "", 0)
    with pytest.raises(asyncssh.PermissionDenied):
        ssh(address, "hostname", OTHER_KEY)


def test_ssh_takes_the_key_of_user_data_and_runs_no_real_command(
    demo: ApiClient, user_data: str
) -> None:
    _, address = on_private(demo, user_data=user_data)
    assert ssh(address, "sudo whoami") == ("root\n", "", 0)
    assert ssh(address, "ls /") == ("", "sh: ls: not found\n", 127)
    shell = ssh(address, None, input="hostname\nexit 3\n")
    assert shell == ("cirros@web:~$ web\ncirros@web:~$ ", "", 3)


@pytest.mark.parametrize(
    ("line", "result"),
    [
        ("true", ("", "", 0)),
        ("cloud-init status", ("status: error\n", "", 1)),
        ("cloud-init --version", ("/usr/bin/cloud-init 24.4.1\n", "", 0)),
        ("false", ("", "", 1)),
        ("echo 'a  b' $HOME", ("a  b $HOME\n", "", 0)),
        ("cat /etc/hostname", ("web\n", "", 0)),
        ("exit 300", ("", "", 44)),
        ("echo 'a", ("", "sh: No closing quotation\n", 2)),
        ("sudo", ("", "", 0)),
        ("", ("", "", 0)),
        ("rm -rf /; true", ("", "sh: rm: not found\n", 127)),
    ],
)
def test_commands_of_guests(line: str, result: tuple[str, str, int]) -> None:
    assert guest_ssh.run(line, guest_ssh.Session("cirros", "web", "error")) == result


def test_a_guest_refuses_its_key_by_a_rule(demo: ApiClient, user_data: str) -> None:
    demo("POST", "/_osf/faults", {"effect": "error", "operation": "guest.authorize_key"})
    _, address = on_private(demo, user_data=user_data)
    with pytest.raises(asyncssh.PermissionDenied):
        ssh(address, "true")


def test_a_guest_takes_its_key_late_by_a_rule(demo: ApiClient, user_data: str) -> None:
    late = {"effect": "late", "operation": "guest.authorize_key", "seconds": 1000}
    demo("POST", "/_osf/faults", late)
    _, address = on_private(demo, user_data=user_data)
    with pytest.raises(asyncssh.PermissionDenied):
        ssh(address, "true")
    demo.clock.advance(1000)
    assert ssh(address, "true") == ("", "", 0)


def test_cloud_init_status_follows_the_boot(demo: ApiClient, user_data: str) -> None:
    vm = demo.create(networks=[{"uuid": demo.network()}], user_data=user_data)
    demo.clock.advance(8.0 + 5.0)
    address = address_of(demo, vm)
    wait_until(lambda: is_open(address, PORTS.ssh))
    assert ssh(address, "cloud-init status") == ("status: running\n", "", 0)
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(ssh, address, "cloud-init status --wait")
        assert ssh(address, "cloud-init status") == ("status: running\n", "", 0)
        demo.clock.advance(1.0)
        assert waiting.result(PATIENCE) == ("status: done\n", "", 0)


def test_a_port_may_say_nothing_and_another_never_open(demo: ApiClient) -> None:
    demo.cloud.faults.add(Fault("stuck", operation="guest.ssh"))
    demo.cloud.faults.add(Fault("error", operation="guest.http"))
    vm = demo.active(networks=[{"uuid": demo.network()}])
    address = address_of(demo, vm)
    wait_until(lambda: is_open(address, PORTS.ssh))
    with closing(socket.create_connection((address, PORTS.ssh), 0.2)) as connection:
        connection.sendall(b"SSH-2.0-test\r\n")
        with pytest.raises(TimeoutError):
            connection.recv(1)
    assert not is_open(address, PORTS.http)


def floating(demo: ApiClient, port_id: str) -> str:
    """Return the address of a new floating IP of a port."""
    networks = demo.get("/network/v2.0/networks?router:external=true")["networks"]
    fields = {"floating_network_id": networks[0]["id"], "port_id": port_id}
    answer = demo("POST", "/network/v2.0/floatingips", {"floatingip": fields})
    assert answer.status == 201, answer
    return str(answer.body["floatingip"]["floating_ip_address"])


def port_of(demo: ApiClient, server_id: str) -> dict[str, Any]:
    """Return the port of a server."""
    return dict(demo.get(f"/network/v2.0/ports?device_id={server_id}")["ports"][0])


@pytest.fixture
def inside(demo: ApiClient) -> str:
    """Return a network of the usual addresses, behind a router to `public`."""
    post = "/network/v2.0/{}".format
    network = demo("POST", post("networks"), {"network": {"name": "inside"}}).body["network"]["id"]
    subnet = {"network_id": network, "cidr": "10.1.0.0/24", "ip_version": 4}
    subnet_id = demo("POST", post("subnets"), {"subnet": subnet}).body["subnet"]["id"]
    outside = demo.get(post("networks?router:external=true"))["networks"][0]["id"]
    router = {"external_gateway_info": {"network_id": outside}}
    router_id = demo("POST", post("routers"), {"router": router}).body["router"]["id"]
    add = post(f"routers/{router_id}/add_router_interface")
    assert demo("PUT", add, {"subnet_id": subnet_id}).status == 200
    return str(network)


def test_floating_ips_lead_to_guests_and_guests_to_each_other(
    demo: ApiClient, inside: str, user_data: str
) -> None:
    vms = [demo.active(name, networks=[{"uuid": inside}], user_data=user_data) for name in "ab"]
    fixed = [port_of(demo, vm)["fixed_ips"][0]["ip_address"] for vm in vms]
    assert all(address.startswith("10.1.0.") for address in fixed)
    outer = floating(demo, port_of(demo, vms[0])["id"])
    wait_until(lambda: is_open(outer, PORTS.ssh))
    assert ssh(outer, "hostname") == ("a\n", "", 0)

    async def jump(address: str, port: int) -> tuple[str, int]:
        options: dict[str, Any] = {"known_hosts": None, "config": None, "username": "cirros"}
        options["client_keys"] = [KEY]
        async with asyncssh.connect(outer, PORTS.ssh, **options) as host:
            async with host.connect_ssh(address, port, **options) as inner:
                done = await inner.run("hostname")
                return str(done.stdout), done.returncode or 0

    assert asyncio.run(jump(fixed[1], PORTS.ssh)) == ("b\n", 0)
    with closing(socket.create_server(("127.0.0.1", 0))) as elsewhere:
        with pytest.raises(asyncssh.ChannelOpenError):
            asyncio.run(jump(*elsewhere.getsockname()))


def test_the_number_of_open_ports_is_limited(
    demo: ApiClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(guests, "MOST_LISTENERS", 2)
    first, address = on_private(demo, "first")
    other = address_of(demo, demo.active("other", networks=[{"uuid": demo.network()}]))
    wait_until(lambda: "other stays closed: guests have at most 2 open ports" in caplog.text)
    assert not is_open(other, PORTS.ssh)
    assert is_open(address, PORTS.ssh)
    demo("DELETE", f"/servers/{first}")
    demo.clock.advance(10)
    wait_until(lambda: not is_open(address, PORTS.ssh))


def test_the_number_of_connections_is_limited(
    demo: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, address = on_private(demo)
    monkeypatch.setattr(guests, "MOST_CONNECTIONS", 1)

    def banner(connection: socket.socket) -> bytes:
        connection.settimeout(PATIENCE)
        try:
            return connection.recv(100)
        except ConnectionResetError:
            return b""

    def connect() -> socket.socket:
        return socket.create_connection((address, PORTS.ssh))

    def is_greeted() -> bool:
        with closing(connect()) as connection:
            return banner(connection) != b""

    wait_until(is_greeted)  # the connections before have ended
    with closing(connect()) as held:
        while banner(held) == b"":
            held = connect()
        assert not is_greeted()
    wait_until(is_greeted)


def test_without_the_library_the_ssh_port_has_a_banner_and_no_login(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    real = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.endswith("guest_ssh"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    network = GuestNetwork.reserve(PORTS)
    cloud = FakeCloud(ManualClock(), cidrs=network.cidrs)
    with running(cloud, guests=network):
        demo = ApiClient(cloud)
        _, address = on_private(demo)
        with closing(socket.create_connection((address, PORTS.ssh), PATIENCE)) as connection:
            assert connection.recv(100) == b"SSH-2.0-osfutures\r\n"
            connection.sendall(b"SSH-2.0-test\r\n")
            assert connection.recv(100) == b""
    assert "pip install 'pytest-osfutures[ssh]'" in caplog.text


def test_each_cloud_has_a_network_of_its_own(network: GuestNetwork) -> None:
    with GuestNetwork.reserve(PORTS) as other:
        assert set(other.cidrs).isdisjoint(network.cidrs)


def test_the_end_of_the_server_closes_all_ports(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A network that no other test takes in the meantime.
    monkeypatch.setattr(loopback, "NUMBERS", [128 + os.getpid() % 127])
    network = GuestNetwork.reserve(PORTS)
    cloud = FakeCloud(ManualClock(), cidrs=network.cidrs)
    with caplog.at_level(logging.WARNING), running(cloud, guests=network):
        _, address = on_private(ApiClient(cloud))
        held = socket.create_connection((address, PORTS.ssh))
    held.close()
    assert not is_open(address, PORTS.ssh)
    with GuestNetwork.reserve(PORTS) as again:
        assert again.number == network.number
    assert not caplog.records


def test_ports_in_use_on_all_addresses_are_an_error() -> None:
    with closing(socket.create_server(("0.0.0.0", 0))) as taken:
        ports = GuestPorts(taken.getsockname()[1], 8080)
        with pytest.raises(GuestsUnavailableError, match="another program uses the ports"):
            GuestNetwork.reserve(ports)


@pytest.mark.parametrize(
    ("number", "why"),
    [
        (errno.EACCES, "this user may not open the ports 2222 and 8080 of guests; give other"),
        (errno.EADDRNOTAVAIL, "guests need Linux, which routes all of 127.0.0.0/8"),
        (errno.EMFILE, "the ports 2222 and 8080 of guests cannot be opened: Too many open files"),
    ],
)
def test_ports_that_cannot_be_opened_are_an_error(
    monkeypatch: pytest.MonkeyPatch, number: int, why: str
) -> None:
    def fail(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(loopback, "_markers", fail)
    with pytest.raises(GuestsUnavailableError, match=f"^{why}"):
        GuestNetwork.reserve(PORTS)
