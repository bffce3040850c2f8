"""Servers of factories and of declared fixtures are usable when their futures are done."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_osfutures.clock import ScaledClock
from pytest_osfutures.fakecloud import FakeCloud
from pytest_osfutures.fakecloud.shells import clouds_yaml
from pytest_osfutures.fakecloud.shells.loopback import GuestNetwork, GuestPorts
from pytest_osfutures.fakecloud.shells.server import running
from tests.plugin.test_factories import run

BEGIN = """
    import pytest
    import pytest_osfutures as osf
    from pytest_osfutures import factories

"""


@pytest.fixture
def guests(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeCloud]:
    """Serve a cloud whose guests listen on ports 2222 and 8080, and yield the cloud."""
    path = tmp_path / "guests.yaml"
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(path))
    with GuestNetwork.reserve(GuestPorts(2222, 8080)) as network:
        cloud = FakeCloud(ScaledClock(20.0), cidrs=network.cidrs)
        with running(cloud, guests=network) as url:
            path.write_text(clouds_yaml.text(f"{url}/identity/v3"))
            yield cloud


def test_a_server_is_usable_when_the_future_is_done(
    pytester: pytest.Pytester, guests: FakeCloud
) -> None:
    pytest.importorskip("asyncssh", reason="the extra `ssh`")
    text = """
    key = factories.keypair("laptop", scope="module")
    web = factories.server("web", key_name=key, ready=osf.ready.ssh("cirros", key, port=2222))

    def test_declared(web):
        vm = web.result()
        assert vm.status == "ACTIVE"
        assert osf.until(vm, osf.ready.http(":8080/"), tout=60).result().id == vm.id
        assert web.next(lambda vm: osf.until(vm, osf.ready.tcp(2222), tout=60)).result() == vm

    def test_try_again(os_servers, os_cloud):
        lost = []

        def is_up(vm):
            if not lost:
                lost.append(vm.id)
                os_cloud.nova.servers.delete(vm.id)
            return vm.id not in lost

        vm = os_servers.create_async(ready=[is_up, osf.ready.tcp(8080)], tout=60)
        assert vm.result().id not in lost
        (attempt,) = vm.attempts
        assert "is_up() was waited for" in attempt.why
    """
    run(pytester, BEGIN + text, "--os-retries=silent").assert_outcomes(passed=2)
    assert not [each for each in guests.alive() if each["kind"] == "server"]


def test_bad_arguments_are_errors_before_a_server_is_made(pytester: pytest.Pytester) -> None:
    text = """
    key = factories.keypair()
    web = factories.server(ready=osf.ready.tcp, network="none")

    @pytest.mark.parametrize(("ready", "network", "why"), [
        (osf.ready.tcp(22), "none", "needs an address, and the server gets no network"),
        (7, "auto", "ready=7 is no condition"),
        (osf.ready.ssh("cirros", key), "auto", "a fixture as key is for declared resources"),
    ])
    def test_factory(os_servers, ready, network, why):
        with pytest.raises(osf.InvalidArgument, match=why):
            os_servers.create_async(ready=ready, network=network)

    def test_declared(web, os_cloud):
        with pytest.raises(osf.InvalidArgument, match="call it, as in osf.ready.tcp"):
            web.result()
        assert not [each for each in os_cloud.fake.ever() if each["kind"] == "server"]
    """
    pytest.importorskip("asyncssh", reason="the extra `ssh`")
    run(pytester, BEGIN + text).assert_outcomes(passed=4)


def test_default_arguments_and_many_servers(pytester: pytest.Pytester) -> None:
    text = """
    @pytest.fixture(scope="module")
    def os_server_args(os_server_args):
        return {**os_server_args, "ready": osf.ready.console("login:")}

    def test_many(os_servers):
        many = os_servers.create_async("web", min_count=2).result()
        assert [vm.name for vm in many] == ["web-1", "web-2"]
        assert all("login:" in vm.get_console_output() for vm in many)

    def test_twins(os_servers, os_cloud):
        vm = os_servers.create_async().result()
        back = vm.reboot_async("HARD", ready=osf.ready.console("login:"), tout=60)
        assert "login:" in back.result().get_console_output()
        with pytest.raises(TypeError, match="ready"):
            vm.stop_async(ready=osf.ready.tcp(22))
        create = os_cloud.nova.servers.create_async
        with pytest.raises(osf.InvalidArgument, match="needs an address, and the server gets no"):
            create("x", vm.image["id"], "1", nics="none", ready=osf.ready.tcp(22))
    """
    run(pytester, BEGIN + text).assert_outcomes(passed=2)


def test_workers_share_a_usable_server(pytester: pytest.Pytester) -> None:
    text = """
    def test_shared(os_servers_shared):
        ready = osf.ready.console("login:")
        first = os_servers_shared.create_async("web", ready=ready)
        assert first.result() == os_servers_shared.create_async("web", ready=ready).result()
        assert "login:" in first.result().get_console_output()
        with pytest.raises(osf.InvalidArgument, match="other arguments"):
            os_servers_shared.create_async("web").result()
    """
    run(pytester, BEGIN + text).assert_outcomes(passed=1)
