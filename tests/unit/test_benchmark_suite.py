"""The benchmark of suites: its plan, its bound, and the picture of a schedule."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree as ET

import pytest

from benchmarks.schedule_picture import picture
from benchmarks.suite import CONTESTANTS, bound, plan


def test_sixty_tests_have_the_resources_of_the_documented_table() -> None:
    tests = plan(60)
    assert sum(each.servers for each in tests) == 97
    assert sum(each.has_volume for each in tests) == 20
    assert max(each.servers for each in tests) == 3
    assert all(0.5 <= each.body <= 1.5 for each in tests)


def test_bound_is_that_of_the_bodies_or_that_of_the_quota() -> None:
    tests = plan(60)
    bodies = sum(each.body for each in tests)
    assert bodies + 3 < bound(tests, 1) < bodies + 4
    assert bound(tests, 4) == bound(tests, 8) > bodies / 4 + 4


@pytest.mark.parametrize("contestant", CONTESTANTS, ids=lambda each: each.name)
def test_modules_of_contestants_are_python(contestant: Any) -> None:
    compile(contestant.module(plan(6)), contestant.name, "exec")


def test_picture_has_a_bar_for_each_part_of_a_servers_life() -> None:
    create: dict[str, Any] = {
        "process": "1",
        "number": 1,
        "operation": "server.create",
        "accepted": 1.0,
        "began": 0.9,
        "ended": 4.0,
        "undoes": None,
    }
    undo = {**create, "number": 2, "operation": "server.delete", "began": 6.0, "ended": 8.0}
    phase = {"worker": "gw0", "phase": "call", "began": 0.0, "ended": 6.0}
    report = {
        "operations": [create, {**undo, "undoes": 1}],
        "phases": [phase],
        "waits": [{**phase, "ended": 4.0}],
    }
    root = ET.fromstring(picture(report))
    bars = [each for each in root if each.tag.endswith("rect")]
    assert len(bars) == 1 + 5 + 2 + 3  # the ground, the legend, the tests, the server
