"""The fake's Nova compared with a real Nova's responses: tests/fakecloud/captures."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from pytest_osfutures.fakecloud.kernel.wire import Response
from tests.fakecloud.api_client import ApiClient

CAPTURES = Path(__file__).parent / "captures"
FLAVORS = {
    "9a783be2-4696-406c-8514-fb0161a15c89": "m1.nano",
    "5d388757-a382-4d26-8e71-e33610741e9f": "m1.tiny",
    "277f9f8f-a0fc-4aa5-9ab4-7c7a1f065455": "m1.huge",
}
IMAGE = "23e208fd-9155-4312-b0ec-5209a91f9fcf"
NETWORK = "f8422ec5-e41b-4177-b73b-bb395e01fc84"
# Headers of the transport, or of the deployment of the real cloud.
NOT_COMPARED = {"connection", "content-length"}
# Keys whose values depend on the time of the request or on earlier requests.
FREE_KEYS = {"addresses", "security_groups"}
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def pairs(name: str) -> list[dict[str, Any]]:
    """Return the requests and responses of a capture, with the fake's network name."""
    text = (CAPTURES / f"{name}.json").read_text().replace('"shared":', '"private":')
    return list(json.loads(text))


class Replay:
    """Sends the requests of a capture to the fake, with the fake's ids instead of the real ids."""

    def __init__(self, client: ApiClient) -> None:
        self.client = client
        self.ids = {real: client.flavor(name) for real, name in FLAVORS.items()}
        self.ids |= {IMAGE: client.image(), NETWORK: client.network()}

    def translated(self, text: str) -> str:
        return UUID.sub(lambda match: self.ids.get(match[0], match[0]), text)

    def send(self, pair: dict[str, Any]) -> Response:
        request = pair["request"]
        body = request["body"]
        if body is not None:
            body = json.loads(self.translated(json.dumps(body)))
        version = request["headers"].get("OpenStack-API-Version")
        headers = {} if version is None else {"OpenStack-API-Version": version}
        if version is None:
            self.client.version = "2.1"
        path = self.translated(request["path"])
        if path == "/":
            path = "/compute/v2.1/"
        response = self.client(request["method"], path, body, headers)
        if request["method"] == "POST" and path == "/servers" and response.status == 202:
            self.ids[pair["response"]["body"]["server"]["id"]] = response.body["server"]["id"]
        return response

    def poll(self, pair: dict[str, Any]) -> Response:
        """Advance the clock until the fake is in the captured state."""
        wanted = pair["response"]
        state = look(wanted["status"], wanted["body"])
        for _ in range(4000):
            response = self.send(pair)
            if look(response.status, response.body) == state:
                return response
            self.client.clock.advance(0.01)
        raise AssertionError(f"never seen: {state}")

    def play(self, name: str, start: int = 0) -> None:
        """Send all requests and compare all responses."""
        for number, pair in enumerate(pairs(name)[start:], start):
            response = self.poll(pair) if "at" in pair else self.send(pair)
            compare(self, f"{name}[{number}]", pair["response"], response)


def look(status: int, body: Any) -> tuple[Any, ...]:
    """Return the values for which a poller waits."""
    server = body.get("server", {}) if isinstance(body, dict) else {}
    return status, server.get("status"), server.get("OS-EXT-STS:task_state")


def compare(replay: Replay, where: str, real: dict[str, Any], fake: Response) -> None:
    """Compare status, headers and keys, and messages except for ids."""
    assert fake.status == real["status"], (where, fake.body)
    names = {name.lower() for name in real["headers"]} - NOT_COMPARED
    assert {name.lower() for name in fake.headers} == names, where
    real_type = real["headers"]["Content-Type"]
    assert fake.headers["Content-Type"] == real_type, where
    for name in ("OpenStack-API-Version", "Vary"):
        assert fake.headers.get(name) == real["headers"].get(name), where
    compare_bodies(replay, where, real["body"] or None, fake.body)


