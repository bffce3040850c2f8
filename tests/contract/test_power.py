"""Actions on one server and their opposites (docs/operations.md#server-start)."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_osfutures.cloud import Cloud
from tests.contract.conftest import PATIENCE


def check(future: Any, operation: str, *statuses: str) -> Any:
    """Check that the future's result is the server in one of `statuses`, and return the server."""
    done = future.result(PATIENCE)
    assert future.operation == operation
    assert done.id == future.resource_id
    assert done.status in statuses
    assert getattr(done, "OS-EXT-STS:task_state") is None
    return done


def test_stop_and_start(vm: Any) -> None:
    check(vm.stop_async(), "server.stop", "SHUTOFF")
    check(vm.start_async(), "server.start", "ACTIVE")


def test_reboot_soft(vm: Any) -> None:
    check(vm.reboot_async("SOFT"), "server.reboot_soft", "ACTIVE")


def test_reboot_hard(vm: Any) -> None:
    check(vm.reboot_async("HARD"), "server.reboot_hard", "ACTIVE")


def test_hard_reboot_of_a_stopped_server(vm: Any) -> None:
    check(vm.stop_async(), "server.stop", "SHUTOFF")
    check(vm.reboot_async("HARD"), "server.reboot_hard", "ACTIVE")


def test_pause_and_unpause(vm: Any) -> None:
    check(vm.pause_async(), "server.pause", "PAUSED")
    check(vm.unpause_async(), "server.unpause", "ACTIVE")


def test_suspend_and_resume(vm: Any) -> None:
    check(vm.suspend_async(), "server.suspend", "SUSPENDED")
    check(vm.resume_async(), "server.resume", "ACTIVE")


def test_rescue_and_unrescue(cloud: Cloud, vm: Any) -> None:
    check(cloud.nova.servers.rescue_async(vm), "server.rescue", "RESCUE")
    check(vm.unrescue_async(), "server.unrescue", "ACTIVE")


def test_shelve_and_unshelve(vm: Any) -> None:
    check(vm.shelve_async(), "server.shelve", "SHELVED", "SHELVED_OFFLOADED")
    check(vm.unshelve_async(), "server.unshelve", "ACTIVE")


@pytest.mark.only_fake("a cloud that offloads at once is never seen SHELVED")
def test_shelve_offload(cloud: Cloud, admin: Cloud, vm: Any) -> None:
    assert cloud.fake is not None
    cloud.fake.settings.shelved_offload = False
    check(vm.shelve_async(), "server.shelve", "SHELVED")
    cloud.fake.settings.shelved_offload = True
    check(admin.nova.servers.shelve_offload_async(vm), "server.shelve_offload", "SHELVED_OFFLOADED")
    check(vm.unshelve_async(), "server.unshelve", "ACTIVE")


def test_change_password(cloud: Cloud, vm: Any) -> None:
    check(vm.change_password_async("s3cret-Word"), "server.change_password", "ACTIVE")


def test_trigger_crash_dump(vm: Any) -> None:
    check(vm.trigger_crash_dump_async(), "server.trigger_crash_dump", "ACTIVE")


def test_chain_runs_actions_one_after_another(vm: Any) -> None:
    check(vm.stop_async().chain.start_async().chain.pause_async(), "server.pause", "PAUSED")
    check(vm.unpause_async(), "server.unpause", "ACTIVE")
