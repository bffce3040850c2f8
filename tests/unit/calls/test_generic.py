"""Requests without a row in the tables: the started work is found and followed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import requests
from keystoneauth1.session import Session
from keystoneauth1.token_endpoint import Token

from pytest_osfutures.calls.context import ClientContext
from pytest_osfutures.calls.retrying import start_retried
from pytest_osfutures.calls.start import start_once
from pytest_osfutures.clock import ManualClock
from pytest_osfutures.engine.loop import SteppedEngine
from pytest_osfutures.errors import (
    AmbiguousRequest,
    InvalidArgument,
    ObjectCreationError,
    OperationFailed,
    UnknownOperation,
)
from pytest_osfutures.fakecloud.shells.adapter import FunctionAdapter
from pytest_osfutures.futures import OperationFuture
from pytest_osfutures.policy import Retry
from pytest_osfutures.transport.client import ApiClient
from tests.unit.api import answer, lost_after

BASE = "http://cloud.test/v1"
ID = "9ad7cbab-fdb0-4ef4-b357-a5594b01898b"
LB = "88d0d585-0deb-41d3-a331-99583375d1db"
NAMED = {"x-openstack-request-id": "req-1"}
Step = Callable[[requests.PreparedRequest], requests.Response]


class Script(FunctionAdapter):
    """Answers each request with the next answer of its script; the last one stays."""

    def __init__(self, **_: Any) -> None:
        super().__init__(self.answer)
        self.answers: dict[str, list[tuple[int, Any, dict[str, str]]]] = {}
        self.sent: list[requests.PreparedRequest] = []

    def on(self, request: str, *answers: Any) -> None:
        """Answer `request` ("GET /stacks") with these: a status, or status, body and headers."""
        self.answers[request] = [
            (each, None, {}) if isinstance(each, int) else (*each, {})[:3] for each in answers
        ]

    def answer(self, request: requests.PreparedRequest, _: float | None) -> requests.Response:
        self.sent.append(request)
        key = f"{request.method} {str(request.url).removeprefix(BASE)}"
        script = self.answers.get(key, [(404, None, {})])
        status, body, headers = script.pop(0) if len(script) > 1 else script[0]
        if status == 0:
            return lost_after(lambda: answer(200))
        made: requests.Response = answer(status, body, {**NAMED, **headers})
        made.request, made.url = request, str(request.url)
        return made

    def count(self, method: str) -> int:
        """How many requests of a method were sent."""
        return sum(each.method == method for each in self.sent)


class Stage:
    """A script behind a real session, and a stepped engine."""

    def __init__(self, service: str = "orchestration") -> None:
        self.script, self.clock = Script(), ManualClock()
        self.engine = SteppedEngine(self.clock)
        http = requests.Session()
        http.mount("http://", self.script)
        self.session = Session(auth=Token(BASE, "token"), session=http)
        self.context = ClientContext(
            engine=self.engine,
            api_client=ApiClient(self.session),
            service=service,
            to_client_object=lambda kind, body, plain: dict(body),
            run="run",
        )

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Callable[[], Any]:
        """A plain call of one request."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return lambda: self.session.request(BASE + path, method, json=body, headers=named)

    def start(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """The future of one request."""
        return start_once(self.context, self.call(method, path, body, **headers))

    def end(self, future: OperationFuture[Any]) -> Any:
        """Return the result or the error of a future, after any time."""
        self.engine.run_until(future.done, 4000)
        error = future.exception(0)
        return future.result(0) if error is None else error


@pytest.fixture
def stage() -> Stage:
    return Stage()


def stack(status: str, why: str = "") -> tuple[int, Any]:
    """A stack as Heat shows it."""
    inner = {"id": ID, "stack_status": status, "stack_status_reason": why}
    return 200, {"stack": inner}


MADE = (201, {"stack": {"id": ID, "links": []}}, {"Location": f"{BASE}/stacks/web/{ID}"})
STACK = f"/stacks/web/{ID}"


def test_a_create_is_followed_to_its_end(stage: Stage) -> None:
    stage.script.on("POST /stacks", MADE)
    stage.script.on(
        f"GET {STACK}", stack("CREATE_IN_PROGRESS"), stack("CREATE_IN_PROGRESS"),
        stack("CREATE_COMPLETE"),
    )  # fmt: skip
    future = stage.start("POST", "/stacks", {"stack_name": "web"})
    assert not future.done()
    assert (future.operation, future.resource_id) == ("POST orchestration /stacks", ID)
    assert "POST orchestration /stacks" in repr(future)
    assert stage.end(future)["stack_status"] == "CREATE_COMPLETE"
    assert [seen.status for seen in future.history] == ["CREATE_IN_PROGRESS", "CREATE_COMPLETE"]


def test_a_failed_create_tells_the_clouds_reason_and_is_undone(stage: Stage) -> None:
    stage.script.on("POST /stacks", MADE)
    stage.script.on(f"GET {STACK}", stack("CREATE_IN_PROGRESS"), stack("CREATE_FAILED", "no luck"))
    future = stage.start("POST", "/stacks", {"stack_name": "web"})
    error = stage.end(future)
    assert isinstance(error, ObjectCreationError)
    assert "CREATE_FAILED: no luck" in error.why
    stage.script.on(f"DELETE {STACK}", 204)
    stage.script.on(
        f"GET {STACK}", stack("CREATE_FAILED"), stack("DELETE_IN_PROGRESS"),
        stack("DELETE_IN_PROGRESS"), stack("DELETE_COMPLETE"),
    )  # fmt: skip
    gone = future.undo()
    stage.engine.run_until(lambda: stage.script.count("DELETE") > 0, 10)
    assert not gone.done()
    assert stage.end(gone) is None


def test_a_retried_create_is_deleted_and_made_again(stage: Stage) -> None:
    stage.script.on("POST /stacks", MADE)
    stage.script.on(
        f"GET {STACK}", stack("CREATE_IN_PROGRESS"), stack("CREATE_FAILED"), stack("CREATE_FAILED"),
        stack("DELETE_IN_PROGRESS"), stack("DELETE_COMPLETE"), stack("CREATE_COMPLETE"),
    )  # fmt: skip
    stage.script.on(f"DELETE {STACK}", 204)
    future = start_retried(stage.context, stage.call("POST", "/stacks", {}), Retry(tries=2))
    assert stage.end(future)["stack_status"] == "CREATE_COMPLETE"
    assert (stage.script.count("POST"), stage.script.count("DELETE")) == (2, 1)


def test_a_lost_create_is_never_sent_again(stage: Stage) -> None:
    stage.script.on("POST /stacks", 0)
    future = start_retried(stage.context, stage.call("POST", "/stacks", {}), 3)
    assert isinstance(stage.end(future), AmbiguousRequest)
    assert stage.script.count("POST") == 1


def test_an_accepted_request_without_a_body_is_followed_by_its_path(stage: Stage) -> None:
    stage = Stage("baremetal")
    path = f"/nodes/{ID}/states/provision"

    def node(state: str, target: str | None, error: str | None = None) -> tuple[int, Any]:
        shown = {"provision_state": state, "target_provision_state": target, "last_error": error}
        return 200, {"uuid": ID, "fault": "clean failure", **shown}

    stage.script.on(f"PUT {path}", (202, None, {"Location": f"{BASE}/nodes/{ID}/states"}))
    stage.script.on(
        f"GET /nodes/{ID}", node("available", None, "old"), node("available", None, "old"),
        node("deploying", "active"), node("deploying", "active", "boom"),
        node("deploy failed", "active", "boom"),
    )  # fmt: skip
    version = {"X_OpenStack_Ironic_API_Version": "1.90"}
    future = stage.start("PUT", path, {"target": "active"}, **version)
    assert future.operation == "PUT baremetal /nodes/{id}/states/provision active"
    error = stage.end(future)
    assert isinstance(error, OperationFailed)
    assert "deploy failed: boom" in error.why
    reads = [each for each in stage.script.sent if each.method == "GET"]
    assert {each.headers["X-OpenStack-Ironic-API-Version"] for each in reads} == {"1.90"}
    with pytest.raises(InvalidArgument, match="nothing that would undo it"):
        future.undo()


def test_a_part_of_a_load_balancer_is_done_when_its_tree_is(stage: Stage) -> None:
    stage = Stage("load-balancer")

    def listener(status: str) -> dict[str, Any]:
        shown = {"id": ID, "provisioning_status": status, "loadbalancers": [{"id": LB}]}
        return {"listener": shown}

    def balancer(status: str) -> tuple[int, Any]:
        return 200, {"loadbalancer": {"id": LB, "provisioning_status": status}}

    stage.script.on("POST /lbaas/listeners", (201, listener("PENDING_CREATE")))
    stage.script.on(f"GET /lbaas/listeners/{ID}", (200, listener("ACTIVE")))
    stage.script.on(
        f"GET /lbaas/loadbalancers/{LB}", balancer("PENDING_UPDATE"), balancer("ACTIVE")
    )
    future = stage.start("POST", "/lbaas/listeners", {"listener": {}})
    assert stage.end(future)["provisioning_status"] == "ACTIVE"
    asked = [each for each in stage.script.sent if str(each.url).endswith(LB)]
    assert len(asked) == 2


def test_a_deletion_ends_when_the_service_answers_404(stage: Stage) -> None:
    share = {"share": {"id": ID, "status": "deleting"}}
    stage.script.on(f"DELETE /shares/{ID}", 202)
    stage.script.on(f"GET /shares/{ID}", (200, share), (200, share), (200, share), (404, {}))
    future = stage.start("DELETE", f"/shares/{ID}")
    assert not future.done()
    assert stage.end(future) is None
    with pytest.raises(InvalidArgument):
        future.undo()


@pytest.mark.parametrize(
    ("method", "path", "answered"),
    [
        ("POST", "/things", (201, {"thing": {"id": ID, "status": "ACTIVE", "size": 1}})),
        ("POST", "/things", (201, {"thing": {"id": ID, "size": 1}})),
        ("PUT", f"/things/{ID}", (200, {"thing": {"id": ID, "size": 1}})),
        ("PUT", f"/things/{ID}/tags/x", (204, None)),
        ("DELETE", f"/things/{ID}", (204, None)),
    ],
)
def test_a_request_complete_with_its_answer_is_done_at_once(
    stage: Stage, method: str, path: str, answered: Any
) -> None:
    stage.script.on(f"{method} {path}", answered)
    future = stage.start(method, path, {})
    assert future.done()
    assert future.result(0).status_code == answered[0]
    assert future.operation == ""
    with pytest.raises(InvalidArgument):
        future.undo()


SERVER, VOLUME, IMAGE = f"/servers/{ID}", f"/volumes/{ID}", f"/images/{ID}"


@pytest.mark.parametrize(
    ("service", "method", "path", "body", "answered"),
    [
        ("compute", "POST", f"{SERVER}/action", {"lock": None}, (202, None)),
        ("compute", "DELETE", f"{SERVER}/tags/x", None, (204, None)),
        ("block-storage", "POST", f"{VOLUME}/action", {"os-reserve": None}, (202, None)),
        ("block-storage", "POST", f"{VOLUME}/action", {"os-begin_detaching": None}, (202, None)),
        ("block-storage", "DELETE", f"{VOLUME}/metadata/x", None, (200, None)),
        ("block-storage", "POST", f"/types/{ID}/action", {"addProjectAccess": {}}, (202, None)),
        ("image", "POST", f"{IMAGE}/members", {"member": LB}, (200, {"status": "pending"})),
        ("image", "DELETE", f"{IMAGE}/tags/x", None, (204, None)),
        ("network", "DELETE", f"/ports/{ID}/bindings/host", None, (204, None)),
        ("network", "DELETE", f"/trunks/{ID}/tags", None, (204, None)),
    ],
)
def test_a_synchronous_request_is_done_without_a_read(
    service: str, method: str, path: str, body: Any, answered: Any
) -> None:
    stage = Stage(service)
    stage.script.on(f"{method} {path}", answered)
    busy = {"status": "attaching", "OS-EXT-STS:task_state": "rebooting"}
    for resource in (SERVER, VOLUME, IMAGE):
        stage.script.on(f"GET {resource}", (200, {"thing": {"id": ID, **busy}}))
    future = stage.start(method, path, body)
    assert future.done()
    assert (future.operation, future.result(0).status_code) == ("", answered[0])
    assert stage.script.count("GET") == 0


def test_an_unknown_operation_is_a_warning(stage: Stage) -> None:
    stage.script.on("POST /things/find", 202)
    with pytest.warns(UnknownOperation, match="cannot be followed") as warned:
        future = stage.start("POST", "/things/find", {})
    assert warned[0].filename == __file__
    assert future.done()
    assert future.operation == "unknown: POST orchestration /things/find"
    assert "unknown: POST orchestration /things/find" in repr(future)
    with pytest.raises(InvalidArgument):
        future.undo()


def test_an_unknown_operation_is_an_error_if_wanted(stage: Stage) -> None:
    stage.script.on("POST /things/find", 202)
    stage.context = replace(stage.context, unknown="error")
    future = stage.start("POST", "/things/find", {})
    assert future.sync_res.status_code == 202
    with pytest.raises(UnknownOperation, match=r"POST orchestration /things/find was accepted"):
        future.result(0)


def test_a_retried_call_that_is_done_cannot_be_undone(stage: Stage) -> None:
    stage.script.on("POST /things", (201, {"thing": {"id": ID, "size": 1}}))
    future = start_retried(stage.context, stage.call("POST", "/things", {}), 1)
    assert stage.end(future).status_code == 201
    with pytest.raises(InvalidArgument, match="nothing that would undo it"):
        future.undo()
    assert stage.script.count("DELETE") == 0


def test_an_early_undo_of_an_irreversible_call_fails(stage: Stage) -> None:
    path, gone = f"/things/{ID}", []
    stage.script.on(f"PUT {path}", 503, (200, {"thing": {"id": ID, "size": 1}}))
    plain = stage.call("PUT", path, {})

    def call() -> Any:
        if stage.script.count("PUT"):
            gone.append(future.undo())
        return plain()

    future = start_retried(stage.context, call, 2)
    assert stage.end(future).status_code == 200
    assert isinstance(stage.end(gone[0]), InvalidArgument)