def compare_bodies(replay: Replay, where: str, real: Any, fake: Any) -> None:
    if isinstance(real, dict):
        assert isinstance(fake, dict), where
        free = FREE_KEYS if "id" in real else set()
        assert fake.keys() - free == real.keys() - free, where
        for key in real.keys() & fake.keys():
            compare_bodies(replay, f"{where}.{key}", real[key], fake[key])
    elif isinstance(real, list):
        assert isinstance(fake, list), where
        if real and fake:
            compare_bodies(replay, f"{where}[0]", real[0], fake[0])
    elif where.endswith((".message", ".code", ".status", "task_state", "vm_state", "progress")):
        # the repr of a request's body shows its ids in the same order
        assert fake == (replay.translated(real) if isinstance(real, str) else real), where
    else:
        assert type(fake) is type(real), (where, real, fake)


@pytest.fixture
def replay(demo: ApiClient) -> Replay:
    return Replay(demo)


def test_server_lifecycle_matches_captures(replay: Replay) -> None:
    replay.play("server-create")
    replay.play("server-stop")
    replay.play("server-delete")


def test_create_with_port(replay: Replay) -> None:
    replay.play("server-create-with-port")


@pytest.mark.parametrize(
    "name",
    [
        "server-error-no-valid-host",
        "server-error-build-aborted",
        "server-error-all-hosts-failed",
        "server-delete-while-building",
        "server-actions-while-building",
    ],
)
def test_failed_builds_match_captures(replay: Replay, name: str) -> None:
    replay.play(name)


def test_resize(replay: Replay) -> None:
    server_id = replay.client.active()
    replay.ids["c9275279-28f9-42e9-92ca-1d1a56d73083"] = server_id
    replay.play("server-resize-confirm")
    replay.play("server-create-image")


def test_list_pages(replay: Replay) -> None:
    ids = []
    for number in range(3):
        replay.client.clock.advance(1)
        ids.append(replay.client.create(f"page-{number}"))
    replay.client.clock.advance(60)
    replay.ids["e23b011f-6729-4058-b141-11a37bf1da34"] = ids[1]
    replay.play("server-list-pages")


def test_changes_since(replay: Replay) -> None:
    client, real = replay.client, pairs("server-changes-since")
    now = client.clock.time()
    body = {"changes-since": "2026-11-23T07:15:07Z", "future": "2026-11-23T07:15:12Z"}
    gone = client.active("race-1")
    client("DELETE", f"/servers/{gone}")
    client.clock.advance(10)
    for name in ("since-0", "since-1"):
        client.create(name)
    client.create("since-2", flavor="m1.huge")
    assert now < client.clock.time()
    since, future = iso_seconds(client.clock.time()), iso_seconds(client.clock.time() + 60)
    for pair in (real[0], real[3], real[4], real[5]):
        path = pair["request"]["path"]
        path = path.replace(body["changes-since"], since).replace(body["future"], future)
        response = client("GET", path)
        for server in response.body["servers"]:
            assert server["updated"] >= since
        assert bool(response.body["servers"]) == bool(pair["response"]["body"]["servers"])
        client.clock.advance(60) if pair is real[0] else None
    compare(replay, "malformed", real[6]["response"], replay.send(real[6]))


def iso_seconds(when: float) -> str:
    from pytest_osfutures.fakecloud.kernel.times import iso_seconds as written

    return str(written(when))


ERRORS = pairs("compute-errors")


@pytest.mark.parametrize("number", range(len(ERRORS)))
def test_errors(replay: Replay, number: int) -> None:
    pair = ERRORS[number]
    if pair["label"] == "over quota":
        replay.client.cloud.settings.quotas["instances"] = 1000
        for _ in range(3):
            replay.client.create()
    if pair["response"]["status"] == 401:
        replay.client.token = "stale"
    compare(replay, f"errors[{number}]", pair["response"], replay.send(pair))
