"""The room under a quota: the usage of others is known up to the requests under way."""

from __future__ import annotations

from collections import Counter

import pytest

from pytest_osfutures.clock import ManualClock
from pytest_osfutures.plugin.capacity import REFRESH, Capacity

SERVER = Counter(servers=1)


class Project:
    """A project whose limits API tells a quota of servers and its usage."""

    def __init__(self, most: int, used: int = 0) -> None:
        self.most, self.used, self.reads = most, used, 0

    def read(self, service: str) -> object:
        assert service == "compute"
        self.reads += 1
        absolute = {"maxTotalInstances": self.most, "totalInstancesUsed": self.used}
        return {"limits": {"absolute": absolute}}


def test_own_resources_fill_the_quota() -> None:
    capacity = Capacity(Project(2).read)
    assert [capacity.take(SERVER) for _ in range(3)] == [True, True, False]
    capacity.give_back(SERVER)
    assert capacity.take(SERVER)


def test_resources_of_others_count() -> None:
    capacity = Capacity(Project(3, used=2).read)
    assert [capacity.take(SERVER) for _ in range(2)] == [True, False]


def test_resource_that_is_needed_now_is_taken_without_room() -> None:
    capacity = Capacity(Project(1, used=1).read)
    assert not capacity.take(SERVER)
    assert capacity.take(SERVER, must=True)


def test_request_under_way_counts_once() -> None:
    """The usage may include a server of ours whose request is not answered yet, or may not."""
    clock = ManualClock()
    for used in (0, 1):
        project = Project(2)
        capacity = Capacity(project.read, clock.now)
        assert capacity.take(SERVER)
        assert capacity.take(SERVER)
        project.used = used
        clock.advance(REFRESH)
        assert not capacity.take(SERVER)
        capacity.give_back(SERVER)
        assert capacity.take(SERVER)


def test_growing_usage_of_others_is_seen() -> None:
    clock, project = ManualClock(), Project(3)
    capacity = Capacity(project.read, clock.now)
    assert [capacity.take(SERVER) for _ in range(4)] == [True, True, True, False]
    for _ in range(3):
        capacity.created(SERVER)
    project.most, project.used = 6, 5  # three of ours and two of others
    clock.advance(REFRESH)
    assert [capacity.take(SERVER) for _ in range(2)] == [True, False]


def test_room_that_others_give_back_is_found_after_a_while() -> None:
    clock, project = ManualClock(), Project(1, used=1)
    capacity = Capacity(project.read, clock.now)
    assert not capacity.take(SERVER)
    project.used = 0
    assert not capacity.take(SERVER)
    assert project.reads == 1
    clock.advance(REFRESH)
    assert capacity.take(SERVER)
    assert project.reads == 2


def test_usage_is_not_read_while_there_is_room() -> None:
    clock, project = ManualClock(), Project(100)
    capacity = Capacity(project.read, clock.now)
    for _ in range(10):
        assert capacity.take(SERVER)
        clock.advance(REFRESH)
    assert project.reads == 1


def test_workers_share_the_quota() -> None:
    capacity = Capacity(Project(4).read, workers=2)
    assert [capacity.take(SERVER) for _ in range(3)] == [True, True, False]


def test_limit_of_the_run_holds() -> None:
    capacity = Capacity(Project(10).read, has_room_in_run=lambda servers: servers < 2)
    assert capacity.take(SERVER)
    assert not capacity.take(Counter(servers=2))


@pytest.mark.parametrize(
    "answer",
    [
        None,
        [],
        {"limits": []},
        {"limits": {"absolute": None}},
        {"limits": {"absolute": {"maxTotalInstances": -1}}},
        {"limits": {"absolute": {"maxTotalInstances": "many", "totalInstancesUsed": []}}},
    ],
)
def test_answer_without_a_limit_is_no_limit(answer: object) -> None:
    capacity = Capacity(lambda _: answer)
    assert all(capacity.take(SERVER) for _ in range(1000))


def test_resource_without_a_quota_always_fits() -> None:
    project = Project(0)
    assert Capacity(project.read).take(Counter())
    assert project.reads == 0
