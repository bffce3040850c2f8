"""Nonsense is refused: no request, whatever is in it, breaks the fake's Nova or Keystone."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_osfutures.fakecloud.kernel.wire import UrlRoute
from pytest_osfutures.fakecloud.services.compute.responses.actions import ACTIONS
from pytest_osfutures.fakecloud.services.compute.urls import ROUTES as COMPUTE
from pytest_osfutures.fakecloud.services.identity.urls import ROUTES as IDENTITY
from tests.fakecloud.asking import Asker

NONSENSE: list[Any] = [None, {}, [], "x", "", 1, -1, True, [1], [None], [{}], {"a": 1}, {"a": None}]
ENVELOPES = {
    "server": [
        *("name", "flavorRef", "imageRef", "adminPass", "metadata", "networks", "tags", "host"),
        *("availability_zone", "config_drive", "user_data", "key_name", "security_groups"),
        *("block_device_mapping_v2", "min_count", "max_count", "description", "hostname"),
    ],
    "volumeAttachment": ["volumeId", "device", "tag", "delete_on_termination"],
    "interfaceAttachment": ["net_id", "port_id", "fixed_ips"],
    "keypair": ["name", "public_key", "type"],
    "server_group": ["name", "policy", "rules"],
    "flavor": ["name", "ram", "vcpus", "disk", "swap", "id", "description"],
    "quota_set": ["cores"],
    "metadata": ["a"],
    "meta": ["a"],
    "tags": [],
    "extra_specs": ["a"],
    "share": ["share_id"],
    "auth": ["identity", "scope"],
    "application_credential": ["name", "secret", "roles"],
}
QUERIES = ("limit=x", "limit=-1", "marker=x", "changes-since=x", "sort_key=x", "offset=x", "name=[")
WHOLE: dict[str, dict[str, Any]] = {
    "flavor": {"name": "q", "ram": 1, "vcpus": 1, "disk": 1},
    "keypair": {"name": "q", "public_key": "ssh-rsa AAAA"},
    "server_group": {"name": "q", "policy": "affinity"},
    "volumeAttachment": {"volumeId": "x"},
}
# Where the real Nova answers 500 as well.
BROKEN_IN_NOVA = ("/shares", "/action")


def bodies(asker: Asker) -> list[Any]:
    """Nonsense alone, in each envelope, and in each field of an otherwise good body."""
    good: dict[str, Any] = {
        "name": "x",
        "flavorRef": asker.flavor(),
        "imageRef": asker.image(),
        "networks": "none",
    }
    whole = WHOLE | {"server": good}
    found = list(NONSENSE)
    for envelope, fields in ENVELOPES.items():
        found += [{envelope: one} for one in NONSENSE]
        for field in fields:
            found += [{envelope: whole.get(envelope, {}) | {field: one}} for one in NONSENSE]
    return found


def path_of(prefix: str, route: UrlRoute, asker: Asker, server_id: str) -> str:
    values = {"server_id": server_id, "project_id": asker.project_id, "flavor_id": asker.flavor()}
    path = prefix + route.path
    for name, value in values.items():
        path = path.replace(f"{{{name}}}", value)
    return path.replace("{", "").replace("}", "")


@pytest.mark.parametrize("user", ["demo", "admin"])
def test_bodies(demo: Asker, user: str) -> None:
    asker = Asker(demo.cloud, user, version="2.104")
    server_id, tried = asker.active(), bodies(asker)
    for prefix, routes in (("/compute", COMPUTE), ("/identity", IDENTITY)):
        for route in routes:
            if route.method not in ("POST", "PUT"):
                continue
            path = path_of(prefix, route, asker, server_id)
            for body in tried:
                response = asker(route.method, path, body)
                allowed = response.status < 500 or path.endswith(BROKEN_IN_NOVA)
                assert allowed, (route, body, response.body)
    demo.clock.advance(100)  # what was accepted does not break later either
    assert asker("GET", "/servers/detail").status == 200


@pytest.mark.parametrize("action", ACTIONS)
def test_actions(admin: Asker, action: str) -> None:
    more: list[Any] = [{"name": 1}, {"name": "x", "metadata": 1}, {"imageRef": 1}, {"host": 1}]
    more += [{"state": []}, {"name": "x", "backup_type": 1, "rotation": "x"}, {"length": "x"}]
    server_id = admin.active()
    for arguments in NONSENSE + more:
        if admin.state(server_id) != ("ACTIVE", None):
            server_id = admin.active()
        assert admin.act(server_id, **{action: arguments}).status < 500
        admin.clock.advance(60)


def test_queries(demo: Asker) -> None:
    server_id = demo.active()
    for route in COMPUTE:
        if route.method == "GET" and not route.public:
            path = path_of("/compute", route, demo, server_id)
            for query in QUERIES:
                assert demo("GET", f"{path}?{query}").status < 500


def test_a_body_that_is_no_object(demo: Asker) -> None:
    for path in ("/servers", f"/servers/{demo.active()}/action", "/os-keypairs"):
        assert demo("POST", path, "{").status == 400
