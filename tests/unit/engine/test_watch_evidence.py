"""The evidence that a watch hands to the judge."""

from __future__ import annotations

from pytest_osfutures.operations.model import Observation
from pytest_osfutures.operations.resource_types import IMAGE
from tests.unit.scripted import SERVER, Scene, server, watch

REF = SERVER.ref(id="a")


def test_a_resource_has_changed_its_state_once_two_states_were_seen() -> None:
    member = watch(Scene().world, "server.stop", lambda _: None, id="a")
    assert not member.evidence(1.0).state_changed
    reads = ((1.0, "ACTIVE", False), (2.0, "ACTIVE", False), (3.0, "SHUTOFF", True))
    for at, status, expected in reads:
        member.observe(REF, Observation(at, server(status)), at)
        assert member.evidence(at).state_changed is expected


def test_the_history_of_an_image_of_a_server_has_no_states_of_the_server() -> None:
    member = watch(Scene().world, "server.create_image", lambda _: None, server="a", image="i")
    member.observe(IMAGE.ref(id="i"), Observation(1.0, {"status": "queued"}), 1.0)
    member.observe(REF, Observation(2.0, server("ACTIVE", "image_uploading")), 2.0)
    member.observe(IMAGE.ref(id="i"), Observation(3.0, {"status": "saving"}), 3.0)
    details = member.details(4.0)
    assert [each.status for each in details.history] == ["queued", "saving"]
    assert (details.status, details.task_state) == ("saving", None)
