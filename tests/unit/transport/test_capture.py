"""The capture of a call's requests, through a real keystoneauth1 session."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
import requests
from keystoneauth1.session import Session
from requests.auth import AuthBase

from pytest_osfutures.clock import ManualClock
from pytest_osfutures.transport.capture import (
    Exchange,
    captured_exchanges,
    install,
    may_be_attached,
    sent_requests,
)
from tests.unit.api import NOVA, Api, answers, lost_after, lost_before, session

BODY = {"server": {"name": "web", "metadata": {"mine": "1"}}}


@pytest.fixture
def ks(api: Api) -> Session:
    made = session(api)
    install(made)
    return made


def create(ks: Session, **options: Any) -> requests.Response:
    """Send one request that changes something."""
    return ks.post(f"{NOVA}/servers", json=BODY, **options)


def test_capture_has_the_request_and_its_response(ks: Session, clock: ManualClock) -> None:
    clock.advance(5)
    with captured_exchanges(clock) as exchanges:
        create(ks)
    (one,) = exchanges
    assert (one.method, one.url) == ("POST", f"{NOVA}/servers")
    assert one.request == BODY
    assert one.accepted
    assert not one.ambiguous
    assert one.response == {"server": {"id": "server-1", "adminPass": "secret"}}
    assert one.request_id == "req-server-1"
    assert (one.sent_at, one.answered_at) == (5, 5)
    assert one.request_headers["X-Auth-Token"] == "secret"


def test_capture_leaves_out_reads_and_token_requests(ks: Session, clock: ManualClock) -> None:
    with captured_exchanges(clock) as exchanges:  # the first request needs a token
        ks.get(f"{NOVA}/servers/detail")
        ks.head(f"{NOVA}/servers/detail", raise_exc=False)
    assert exchanges == []


def test_requests_outside_of_a_capture_are_left_out(ks: Session, clock: ManualClock) -> None:
    create(ks)
    with captured_exchanges(clock) as exchanges:
        pass
    create(ks)
    assert exchanges == []


def test_requests_of_other_threads_are_left_out(ks: Session, clock: ManualClock) -> None:
    with captured_exchanges(clock) as exchanges:
        thread = threading.Thread(target=create, args=(ks,))
        thread.start()
        thread.join()
    assert exchanges == []


def test_nested_captures_have_their_own_requests(ks: Session, clock: ManualClock) -> None:
    with captured_exchanges(clock) as outer:
        with captured_exchanges(clock) as inner:
            create(ks)
        create(ks)
    assert len(inner) == len(outer) == 1


def test_a_changed_body_is_sent(ks: Session, api: Api, clock: ManualClock) -> None:
    def stamp(sent: Exchange) -> Any:
        assert (sent.method, sent.url) == ("POST", f"{NOVA}/servers")
        assert "X-Auth-Token" in sent.request_headers
        stamped = json.loads(json.dumps(sent.request))
        stamped["server"]["metadata"]["stamp"] = "ä" * 50
        return stamped

    with captured_exchanges(clock, stamp) as (exchanges):
        create(ks)
    sent = api.prepared[-1]
    assert isinstance(sent.body, bytes)
    assert sent.headers["Content-Length"] == str(len(sent.body))
    assert json.loads(sent.body)["server"]["metadata"] == {"mine": "1", "stamp": "ä" * 50}
    assert exchanges[0].request == json.loads(sent.body)
    assert "stamp" not in BODY["server"]["metadata"]


def test_a_lost_response_is_ambiguous(ks: Session, api: Api, clock: ManualClock) -> None:
    ks.get_token()
    api.fault("POST", "/servers", lost_after)
    sent: list[Exchange] = []
    with pytest.raises(Exception, match=r"cloud\.test"), captured_exchanges(clock, into=sent):
        create(ks)
    (one,) = sent
    assert one.status == 0
    assert one.ambiguous
    assert not one.accepted
    assert one.request_id is None


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_server_error_is_ambiguous(
    ks: Session, api: Api, clock: ManualClock, status: int
) -> None:
    api.fault("POST", "/servers", answers(status))
    with captured_exchanges(clock) as exchanges:
        create(ks, raise_exc=False)
    assert exchanges[0].ambiguous


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 413, 429])
def test_a_client_error_is_not_ambiguous(
    ks: Session, api: Api, clock: ManualClock, status: int
) -> None:
    api.fault("POST", "/servers", answers(status), answers(status))
    with captured_exchanges(clock) as exchanges:
        create(ks, raise_exc=False)
    assert not exchanges[-1].ambiguous
    assert not exchanges[-1].accepted


@pytest.mark.parametrize("status", [400, 403, 404])
@pytest.mark.parametrize(
    ("headers", "body", "from_proxy"),
    [
        ({}, None, True),
        ({}, ["a list"], True),
        ({"x-openstack-request-id": "req-1"}, None, False),
        ({"x-compute-request-id": "req-1"}, None, False),
    ],
)
def test_a_refusal_without_request_id_is_of_a_proxy(
    status: int, headers: dict[str, str], body: object, from_proxy: bool
) -> None:
    one = Exchange("DELETE", "http://x/servers/a", {}, None, 0.0, status, headers, body)
    assert one.from_proxy is from_proxy


def test_capture_has_each_repetition_of_a_request(
    ks: Session, api: Api, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    ks.get_token()
    api.fault("POST", "/servers", lost_before, answers(503))
    stamped: list[Any] = []
    with captured_exchanges(clock, stamped.append) as exchanges:
        create(ks, connect_retries=1, status_code_retries=1)
    assert [each.status for each in exchanges] == [0, 503, 202]
    assert stamped == exchanges


def test_responses_belong_to_their_own_requests(ks: Session, api: Api, clock: ManualClock) -> None:
    ks.get_token()
    for _ in range(200):  # addresses of lost requests are used again soon
        api.fault("POST", "/servers", lost_before)
        sent: list[Exchange] = []
        with captured_exchanges(clock, into=sent):
            with pytest.raises(Exception, match=r"cloud\.test"):
                create(ks)
            api.prepared.clear()
            ks.get(f"{NOVA}/servers/detail")
        assert [each.status for each in sent] == [0]


def test_streamed_responses_are_not_read(ks: Session, clock: ManualClock) -> None:
    with captured_exchanges(clock) as exchanges:
        response = create(ks, stream=True)
    assert exchanges[0].accepted
    assert exchanges[0].response is None
    assert response.json()["server"]["id"] == "server-1"


def test_bodies_other_than_json_are_none(ks: Session, api: Api, clock: ManualClock) -> None:
    del api
    with captured_exchanges(clock) as exchanges:
        ks.delete(f"{NOVA}/servers/none", raise_exc=False)
    assert exchanges[0].request is None
    assert exchanges[0].status == 404


class Signature(AuthBase):
    """A user's own auth callable, which registers a hook for the response."""

    def __init__(self, copy: bool) -> None:
        self.copy = copy
        self.seen: list[int] = []

    def __call__(self, sent: requests.PreparedRequest) -> requests.PreparedRequest:
        if self.copy:
            sent = sent.copy()
        sent.headers["X-Signature"] = "signed"
        sent.hooks["response"].append(self.answered)
        return sent

    def answered(self, response: requests.Response, **_: Any) -> requests.Response:
        self.seen.append(response.status_code)
        copy = response.request.copy()
        response.request = copy  # as digest authentication does
        return response


