"""Promise 5: a request whose answer was lost is reconciled."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from typing import Any

import pytest
import requests

from pytest_osfutures.calls.retrying import start_retried
from pytest_osfutures.calls.start import start_once
from pytest_osfutures.engine.loop import SteppedEngine
from pytest_osfutures.errors import AmbiguousRequest, OperationFailed, OperationTimeout
from pytest_osfutures.fakecloud import Fault as CloudFault
from pytest_osfutures.policy import Retry
from tests.unit.api import NOVA, Fault, answer, answers, done_but_answers, lost_after, lost_before
from tests.unit.cleanup.test_sweep import World
from tests.unit.stepped import POST, SETTLING, Cloud, error_of


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR, "osfutures")


@pytest.mark.parametrize("loss", [lost_after, *map(done_but_answers, (500, 502, 503, 504))])
def test_promise_5_a_create_that_arrived_is_adopted(loss: Fault) -> None:
    cloud = Cloud()
    cloud.api.fault("POST", "/servers", loss)
    future = start_retried(cloud.context, cloud.create)
    cloud.run(future)
    assert future.result()["id"] == "server-1"
    assert cloud.api.count(*POST) == 1
    assert cloud.api.alive() == ["server-1"]
    assert len(future.attempts) == 1


def test_promise_5_servers_of_one_request_are_adopted_together() -> None:
    cloud = Cloud()

    def create_two() -> Any:
        wanted = {"name": "web", "min_count": 2}
        return cloud.context.api_client.session.post(f"{NOVA}/servers", json={"server": wanted})

    def twice(proceed: Any) -> requests.Response:
        proceed()
        return lost_after(proceed)

    cloud.api.fault("POST", "/servers", twice)
    future = start_retried(cloud.context, create_two)
    cloud.run(future)
    assert sorted(each["id"] for each in future.result()) == ["server-1", "server-2"]
    assert cloud.api.count(*POST) == 1


@pytest.mark.parametrize("loss", [lost_before, *map(answers, (500, 502, 503, 504))])
def test_promise_5_a_create_is_sent_again_only_after_settling(loss: Fault) -> None:
    cloud = Cloud()
    cloud.api.fault("POST", "/servers", loss)
    future = start_retried(cloud.context, cloud.create)
    cloud.run(future)
    assert future.result()["id"] == "server-1"
    assert cloud.api.count(*POST) == 2
    assert cloud.api.servers["server-1"]["born"] >= SETTLING


@pytest.mark.parametrize(
    ("shows", "adopted_by"),
    [(0.0, 0.5), (0.8, 1.5), (2.0, 3.5), (4.0, 6.5), (8.0, 10.5), (13.0, 15.5), (21.0, 22.5)],
)
def test_promise_5_a_resource_that_shows_up_late_is_adopted(
    shows: float, adopted_by: float
) -> None:
    cloud = Cloud()

    def late(proceed: Any) -> requests.Response:
        cloud.engine.call_later(shows, proceed)
        raise requests.exceptions.ConnectionError("cut")

    cloud.api.fault("POST", "/servers", late)
    future = start_retried(cloud.context, cloud.create)
    assert cloud.engine.run_until(lambda: future.resource_id is not None, adopted_by)
    cloud.run(future)
    assert future.result()["id"] == "server-1"
    assert cloud.api.count(*POST) == 1


def test_promise_5_the_oldest_is_adopted_and_extras_are_deleted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cloud = Cloud()
    monkeypatch.setattr("time.sleep", cloud.clock.sleep)
    cloud.api.fault("POST", "/servers", lost_after, lost_after, lost_after)
    # A session that was told so repeats by itself what may have arrived.
    future = start_retried(cloud.context, lambda: cloud.create(connect_retries=2))
    cloud.run(future)
    cloud.settle(60)
    assert future.result()["id"] == "server-1"
    assert cloud.api.alive() == ["server-1"]
    assert len(cloud.api.servers) == 3


def test_promise_5_a_resource_of_an_earlier_try_is_not_adopted() -> None:
    cloud = Cloud()
    cloud.api.fates = ["ERROR"]
    past: list[bytes] = []

    def remembers(proceed: Any) -> requests.Response:
        response: requests.Response = proceed()
        past.append(response.content)
        return response

    def shows_the_past(_: Any) -> Any:
        return answer(200, json.loads(past[0]))

    cloud.api.fault("GET", "/servers/server-1", remembers)
    future = start_retried(cloud.context, cloud.create)
    cloud.engine.run_until(lambda: bool(past), 60)
    listed = {"servers": [json.loads(past[0])["server"]]}
    past[0] = json.dumps(listed).encode()
    cloud.api.fault("POST", "/servers", lost_after)
    cloud.api.fault("GET", "/servers/detail", shows_the_past)
    cloud.run(future)
    assert future.result()["id"] == "server-2"
    assert cloud.api.alive() == ["server-2"]
    assert cloud.api.count(*POST) == 2


def test_promise_5_others_are_left_alone() -> None:
    cloud = Cloud()
    theirs = start_retried(cloud.context, cloud.create)
    cloud.run(theirs)
    cloud.api.fault("POST", "/servers", lost_after)
    future = start_retried(cloud.context, cloud.create)
    cloud.run(future)
    cloud.settle(60)
    assert future.result()["id"] == "server-2"
    assert cloud.api.alive() == ["server-1", "server-2"]


def test_promise_5_a_request_without_a_stamp_is_not_sent_again() -> None:
    cloud = Cloud()
    created = start_once(cloud.context, cloud.create)
    cloud.run(created)
    cloud.api.fault("POST", "/action", lost_before)

    def stop() -> Any:
        return cloud.context.api_client.session.post(
            f"{NOVA}/servers/server-1/action", json={"os-stop": None}
        )

    future = start_retried(cloud.context, stop, 5)
    cloud.run(future)
    error = error_of(future)
    assert isinstance(error, AmbiguousRequest)
    assert error.operation == "server.stop"
    assert cloud.api.count("POST", "/compute/v2.1/servers/server-1/action") == 1


def test_promise_5_an_unknown_call_is_not_sent_again() -> None:
    cloud = Cloud()
    cloud.api.fault("POST", "/os-keypairs", lost_after)

    def keypair() -> Any:
        body = {"keypair": {"name": "k"}}
        return cloud.context.api_client.session.post(f"{NOVA}/os-keypairs", json=body)

    future = start_retried(cloud.context, keypair, 5)
    cloud.run(future)
    assert isinstance(future.exception(), AmbiguousRequest)
    assert cloud.api.count("POST", "/compute/v2.1/os-keypairs") == 1


def test_promise_5_a_cloud_that_cannot_be_searched_leaves_the_fate_unknown() -> None:
    cloud = Cloud()
    cloud.api.fault("POST", "/servers", lost_before)
    cloud.api.fault("GET", "/servers/detail", *[answers(503)] * 20)
    future = start_retried(cloud.context, cloud.create, 5)
    cloud.run(future)
    assert isinstance(future.exception(), AmbiguousRequest)
    assert cloud.api.count(*POST) == 1


@pytest.mark.parametrize("within", [None, 2.0])
def test_promise_5_an_undo_of_an_ambiguous_request_fails(
    within: float | None,
) -> None:
    cloud = Cloud()
    cloud.api.fault("POST", "/servers", lost_after)
    cloud.api.fault("GET", "/servers/detail", *[answers(503)] * 20)
    future = start_retried(cloud.context, cloud.create, Retry(5, within=within))
    cloud.engine.run_until(lambda: False, 3.0)
    undo = future.undo()
    cloud.run(undo)
    assert isinstance(undo.exception(), AmbiguousRequest)
    assert isinstance(future.exception(), AmbiguousRequest if within is None else OperationTimeout)
    assert cloud.api.alive() == ["server-1"]


@pytest.mark.parametrize("within", [None, 2.0])
def test_promise_5_an_undo_after_an_ambiguous_request_searches_again(within: float | None) -> None:
    cloud = Cloud()
    cloud.api.fault("POST", "/servers", lost_after)
    cloud.api.fault("GET", "/servers/detail", *[answers(503)] * 14)
    future = start_retried(cloud.context, cloud.create, Retry(5, within=within))
    cloud.settle(2 * SETTLING)
    assert isinstance(future.exception(), AmbiguousRequest if within is None else OperationTimeout)
    first = future.undo()
    cloud.run(first, 2 * SETTLING)
    assert isinstance(first.exception(), AmbiguousRequest)
    assert cloud.api.alive() == ["server-1"]
    second = future.undo()
    cloud.run(second)
    assert second.exception() is None
    assert cloud.api.alive() == []


def test_promise_5_an_undo_of_an_unknown_call_does_not_say_that_it_is_done() -> None:
    cloud = Cloud()
    cloud.api.fault("POST", "/os-keypairs", lost_after)
    url = f"{NOVA}/os-keypairs"
    post = cloud.context.api_client.session.post
    future = start_retried(cloud.context, lambda: post(url, json={"keypair": {}}))
    cloud.run(future)
    undo = future.undo()
    cloud.run(undo)
    assert isinstance(undo.exception(), AmbiguousRequest)


def test_promise_5_the_last_try_is_searched_for_too() -> None:
    cloud = Cloud()
    cloud.api.fault("POST", "/servers", lost_after)
    future = start_retried(cloud.context, cloud.create, 1)
    cloud.run(future)
    assert future.result()["id"] == "server-1"


def test_promise_5_a_retry_on_that_says_no_is_searched_for_but_not_sent_again() -> None:
    cloud = Cloud()
    policy = Retry(5, retry_on=OperationFailed)
    cloud.api.fault("POST", "/servers", lost_before)
    future = start_retried(cloud.context, cloud.create, policy)
    cloud.run(future)
    assert future.exception() is not None
    assert cloud.api.count(*POST) == 1


def test_promise_5_an_image_whose_upload_never_left_is_made_anew() -> None:
    world = World()
    engine = SteppedEngine(world.clock)
    context = replace(Cloud().context, engine=engine, api_client=world.api_client, service="image")
    world.cloud.faults.add(CloudFault("cut", method="POST", path="images$", when="after", count=1))

    def create() -> Any:
        body = {"name": "picture", "disk_format": "raw", "container_format": "bare"}
        image = world.send("POST", "image", "/images", body)
        url = f"{world.api_client.base('image')}/images/{image['id']}/file"
        octets = {"Content-Type": "application/octet-stream"}
        world.api_client.session.put(url, data=b"bits", headers=octets)
        return image

    future = start_retried(context, create, 2)
    assert engine.run_until(future.done, 300)
    assert future.result()["status"] == "active"
    images = world.send("GET", "image", "/images")["images"]
    assert [each["id"] for each in images if each["name"] == "picture"] == [future.resource_id]
    world.ledger.close()
