"""A used server is clean if nothing but what a rebuild restores has changed."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_osfutures.plugin.reuse import NotCleanError, check_clean
from pytest_osfutures.stamp import EXPIRES, Stamp

STAMP = Stamp("0" * 16, "1" * 16, 100).metadata()
SERVER: dict[str, Any] = {
    "id": "4711",
    "status": "ACTIVE",
    "OS-EXT-STS:task_state": None,
    "metadata": {**STAMP, "role": "web"},
    "addresses": {"net": [{"addr": "10.0.0.1"}, {"addr": "fd00::1"}]},
    "security_groups": [{"name": "a"}, {"name": "b"}],
    "flavor": {"original_name": "m1.tiny"},
    "image": {"id": "i", "links": ["one"]},
    "os-extended-volumes:volumes_attached": [],
}


@pytest.mark.parametrize(
    "now",
    [
        {},
        {"metadata": {**STAMP, EXPIRES: "200", "role": "web"}},
        {"security_groups": [{"name": "b"}, {"name": "a"}]},
        {"image": {"id": "i", "links": []}},
        {"hostId": "moved"},
    ],
)
def test_clean(now: dict[str, Any]) -> None:
    check_clean(SERVER, {**SERVER, **now})


def test_nova_shows_security_groups_of_a_server_without_ports_once() -> None:
    bare = {**SERVER, "addresses": {}}
    now = {name: value for name, value in bare.items() if name != "security_groups"}
    check_clean(bare, now)


@pytest.mark.parametrize(
    ("now", "name"),
    [
        ({"status": "SHUTOFF"}, "status"),
        ({"OS-EXT-STS:task_state": "rebooting"}, "task_state"),
        ({"metadata": STAMP}, "metadata"),
        ({"metadata": {"role": "web"}}, "metadata"),
        ({"addresses": {"net": [{"addr": "10.0.0.1"}]}}, "addresses"),
        ({"security_groups": [{"name": "a"}]}, "security_groups"),
        ({"flavor": {"original_name": "m1.small"}}, "flavor"),
        ({"os-extended-volumes:volumes_attached": [{"id": "v"}]}, "volumes_attached"),
    ],
)
def test_changed(now: dict[str, Any], name: str) -> None:
    with pytest.raises(NotCleanError, match=name):
        check_clean(SERVER, {**SERVER, **now})