@pytest.mark.parametrize("copy", [False, True])
def test_the_users_own_auth_callable_still_works(api: Api, clock: ManualClock, copy: bool) -> None:
    own = Signature(copy)
    ks = session(api, auth=own)
    install(ks)
    with captured_exchanges(clock) as exchanges:
        create(ks)
    assert api.prepared[-1].headers["X-Signature"] == "signed"
    assert own.seen[-1] == 202
    assert exchanges[0].accepted


def test_basic_authentication_still_works(api: Api, clock: ManualClock) -> None:
    ks = session(api, auth=("joe", "secret"))
    install(ks)
    with captured_exchanges(clock) as exchanges:
        create(ks)
    assert str(api.prepared[-1].headers["Authorization"]).startswith("Basic ")
    assert exchanges[0].accepted


def test_a_second_installation_changes_nothing(api: Api, clock: ManualClock) -> None:
    ks = session(api)
    install(ks)
    install(ks)
    with captured_exchanges(clock) as exchanges:
        create(ks)
    assert len(exchanges) == 1


DISK = "0b4a6bd0-33e1-4c3e-9a7c-8d5b1f3e2a10"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/servers/7/os-volume_attachments", {"volumeAttachment": {"volumeId": DISK}}),
        ("/servers", {"server": {"block_device_mapping_v2": [{"uuid": DISK}]}}),
        ("/attachments", {"attachment": {"volume_uuid": DISK}}),
        (f"/volumes/{DISK}/action", {"os-attach": {"instance_uuid": "7"}}),
    ],
)
def test_a_request_that_may_attach_a_volume_is_noticed(
    ks: Session, path: str, body: dict[str, Any]
) -> None:
    assert not may_be_attached(ks, DISK)
    ks.post(f"{NOVA}{path}", json=body, raise_exc=False)
    assert may_be_attached(ks, DISK)
    assert not may_be_attached(ks, DISK.replace("0", "1"))


def test_other_requests_attach_nothing(ks: Session) -> None:
    ks.post(f"{NOVA}/snapshots", json={"snapshot": {"volume_id": DISK}}, raise_exc=False)
    ks.get(f"{NOVA}/volumes/{DISK}", raise_exc=False)
    ks.delete(f"{NOVA}/volumes/{DISK}", raise_exc=False)
    assert not may_be_attached(ks, DISK)


def test_requests_are_counted_with_those_for_tokens(ks: Session) -> None:
    create(ks)
    before = sent_requests(ks)
    create(ks)
    ks.get(f"{NOVA}/servers/detail")
    assert sent_requests(ks) == before + 2
