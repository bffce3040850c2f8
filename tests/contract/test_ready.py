"""Conditions of `ready=` where nobody reaches the guests: consoles, and truthful timeouts."""

from __future__ import annotations

from typing import Any

import pytest

import pytest_osfutures as osf
from pytest_osfutures.cloud import Cloud
from tests.contract.conftest import PATIENCE


@pytest.fixture
def short(cloud: Cloud) -> float:
    """Return seconds in which a condition is tried more than once."""
    return 4.0 if cloud.fake is None else 0.5


def test_the_console_of_a_new_server(cloud: Cloud, image: Any, flavor: Any) -> None:
    """Wait for any text: hypervisors of test clouds show the same console at all times."""
    console = osf.ready.console(r"\w+")
    create = cloud.nova.servers.create_async
    future = create("contract", image.id, flavor.id, nics="none", ready=console, tout=PATIENCE)
    try:
        assert future.result(PATIENCE).get_console_output().strip()
    finally:
        future.undo().result(PATIENCE)


def test_a_text_that_no_console_shows(vm: Any, short: float) -> None:
    future = osf.until(vm, osf.ready.console("no console shows this"), tout=short)
    with pytest.raises(osf.NotReady, match="at last: the console does not show it") as raised:
        future.result(PATIENCE)
    assert raised.value.console
    assert raised.value.readiness is not None
    assert raised.value.readiness.tries >= 2


def test_a_port_that_nobody_opens(vm: Any, short: float) -> None:
    future = osf.until(vm, osf.ready.tcp(9, address="127.0.0.1"), tout=short)
    with pytest.raises(osf.NotReady, match=r"at 127\.0\.0\.1 .*: connection refused") as raised:
        future.result(PATIENCE)
    assert raised.value.console


def test_a_server_without_an_address(vm: Any, short: float) -> None:
    with pytest.raises(osf.NotReady, match="at last: the server has no address"):
        osf.until(vm, osf.ready.tcp(22), tout=short).result(PATIENCE)


def test_a_server_that_is_deleted_meanwhile(cloud: Cloud, image: Any, flavor: Any) -> None:
    future = cloud.nova.servers.create_async("contract", image.id, flavor.id, nics="none")
    waiting = osf.until(future.result(PATIENCE), osf.ready.console("no console"), tout=PATIENCE)
    future.undo().result(PATIENCE)
    with pytest.raises(osf.ResourceVanished, match="while console"):
        waiting.result(PATIENCE)


@pytest.mark.filterwarnings("ignore::Warning")
def test_a_server_of_openstacksdk(cloud: Cloud, vm: Any) -> None:
    shown = cloud.sdk.compute.get_server(vm.id)
    found = osf.until(shown, lambda server: server.status == "ACTIVE", tout=PATIENCE)
    assert found.result(PATIENCE).id == vm.id


def test_the_server_is_shown_as_the_client_shows_it(cloud: Cloud, vm: Any) -> None:
    found = osf.until(vm, lambda shown: shown is not vm, tout=PATIENCE).result(PATIENCE)
    assert sorted(found.to_dict()) == sorted(cloud.nova.servers.get(vm.id).to_dict())
