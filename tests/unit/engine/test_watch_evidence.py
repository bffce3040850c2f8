"""The evidence that a watch hands to the judge."""

from __future__ import annotations

from pytest_osfutures.operations.model import Observation
from tests.unit.scripted import SERVER, Scene, server, watch

REF = SERVER.ref(id="a")


def test_a_resource_has_changed_its_state_once_two_states_were_seen() -> None:
    member = watch(Scene().world, "server.stop", lambda _: None, id="a")
    assert not member.evidence(1.0).state_changed
    reads = ((1.0, "ACTIVE", False), (2.0, "ACTIVE", False), (3.0, "SHUTOFF", True))
    for at, status, expected in reads:
        member.observe(REF, Observation(at, server(status)), at)
        assert member.evidence(at).state_changed is expected
