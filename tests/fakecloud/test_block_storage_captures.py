"""The fake's Cinder compared with a real Cinder's responses: tests/fakecloud/captures."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from pytest_osfutures.fakecloud.kernel.wire import Response
from tests.fakecloud.api_client import ApiClient

CAPTURES = Path(__file__).parent / "captures"
# Headers of the transport, or of the deployment of the real cloud.
NOT_COMPARED = {"connection", "content-length"}
# Absent in Cinder where a handler builds its own response.
PERHAPS = {"x-compute-request-id", "openstack-api-version", "vary"}
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
EXACT = (".message", ".code", ".status", ".progress", ".size", ".retryAfter", ".name", ".title",
         ".count", ".bootable", ".rel", ".shared_targets")  # fmt: skip


class Replay:
    """Sends the requests of a capture to the fake, with the fake's ids instead of the real ids."""

    def __init__(self, client: ApiClient) -> None:
        self.client = client
        self.ids: dict[str, str] = {}

    def translated(self, text: str) -> str:
        return UUID.sub(lambda match: self.ids.get(match[0], match[0]), text)

    def send(self, pair: dict[str, Any], headers: dict[str, str] | None = None) -> Response:
        request = pair["request"]
        body = request["body"]
        if body is not None:
            body = json.loads(self.translated(json.dumps(body)))
        path = self.translated(request["path"])
        if path.startswith("/servers"):
            path = f"/compute/v2.1{path}"
        else:
            path = f"/volume/v3/{self.client.project_id}{path}"
        sent = {name: request["headers"].get(name, "") for name in ("OpenStack-API-Version",)}
        response = self.client(request["method"], path, body, sent | (headers or {}))
        self.learn(pair["response"]["body"], response.body)
        return response

    def learn(self, real: Any, fake: Any) -> None:
        """Record which id of the fake corresponds to which id of the real cloud."""
        if isinstance(real, dict) and isinstance(fake, dict):
            if {"id", "status"} <= real.keys() and "id" in fake:
                self.ids[real["id"]] = fake["id"]
            for key in real.keys() & fake.keys():
                self.learn(real[key], fake[key])
        if isinstance(real, list) and isinstance(fake, list):
            for one, other in zip(real, fake, strict=False):
                self.learn(one, other)

    def poll(self, pair: dict[str, Any]) -> Response:
        """Advance the clock until the fake is in the captured state."""
        wanted = look(pair["response"]["status"], pair["response"]["body"])
        for _ in range(2000):
            response = self.send(pair)
            if look(response.status, response.body) == wanted:
                return response
            self.client.clock.advance(0.01)
        raise AssertionError(f"never seen: {wanted}")

    def play(self, name: str) -> None:
        """Send all requests and compare all responses."""
        pairs = json.loads((CAPTURES / f"{name}.json").read_text())
        for number, pair in enumerate(pairs):
            if pair["response"]["status"] == 401:
                response = self.send(pair, {"X-Auth-Token": "nobody's"})
            else:
                response = self.poll(pair) if "at" in pair else self.send(pair)
            self.compare(f"{name}[{number}]", pair["response"], response)

    def compare(self, where: str, real: dict[str, Any], fake: Response) -> None:
        """Compare status, headers and keys, and the values that do not depend on the deployment."""
        assert fake.status == real["status"], (where, fake.body)
        names = {name.lower() for name in real["headers"]} - NOT_COMPARED
        assert {name.lower() for name in fake.headers} - PERHAPS == names - PERHAPS, where
        assert fake.headers["Content-Type"] == real["headers"]["Content-Type"], where
        for name in set(real["headers"]) & {"OpenStack-API-Version", "Vary", "Retry-After"}:
            assert fake.headers[name] == real["headers"][name], where
        self.compare_bodies(where, real["body"] or None, fake.body)

    def compare_bodies(self, where: str, real: Any, fake: Any) -> None:
        if isinstance(real, dict):
            assert isinstance(fake, dict), where
            assert list(fake) == list(real) or set(fake) == set(real), where
            for key in real:
                self.compare_bodies(f"{where}.{key}", real[key], fake[key])
        elif isinstance(real, list):
            assert isinstance(fake, list), where
            assert len(fake) == len(real), where
            for one, other in zip(real, fake, strict=True):
                self.compare_bodies(where, one, other)
        elif where.endswith(EXACT):
            assert fake == (self.translated(real) if isinstance(real, str) else real), where
        else:
            assert type(fake) is type(real), (where, real, fake)


def look(status: int, body: Any) -> tuple[Any, ...]:
    """Return the values for which a poller waits."""
    kinds = body if isinstance(body, dict) else {}
    thing = kinds.get("volume") or kinds.get("snapshot") or {}
    return status, thing.get("status"), thing.get("size")


@pytest.fixture
def replay(demo: ApiClient) -> Replay:
    return Replay(demo)


def test_volume_lifecycle_matches_captures(replay: Replay) -> None:
    replay.play("volume-create")
    replay.play("volume-extend")
    replay.play("snapshot")
    replay.play("volume-delete")


def test_volume_attachment_matches_captures(replay: Replay) -> None:
    server_id = replay.client.active()
    replay.ids["05bb0723-a9df-49b0-a20a-4b60b5d57078"] = server_id
    volume = {"volume": {"size": 2, "name": "cap"}}
    path = f"/volume/v3/{replay.client.project_id}/volumes"
    made = replay.client("POST", path, volume, {"OpenStack-API-Version": "volume 3.70"})
    replay.client.clock.advance(10)
    replay.ids["e9a5fc1d-60e6-40c2-8292-380455348c26"] = made.body["volume"]["id"]
    replay.play("volume-attach-detach")


def test_pages(replay: Replay) -> None:
    path = f"/volume/v3/{replay.client.project_id}/volumes"
    for _ in range(3):
        replay.client("POST", path, {"volume": {"size": 1, "name": "page"}})
    listed = [row["id"] for row in replay.client.get(path)["volumes"]]
    real = json.loads((CAPTURES / "volume-list-pages.json").read_text())
    pages = [*real[0]["response"]["body"]["volumes"], *real[1]["response"]["body"]["volumes"]]
    replay.ids = {row["id"]: listed[number] for number, row in enumerate(pages)}
    replay.play("volume-list-pages")


def test_errors(replay: Replay) -> None:
    replay.play("volume-errors")
