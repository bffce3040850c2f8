"""Servers with guests, from the create call to a login: floating IPs, jump hosts, broken guests."""

from __future__ import annotations

import pytest

from pytest_osfutures.fakecloud import FakeCloud, Fault

TEXT = """
    import pytest
    import pytest_osfutures as osf
    from pytest_osfutures import factories

    key = factories.keypair("laptop", scope="module")
    inside = factories.network(cidr="10.9.0.0/24", scope="module")
    bastion = factories.server("bastion", network=inside, key_name=key, scope="module")
    inner = factories.server("inner", network=inside, key_name=key)

    @pytest.fixture(scope="module")
    def address(inside, bastion, os_routers_module, os_floating_ips_module):
        os_routers_module.create_async(subnets=inside.result().subnets, external=True).result()
        made = os_floating_ips_module.create_async(server=bastion).result()
        return made.floating_ip_address

    def test_floating_ip(bastion, key, address):
        ready = osf.ready.ssh("cirros", key.result().private_key_file, port=2222)
        vm = osf.until(bastion, ready, tout=60).result()
        addresses = [each["addr"] for each in vm.addresses[next(iter(vm.addresses))]]
        assert address in addresses

    def test_jump_host(inner, key, address):
        via = osf.ready.jump(address, "cirros", key.result(), port=2222)
        login = osf.ready.cloud_init("cirros", key.result(), port=2222, via=via)
        page = osf.ready.http(":8080/", via=via)
        assert osf.until(inner, [login, page], tout=60).result().name == "inner"

    @pytest.mark.parametrize(
        ("name", "why", "console"),
        [
            ("refuses", "the guest refuses user 'cirros'", "no authorized SSH keys"),
            ("panics", "connection refused", "Kernel panic - not syncing: no root"),
        ],
    )
    def test_broken_guest(os_servers, key, name, why, console):
        ready = osf.ready.ssh("cirros", key.result(), port=2222)
        more = {"network": "private", "key_name": key.result(), "try_count": 1}
        with pytest.raises(osf.NotReady, match=why) as caught:
            os_servers.create_async(name, ready=ready, tout=2, **more).result()
        assert console in str(caught.value)

    def test_guest_that_comes_up_late(os_servers):
        ready = [osf.ready.tcp(8080), osf.ready.console("login:")]
        vm = os_servers.create_async("late", network="private", ready=ready, tout=60).result()
        assert "web server" in vm.get_console_output()
"""


@pytest.mark.slow  # several boots, and two guests that are waited for in vain
def test_guests_are_reached_or_the_error_says_why_not(
    pytester: pytest.Pytester, guest_cloud: FakeCloud
) -> None:
    pytest.importorskip("asyncssh", reason="the extra `ssh`")
    rules = guest_cloud.faults
    rules.add(Fault("error", operation="guest.authorize_key", resource="^refuses$"))
    rules.add(Fault("error", operation="guest.boot", resource="^panics$", message="no root"))
    late = rules.add(Fault("late", operation="guest.boot", resource="^late$", seconds=20))
    before = guest_cloud.alive()
    pytester.makepyfile(TEXT)
    options = ("--os-cloud=served", "--os-ledger=ledgers", "--os-reaper=off")
    pytester.runpytest_inprocess(*options).assert_outcomes(passed=5)
    assert late.fired == 1
    assert guest_cloud.alive() == before
