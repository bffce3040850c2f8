"""Verdicts about images, volumes and ports of servers, with plain values."""

from __future__ import annotations

import pytest

from pytest_osfutures.operations.judge import Failed
from pytest_osfutures.operations.resource_types import (
    ACTION,
    ATTACHMENT,
    IMAGE,
    INTERFACE,
    MESSAGES,
    SERVER,
    SNAPSHOTS,
    VOLUME,
)
from tests.unit.judging import Judged, asks, done, runs, why


@pytest.mark.parametrize("operation", ["server.create_image", "server.backup"])
def test_an_image_is_judged_by_the_image(operation: str) -> None:
    case = Judged(operation, server="s", image="i")
    assert runs(case.see(IMAGE, {"status": "queued"}, id="i"))
    case.server("ACTIVE", "image_uploading")
    assert runs(case.see(IMAGE, {"status": "active"}, id="i"))
    assert done(case.server("ACTIVE"))


def test_create_image_fails_if_the_image_is_gone() -> None:
    case = Judged("server.create_image", server="s", image="i")
    case.server("ACTIVE")
    assert asks(case.see(IMAGE, None, id="i"), ACTION)
    verdict = case.action(("compute_snapshot_instance", "Error"))
    assert "compute_snapshot_instance" in why(verdict)
    assert isinstance(verdict, Failed)
    assert not verdict.vanished


def test_an_image_of_a_server_with_volumes_needs_its_snapshots() -> None:
    case = Judged("server.create_image", server="s", image="i")
    case.server("ACTIVE")
    image = {
        "status": "active",
        "name": "a b",
        "block_device_mapping": '[{"snapshot_id": "x"}, {"snapshot_id": null}]',
    }
    assert asks(case.see(IMAGE, image, id="i"), SNAPSHOTS)
    name = "snapshot%20for%20a%20b"
    assert runs(case.see(SNAPSHOTS, {"snapshots": [{"id": "x", "status": "creating"}]}, name=name))
    found = {"snapshots": [{"id": "x", "status": "available"}]}
    assert done(case.see(SNAPSHOTS, found, name=name))


ATTACHED = {"status": "in-use", "attachments": [{"server_id": "s"}]}
FREE = {"status": "available", "attachments": []}


def test_an_attach_is_judged_by_both_sides() -> None:
    case = Judged("server.attach_volume", server="s", volume="v")
    assert runs(case.see(VOLUME, {"status": "attaching", "attachments": []}, id="v"))
    assert asks(case.see(VOLUME, ATTACHED, id="v"), ATTACHMENT)
    assert done(case.see(ATTACHMENT, {"volumeId": "v"}, server="s", volume="v"))


def test_attach_runs_before_cinder_shows_it() -> None:
    case = Judged("server.attach_volume", server="s", volume="v")  # 202 from 2.101 on
    assert asks(case.see(VOLUME, FREE, id="v"), ACTION)
    assert runs(case.record(None))
    assert runs(case.action(("compute_attach_volume", None)))
    assert runs(case.see(VOLUME, FREE, id="v"))


def test_attach_fails_if_the_volume_is_available_again() -> None:
    case = Judged("server.attach_volume", server="s", volume="v")
    case.see(VOLUME, FREE, id="v")
    assert "compute_attach_volume" in _explained(case, ("compute_attach_volume", "Error"))


def _explained(case: Judged, *events: tuple[str, str | None]) -> str:
    """Return the failure after the messages of the volume were read as well."""
    verdict = case.action(*events)
    if runs(verdict):
        verdict = case.see(MESSAGES, {"messages": []}, id="v")
    return why(verdict)


def test_a_detach_is_judged_by_both_sides() -> None:
    case = Judged("server.detach_volume", server="s", volume="v")
    assert runs(case.see(VOLUME, {**ATTACHED, "status": "detaching"}, id="v"))
    assert asks(case.see(VOLUME, FREE, id="v"), ATTACHMENT)
    assert runs(case.see(ATTACHMENT, {"volumeId": "v"}, server="s", volume="v"))
    assert done(case.see(ATTACHMENT, None, server="s", volume="v"))


def test_a_detach_leaves_the_attachments_of_others() -> None:
    case = Judged("server.detach_volume", server="s", volume="v")
    other = {"status": "in-use", "attachments": [{"server_id": "other"}]}
    assert asks(case.see(VOLUME, other, id="v"), ATTACHMENT)


def test_detach_fails_if_the_volume_is_in_use_again() -> None:
    case = Judged("server.detach_volume", server="s", volume="v")
    case.see(VOLUME, ATTACHED, id="v")
    assert "compute_detach_volume" in _explained(case, ("compute_detach_volume", "Error"))


def test_a_swap_needs_its_event_and_the_new_attachment() -> None:
    case = Judged("server.swap_volume", server="s", old="o", volume="v")
    assert asks(case.see(VOLUME, FREE, id="o"), ATTACHMENT)
    assert asks(case.see(ATTACHMENT, {"volumeId": "v"}, server="s", volume="v"), ACTION)
    assert done(case.action(("compute_swap_volume", "Success")))


def port(state: str) -> dict[str, str]:
    return {"port_state": state}


def test_a_new_interface_is_active_and_in_the_addresses() -> None:
    case = Judged("server.interface_attach", server="s", port="p", mac="m")
    assert asks(case.see(INTERFACE, port("ACTIVE"), server="s", port="p"), SERVER)
    addresses = {"net": [{"OS-EXT-IPS-MAC:mac_addr": "m"}]}
    assert not done(case.server("ACTIVE", addresses={}))
    assert done(case.server("ACTIVE", addresses=addresses))


def test_the_port_of_a_stopped_server_stays_down() -> None:
    case = Judged("server.interface_attach", server="s", port="p")
    assert asks(case.see(INTERFACE, port("DOWN"), server="s", port="p"), ACTION)
    assert asks(case.action(("compute_attach_interface", "Success")), SERVER)
    assert done(case.server("SHUTOFF", addresses={}))


def test_interface_detach_waits_for_its_event() -> None:
    case = Judged("server.interface_detach", server="s", port="p")
    assert asks(case.see(INTERFACE, None, server="s", port="p"), ACTION)
    assert runs(case.action(("compute_detach_interface", None)))
    assert done(case.action(("compute_detach_interface", "Success")))
