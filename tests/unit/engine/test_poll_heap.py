"""The heap of planned reads of a poll group."""

from __future__ import annotations

from pytest_osfutures.engine.poll_group import PollGroup
from tests.unit.scripted import SERVER, Scene, watch


def test_many_changes_of_plans_keep_the_earliest_read_first_and_the_heap_small() -> None:
    scene = Scene()
    group = PollGroup(scene.world, SERVER, "2.96")
    refs = [SERVER.ref(id=ident) for ident in "abcdef"]
    members = [watch(scene.world, "server.stop", lambda _: None, id=ref.id) for ref in refs]
    for member, ref in zip(members, refs, strict=True):
        group.subscribe(member, (ref,), 100.0)
    group.next_list_at = 0.0
    group.schedule(members[-1], 1.0)
    for number in range(200):
        for member in members[:-1]:
            group.schedule(member, 1000.0 + number)
        assert group.due == 1.0
        assert len(group._by_due) <= 2 * len(members) + 65
