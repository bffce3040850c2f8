"""One plain call: the operation that it has started, and its watch."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_osfutures.calls.context import ClientContext
from pytest_osfutures.calls.recognise import recognise
from pytest_osfutures.calls.submit import submit, submit_stamped
from pytest_osfutures.clock import ManualClock
from pytest_osfutures.engine.loop import SteppedEngine
from pytest_osfutures.operations.judge import Succeeded
from pytest_osfutures.transport.capture import Exchange
from tests.unit.api import CINDER, CLOUD, NOVA, Api, answers, context, lost_before
from tests.unit.scripted import row


@pytest.fixture
def bound(api: Api, clock: ManualClock) -> ClientContext:
    return context(api, SteppedEngine(clock))


def post(bound: ClientContext, path: str, body: Any, **options: Any) -> Any:
    """A plain call of one request."""
    return bound.api_client.session.post(f"{NOVA}{path}", json=body, **options)


def test_the_operation_of_the_accepted_request_is_found(
    bound: ClientContext, clock: ManualClock
) -> None:
    clock.advance(3)
    made = submit(bound, lambda: post(bound, "/servers", {"server": {"name": "web"}}))
    assert made.plain.status_code == 202
    assert made.operation is not None
    assert made.operation.name == "server.create"
    assert made.resource_id == "server-1"
    watch = made.watch(None, lambda _: None)
    assert watch.accepted_at == 3
    assert watch.tout == made.operation.tout
    assert watch.request_id == "req-server-1"
    assert watch.resource_name == "web"
    assert made.watch(7.0, lambda _: None).tout == 7


def test_the_watch_reads_at_the_requests_microversion(bound: ClientContext) -> None:
    headers = {"OpenStack-API-Version": "compute 2.90"}
    made = submit(bound, lambda: post(bound, "/servers", {"server": {}}, headers=headers))
    assert made.watch(None, lambda _: None).versions == {"compute": "2.90"}


def test_the_last_request_that_is_known_counts(bound: ClientContext) -> None:
    def call() -> str:
        post(bound, "/servers", {"server": {}})
        post(bound, "/servers/server-1/action", {"os-stop": None})
        post(bound, "/os-keypairs", {"keypair": {"name": "k"}})
        return "plain"

    made = submit(bound, call)
    assert made.plain == "plain"
    assert made.operation is not None
    assert made.operation.name == "server.stop"


def test_the_undo_of_a_call_deletes_the_resource_of_an_earlier_request(
    bound: ClientContext,
) -> None:
    def call() -> None:
        post(bound, "/servers", {"server": {}})
        post(bound, "/servers/server-1/action", {"os-stop": None})

    made = submit(bound, call)
    assert made.operation is not None
    assert made.operation.creates
    assert made.operation.undo == row("server.create").undo
    assert row("server.stop").undo is None


def test_a_call_of_several_requests_undoes_the_last_ones_resource(bound: ClientContext) -> None:
    def call() -> None:
        post(bound, "/servers", {"server": {}})
        post(bound, "/servers", {"server": {}})
        post(bound, "/servers/server-2/action", {"os-stop": None})
        post(bound, "/servers/server-1/action", {"os-start": None})

    made = submit(bound, call)
    assert (made.resource_id, made.operation and made.operation.creates) == ("server-1", True)
    stopped = submit(bound, lambda: post(bound, "/servers/server-1/action", {"os-stop": None}))
    assert stopped.operation is row("server.stop")


def test_a_request_that_was_refused_has_started_nothing(bound: ClientContext, api: Api) -> None:
    api.fault("POST", "/servers", answers(409))
    made = submit(bound, lambda: post(bound, "/servers", {"server": {}}, raise_exc=False))
    assert made.operation is None
    assert made.resource_id is None


def test_an_error_of_the_call_is_raised_and_its_requests_are_returned(
    bound: ClientContext, api: Api
) -> None:
    api.fault("POST", "/servers", lost_before)
    sent: list[Exchange] = []
    with pytest.raises(Exception, match=r"cloud\.test"):
        submit(bound, lambda: post(bound, "/servers", {"server": {}}), sent=sent)
    assert [each.url for each in sent] == [f"{NOVA}/servers"]


def test_the_catalog_is_there_before_the_request_leaves(bound: ClientContext, api: Api) -> None:
    api.fault("POST", "/auth/tokens", answers(503))
    with pytest.raises(Exception, match="503"):
        submit(bound, lambda: post(bound, "/servers", {"server": {}}))
    assert api.servers == {}


def test_a_request_outside_of_the_catalog_is_sent_as_it_is(bound: ClientContext, api: Api) -> None:
    url = "http://elsewhere.test/nothing"
    made = submit(bound, lambda: bound.api_client.session.post(url, json={}, raise_exc=False))
    assert made.plain.status_code == 404
    assert (made.operation, made.unfollowed) == (None, None)
    assert api.count("POST", url) == 1


@pytest.mark.parametrize(
    ("method", "url", "body", "name"),
    [
        ("POST", f"{NOVA}/servers", {"server": {}}, "server.create"),
        ("DELETE", f"{NOVA}/servers/1", None, "server.delete"),
        ("POST", f"{NOVA}/servers/1/action", {"reboot": {"type": "HARD"}}, "server.reboot_hard"),
        ("POST", f"{CINDER}/volumes", {"volume": {"size": 1}}, "volume.create"),
        ("DELETE", f"{CINDER}/snapshots/1", None, "snapshot.delete"),
        ("POST", f"{CLOUD}/identity/v3/servers", {}, None),
        ("POST", "http://elsewhere.test/nothing", {}, None),
        ("PUT", f"{NOVA}/servers/1", {"server": {}}, None),
    ],
)
def test_a_request_is_recognised_by_service_method_path_and_body(
    bound: ClientContext, method: str, url: str, body: Any, name: str | None
) -> None:
    found = recognise(bound, Exchange(method, url, {}, body, 0.0)).operation
    assert (found[0].name if found else None) == name


def test_each_request_is_looked_up_once(
    bound: ClientContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_up: list[str] = []
    find, resolve = bound.table.find, bound.api_client.resolve_url

    def counted_find(service: str, method: str, path: str, request: Any) -> Any:
        looked_up.append(path)
        return find(service, method, path, request)

    def counted_resolve(url: str, service: str) -> Any:
        looked_up.append(url)
        return resolve(url, service)

    monkeypatch.setattr(bound.table, "find", counted_find)
    monkeypatch.setattr(bound.api_client, "resolve_url", counted_resolve)
    stamp = bound.new_stamp()
    submit_stamped(bound, lambda: post(bound, "/servers", {"server": {}}), stamp)
    assert looked_up == [f"{NOVA}/servers", "/servers"]


def test_the_result_is_the_last_sight_laid_over_the_first_answer(bound: ClientContext) -> None:
    made = submit(bound, lambda: post(bound, "/servers", {"server": {}}))
    result = made.result(Succeeded({"id": "server-1", "status": "ACTIVE"}))
    assert result == {"id": "server-1", "status": "ACTIVE", "adminPass": "secret"}


def test_the_result_of_a_deletion_is_none(bound: ClientContext) -> None:
    post(bound, "/servers", {"server": {}})
    made = submit(bound, lambda: bound.api_client.session.delete(f"{NOVA}/servers/server-1"))
    assert made.result(Succeeded(None)) is None


def test_a_lazy_resource_is_not_asked_for_its_name(bound: ClientContext) -> None:
    class Lazy:
        def __getattr__(self, name: str) -> Any:
            raise AssertionError(f"asked the cloud for {name}")

    def call() -> Lazy:
        post(bound, "/servers", {"server": {}})
        return Lazy()

    assert submit(bound, call).watch(None, lambda _: None).resource_name is None
