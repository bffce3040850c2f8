"""Servers that answer: `pytest --os-cloud fake examples/test_ready.py`."""

import pytest_osfutures as osf
from pytest_osfutures import factories

# The embedded fake has no network to its guests, so its console tells when they are up. On a cloud
# that you reach, use osf.ready.ssh("cirros", key), osf.ready.tcp(22), osf.ready.http("/"), ...
web = factories.server("web", ready=osf.ready.console("login:"))


def test_declared(web):
    assert "login:" in web.result().get_console_output()


def test_after_a_reboot(web):
    rebooted = web.next(lambda vm: vm.reboot_async("HARD"))
    up = rebooted.next(lambda vm: osf.until(vm, osf.ready.cloud_init(), tout=60))
    assert up.result().status == "ACTIVE"


def test_any_function(os_servers):
    def is_labelled(vm):
        return vm.metadata.get("role") == "db"

    vm = os_servers.create_async("db", meta={"role": "db"}, ready=is_labelled, tout=60).result()
    assert vm.metadata["role"] == "db"
