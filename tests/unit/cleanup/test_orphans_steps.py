"""One step of a deletion: a read, then the request that fits the state."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_osfutures.cleanup.orphans import delete_step
from pytest_osfutures.commands import reap
from pytest_osfutures.operations import OWNED_TYPES
from pytest_osfutures.ownership.resource import StampedResource, read_resource
from pytest_osfutures.stamp import Stamp
from tests.unit.api import answer

MINE = Stamp("00112233aabbccdd", "0011223344556677", 4_000_000_000)
SERVER = StampedResource(OWNED_TYPES["server"], "a", MINE, "web")


class Scripted:
    """A client with given responses, which records the requests."""

    def __init__(self, shown: Any, status: int = 200, change: int = 204) -> None:
        self.shown = shown
        self.status = status
        self.change = change
        self.sent: list[tuple[str, str, Any]] = []

    def send(self, method: str, service: str, path: str, body: Any, microversion: str = "") -> Any:
        del service, microversion
        if method == "GET":
            return answer(self.status, {"server": self.shown})
        self.sent.append((method, path, body))
        return answer(self.change, {"conflictingRequest": {"code": 409, "message": "locked"}})


def server(status: str = "ACTIVE", task: str | None = None, mark: Stamp | None = MINE) -> Any:
    metadata = mark.metadata() if mark is not None else {}
    return {"id": "a", "status": status, "OS-EXT-STS:task_state": task, "metadata": metadata}


DELETE = ("DELETE", "/servers/a", None)
FORCE = ("POST", "/servers/a/action", {"forceDelete": None})


@pytest.mark.parametrize(
    ("shown", "sent"),
    [
        (server(), [DELETE]),
        (server("ERROR"), [DELETE]),
        (server("SOFT_DELETED"), [FORCE]),
        (server(task="deleting"), []),
        (server("deleting"), []),
        (server("DELETED"), []),
        (server(mark=None), []),
        (server(mark=Stamp(MINE.run, "7766554433221100", MINE.expires)), []),
        (server(mark=Stamp("ffeeddccbbaa9988", MINE.operation, MINE.expires)), []),
    ],
)
def test_only_the_same_stamp_allows_a_deletion(shown: Any, sent: list[Any]) -> None:
    api_client: Any = Scripted(shown)
    delete_step(api_client, SERVER)
    assert api_client.sent == sent


@pytest.mark.parametrize(("status", "there"), [("ACTIVE", True), ("DELETED", False)])
def test_a_server_in_status_deleted_is_gone(status: str, there: bool) -> None:
    api_client: Any = Scripted(server(status))
    assert (read_resource(api_client, SERVER) is not None) is there


@pytest.mark.parametrize(
    ("change", "why"), [(204, "deleted"), (202, "deleted"), (409, "409: locked"), (404, None)]
)
def test_a_step_returns_the_reason_of_a_refusal(change: int, why: str | None) -> None:
    api_client: Any = Scripted(server(), change=change)
    told = delete_step(api_client, SERVER)
    assert told is None if why is None else why in (told or "")


def test_a_dry_run_prints_all_resources(capsys: pytest.CaptureFixture[str]) -> None:
    other = StampedResource(OWNED_TYPES["volume"], "v", MINE, "disk")
    assert reap._print_would_delete([SERVER, other]) == 2
    told = "would delete server web (a)\nwould delete volume disk (v)\n"
    assert capsys.readouterr().out == told
