"""No wrong type reaches the models: odd values in each place of valid requests.

`OSF_FUZZ_VALUES` is the number of odd values that are tried in each place; a run with all of them
takes minutes. The first of them is tried in each run of the tests, the others are marked slow.
"""

from __future__ import annotations

import itertools
import json
import os
import re
from typing import Any

import pytest

from tests.fakecloud.test_fuzz import changed, places, routes
from tests.fakecloud.valid_requests import REQUESTS, SETTLED_SECONDS, ValidRequest, World

ODD: list[Any] = [
    *([], "-1", {"a": [{}]}, 5, [None], {}, "\x00", True, [[]], "²", None, "9" * 5000, -1, 1.5),
    *({"a": None}, "", 10**30, ["a"], 1e308, "\ud800", "x/../y", "a" * 300, 2**40),
]
VALUES = min(int(os.environ.get("OSF_FUZZ_VALUES", "3")), len(ODD))
LISTS = [
    (service, route.path)
    for service, route in routes("GET")
    if "{" not in re.sub(r"\{(project|server)_id\}", "", route.path)
]


def check_lists(world: World) -> None:
    """Request each list now and again after all operations have ended."""
    for seconds in (0, SETTLED_SECONDS):
        world.client.clock.advance(seconds)
        for service, path in LISTS:
            named = path.replace("{project_id}", "{project}").replace("{server_id}", "{server}")
            answer = world.send("GET", service.prefix + named)
            json.dumps(None if isinstance(answer.body, bytes) else answer.body)
            assert answer.status < 500, (path, answer.body)


@pytest.mark.parametrize("good", REQUESTS, ids=str)
def test_valid_request_is_accepted(good: ValidRequest) -> None:
    world = World()
    world.prepare(good)
    answer = world.send(good.method, good.path, good.body, good.versions, good.headers)
    assert answer.status < 300, answer.body
    check_lists(world)


@pytest.mark.parametrize("good", REQUESTS, ids=str)
@pytest.mark.parametrize(
    "tried", [slice(1), pytest.param(slice(1, None), marks=pytest.mark.slow)], ids=["first", "rest"]
)
def test_wrong_value_is_rejected_or_harmless(good: ValidRequest, tried: slice) -> None:
    world: World | None = None
    values = itertools.cycle(ODD)
    for place in places(good.body):
        for odd in list(itertools.islice(values, VALUES))[tried]:
            if world is None:
                world = World()
                world.prepare(good)
            body = changed(good.body, place, odd)
            answer = world.send(good.method, good.path, body, good.versions, good.headers)
            assert answer.status < 500, (place, odd, answer.body)
            if answer.status < 300:
                check_lists(world)
                world = None


WRONG = {
    "server group policies": (
        *("POST", "/compute/v2.1/os-server-groups", "compute 2.1, volume 3.0"),
        {"server_group": {"name": "g", "policies": 5}},
        "policies. Value: 5. 5 is not of type 'array'",
    ),
    "public key": (
        *("POST", "/compute/v2.1/os-keypairs", "compute 2.10, volume 3.0"),
        {"keypair": {"name": "k", "public_key": []}},
        "public_key. Value: []. [] is not of type 'string'",
    ),
    "host to migrate to": (
        *("POST", "/compute/v2.1/servers/{server}/action", "compute 2.95, volume 3.0"),
        {"os-migrateLive": {"host": [], "block_migration": "auto"}},
        "host. Value: []. [] is not of type 'string', 'null'",
    ),
    "address of an interface": (
        *("POST", "/compute/v2.1/servers/{server}/os-interface", "compute 2.95, volume 3.0"),
        {"interfaceAttachment": {"net_id": "{network}", "fixed_ips": [{"ip_address": "-1"}]}},
        "ip_address. Value: -1. '-1' is not valid under any of the given schemas",
    ),
    "connector": (
        *("POST", "/volume/v3/{project}/attachments", "compute 2.95, volume 3.54"),
        {"attachment": {"volume_uuid": "{volume}", "connector": "x"}},
        "connector. Value: x. 'x' is not of type 'object', 'null'",
    ),
    "volumes of a group": (
        *("PUT", "/volume/v3/{project}/groups/{group}", "compute 2.95, volume 3.54"),
        {"group": {"add_volumes": 5}},
        "add_volumes. Value: 5. 5 is not of type 'string', 'null'",
    ),
    "keys of specs": (
        *("PUT", "/volume/v3/{project}/qos-specs/{qos}/delete_keys", "volume 3.54"),
        {"keys": [[]]},
        "0. Value: []. [] is not of type 'string'",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_type_is_rejected_with_the_real_message(name: str) -> None:
    method, path, versions, body, words = WRONG[name]
    answer = World().send(method, path, body, versions)
    assert answer.status == 400
    (message,) = (part["message"] for part in answer.body.values())
    assert message == f"Invalid input for field/attribute {words}"
