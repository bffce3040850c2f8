"""Resize, migrate and evacuate servers (docs/operations.md#server-resize)."""

from __future__ import annotations

from typing import Any

import pytest
from novaclient.exceptions import Conflict

import pytest_osfutures as osf
from pytest_osfutures.cloud import Cloud
from tests.contract.conftest import PATIENCE
from tests.contract.test_power import check


def host(admin: Cloud, vm: Any) -> str:
    """Return the host of the server, which only administrators see."""
    return str(getattr(admin.nova.servers.get(vm.id), "OS-EXT-SRV-ATTR:host"))


def test_resize_and_revert(vm: Any, flavor: Any, bigger: Any) -> None:
    done = check(vm.resize_async(bigger), "server.resize", "VERIFY_RESIZE")
    assert done.flavor["original_name"] == bigger.name
    done = check(vm.revert_resize_async(), "server.revert_resize", "ACTIVE")
    assert done.flavor["original_name"] == flavor.name


def test_resize_and_confirm(vm: Any, flavor: Any, bigger: Any) -> None:
    for wanted in (bigger, flavor):
        check(vm.resize_async(wanted), "server.resize", "VERIFY_RESIZE")
        done = check(vm.confirm_resize_async(), "server.confirm_resize", "ACTIVE")
        assert done.flavor["original_name"] == wanted.name


def test_resize_of_a_stopped_server(vm: Any, bigger: Any) -> None:
    check(vm.stop_async(), "server.stop", "SHUTOFF")
    future = vm.resize_async(bigger)
    check(future, "server.resize", "VERIFY_RESIZE")
    future.undo().result(PATIENCE)
    vm.get()
    assert vm.status == "SHUTOFF"
    check(vm.start_async(), "server.start", "ACTIVE")


def test_resize_that_fits_no_host_fails_by_its_event(vm: Any, huge: Any) -> None:
    future = vm.resize_async(huge)
    with pytest.raises(osf.OperationFailed) as caught:
        future.result(PATIENCE)
    assert caught.value.status == "ACTIVE"
    assert any(event.result == "Error" for event in caught.value.events)
    assert caught.value.seconds is not None
    assert caught.value.seconds < 30


def test_migrate_and_confirm(admin: Cloud, vm: Any) -> None:
    before = host(admin, vm)
    server = admin.nova.servers.get(vm.id)
    check(server.migrate_async(), "server.migrate", "VERIFY_RESIZE")
    check(vm.confirm_resize_async(), "server.confirm_resize", "ACTIVE")
    assert host(admin, vm) != before


def test_live_migrate(admin: Cloud, vm: Any) -> None:
    before = host(admin, vm)
    server = admin.nova.servers.get(vm.id)
    done = check(server.live_migrate_async(block_migration="auto"), "server.live_migrate", "ACTIVE")
    assert getattr(done, "OS-EXT-SRV-ATTR:host") != before
    check(server.live_migrate_async(block_migration="auto"), "server.live_migrate", "ACTIVE")
    assert host(admin, vm) == before


def test_live_migrate_of_a_paused_server(admin: Cloud, vm: Any) -> None:
    check(vm.pause_async(), "server.pause", "PAUSED")
    server = admin.nova.servers.get(vm.id)
    check(server.live_migrate_async(block_migration="auto"), "server.live_migrate", "PAUSED")
    check(vm.unpause_async(), "server.unpause", "ACTIVE")


def under_way(admin: Cloud, vm: Any) -> Any:
    """Return the live migration of the server that is under way."""
    found: list[Any] = []
    while not found:
        found = admin.nova.server_migrations.list(vm.id)
    return found[0]


@pytest.mark.only_fake("a hypervisor without guests migrates before anybody can stop it")
def test_live_migration_abort(admin: Cloud, vm: Any) -> None:
    before = host(admin, vm)
    server = admin.nova.servers.get(vm.id)
    migration = server.live_migrate_async(block_migration="auto")
    ident = under_way(admin, vm).id
    abort = admin.nova.server_migrations.live_migration_abort_async(vm.id, ident)
    check(abort, "server.live_migration_abort", "ACTIVE")
    with pytest.raises(osf.OperationFailed, match="cancelled"):
        migration.result(PATIENCE)
    assert host(admin, vm) == before


@pytest.mark.only_fake("a hypervisor without guests migrates before anybody can hurry it")
def test_live_migration_force_complete(admin: Cloud, vm: Any) -> None:
    server = admin.nova.servers.get(vm.id)
    migration = server.live_migrate_async(block_migration="auto")
    ident = under_way(admin, vm).id
    force = admin.nova.server_migrations.live_migrate_force_complete_async(vm.id, ident)
    check(force, "server.live_migration_force_complete", "ACTIVE")
    migration.result(PATIENCE)


@pytest.mark.only_fake("no host of a cloud that others use can be declared dead")
def test_evacuate(admin: Cloud, vm: Any) -> None:
    before = host(admin, vm)
    (service,) = admin.nova.services.list(host=before, binary="nova-compute")
    admin.nova.services.force_down(service.id, True)
    try:
        done = check(admin.nova.servers.evacuate_async(vm), "server.evacuate", "ACTIVE", "SHUTOFF")
        assert getattr(done, "OS-EXT-SRV-ATTR:host") != before
    finally:
        admin.nova.services.force_down(service.id, False)
    if done.status == "SHUTOFF":  # from microversion 2.95 on
        check(vm.start_async(), "server.start", "ACTIVE")


def test_async_raises_conflict_where_async_r_waits_until_idle(
    vm: Any, flavor: Any, bigger: Any
) -> None:
    future = vm.resize_async(bigger)  # takes longer than the next request
    with pytest.raises(Conflict):
        vm.revert_resize_async()
    again = vm.revert_resize_async_r()
    assert again.result(PATIENCE).flavor["original_name"] == flavor.name
    future.exception(PATIENCE)  # a result or an error: VERIFY_RESIZE may never have been seen
