"""The client of the APIs: the meaning of refusals, lost connections and odd answers."""

from __future__ import annotations

from typing import Any

import pytest
from requests.exceptions import ChunkedEncodingError

from pytest_osfutures.clock import ManualClock
from pytest_osfutures.engine.poll_plan import ReadRequest, ReadResult
from pytest_osfutures.operations.resource_types import ACTION, SERVER, VOLUME
from pytest_osfutures.transport.client import ApiClient
from tests.unit.api import NOVA, Api, answer, answers, lost_after, lost_before, session
from tests.unit.transport.test_client import A, get

# Refusals


@pytest.mark.parametrize("status", [408, 413, 425, 429, 500, 502, 503, 504])
def test_retryable_statuses_are_not_fatal(
    api: Api, client: ApiClient, clock: ManualClock, status: int
) -> None:
    api.fault("GET", "/servers/server-1", answers(status, Retry_After="17"))
    result = client.read(get(), clock)
    assert not result.fatal
    assert result.retry_after == 17
    assert str(status) in str(result.error)
    assert "GET compute /servers/server-1" in str(result.error)


@pytest.mark.parametrize("status", [400, 403, 405])
def test_other_refusals_are_fatal(
    api: Api, client: ApiClient, clock: ManualClock, status: int
) -> None:
    api.fault("GET", "/servers/server-1", answers(status))
    assert client.read(get(), clock).fatal


def page(status: int, **headers: str) -> Any:
    """Return the page of a load balancer in front of the service."""
    shown = {name.replace("_", "-"): value for name, value in headers.items()}

    def refuse(_: Any) -> Any:
        made = answer(status, headers=shown)
        made._content = b"<html><h1>No such place</h1></html>"
        return made

    return refuse


@pytest.mark.parametrize("status", [400, 403, 404])
def test_a_proxys_404_does_not_mean_absent(
    api: Api, client: ApiClient, clock: ManualClock, status: int
) -> None:
    api.fault("GET", "/servers/server-1", page(status))
    result = client.read(get(), clock)
    assert not result.fatal
    assert f"GET compute /servers/server-1 was answered {status}: No such place" in str(
        result.error
    )


def test_an_html_404_of_glance_means_absent(
    api: Api, client: ApiClient, clock: ManualClock
) -> None:
    api.fault("GET", "/servers/server-1", page(404, X_Openstack_Request_Id="req-1"))
    sight = client.read(get(), clock).observation(A)
    assert sight is not None
    assert (sight.body, sight.confirmed) == (None, True)


def test_without_changes_since_everything_is_listed(
    api: Api, client: ApiClient, clock: ManualClock
) -> None:
    path = "/servers/detail?changes-since=2026-01-01T00:00:00Z"
    all_of_them = {"servers": [{"id": "server-1"}]}
    api.fault("GET", "/servers/detail", answers(400), lambda _: answer(200, all_of_them))
    result = client.read(ReadRequest(SERVER, "", (A,), path, listing=True, since=1.0), clock)
    assert result.error is None
    assert (api.prepared[-1].url or "").endswith("/servers/detail")
    assert (
        result.request.since is None
    )  # who is not in it now has gone, and not only stayed the same


def test_a_401_is_fatal_after_one_reauthentication(
    api: Api, client: ApiClient, clock: ManualClock
) -> None:
    api.fault("GET", "/servers/server-1", answers(401))
    assert client.read(get(), clock).error is None
    api.fault("GET", "/servers/server-1", answers(401), answers(401))
    tokens = api.count("POST", "/identity/v3/auth/tokens")
    result = client.read(get(), clock)
    assert result.fatal
    assert "401" in str(result.error)
    assert api.count("POST", "/identity/v3/auth/tokens") == tokens + 1


@pytest.mark.parametrize("fault", [lost_before, lost_after])
def test_a_lost_connection_is_not_fatal(
    api: Api, client: ApiClient, clock: ManualClock, fault: Any
) -> None:
    api.fault("GET", "/servers/server-1", fault)
    result = client.read(get(), clock)
    assert result.error
    assert not result.fatal
    assert api.count("GET", "/compute/v2.1/servers/server-1") == 1


@pytest.mark.parametrize(
    "nonsense", [{}, {"other": 1}, [], "text", None, {"server": None}, {"server": "x"}]
)
def test_an_unreadable_response_is_not_fatal(
    api: Api, client: ApiClient, clock: ManualClock, nonsense: Any
) -> None:
    api.fault("GET", "/servers/server-1", lambda _: answer(200, nonsense))
    result = client.read(get(), clock)
    assert result.error or result.malformed["server-1"]
    assert result.observation(A) is None
    assert not result.fatal
    api.fault("GET", "/servers/detail", lambda _: answer(200, nonsense))
    result = client.read(ReadRequest(SERVER, "", (A,), "/servers/detail", listing=True), clock)
    assert result.error
    assert not result.fatal


def test_a_truncated_response_is_not_fatal(api: Api, client: ApiClient, clock: ManualClock) -> None:
    def broken(_: Any) -> Any:
        raise ChunkedEncodingError("broken off")

    api.fault("GET", "/servers/server-1", broken)
    result = client.read(get(), clock)
    assert result.error
    assert not result.fatal


def test_a_missing_service_is_fatal(api: Api, clock: ManualClock) -> None:
    client = ApiClient(session(api), region="elsewhere")
    result = client.read(get(VOLUME), clock)
    assert result.fatal
    assert "block-storage" in str(result.error)


def test_keystone_refusals_are_fatal_and_overload_is_not(api: Api, clock: ManualClock) -> None:
    api.fault("POST", "/auth/tokens", answers(401), answers(503))
    assert ApiClient(session(api)).read(get(), clock).fatal
    assert not ApiClient(session(api)).read(get(), clock).fatal


@pytest.mark.parametrize("status", [400, 403, 404])
def test_an_invisible_explanation_is_absent(
    api: Api, client: ApiClient, clock: ManualClock, status: int
) -> None:
    api.fault("GET", "/os-instance-actions/req-1", answers(status))
    request = get(ACTION)
    result = client.read(request, clock)
    assert result.error is None
    assert result.observation(request.refs[0]) is not None


def test_read_never_raises(client: ApiClient, clock: ManualClock) -> None:
    client.session = None
    assert isinstance(client.read(get(), clock), ReadResult)


# Odd answers


def test_a_looping_next_link_is_an_error(api: Api, client: ApiClient, clock: ManualClock) -> None:
    pages = [
        {"servers": [], "servers_links": [{"rel": "next", "href": f"{NOVA}/servers?marker={each}"}]}
        for each in "aba"
    ]
    api.fault("GET", "/servers/detail", *[lambda _, page=page: answer(200, page) for page in pages])
    before = len(api.sent)
    result = client.read(ReadRequest(SERVER, "", (A,), "/servers/detail", listing=True), clock)
    assert not result.fatal
    assert "its next page is /servers/detail?marker=a again" in str(result.error)
    assert len(api.sent) - before == 3


@pytest.mark.parametrize("status", [302, 400, 401, 403, 404, 405, 409, 410, 418])
@pytest.mark.parametrize("body", [{"message": "no Route matched with those values"}, None])
def test_a_gateways_refusal_is_a_bad_gateway(
    api: Api, client: ApiClient, clock: ManualClock, status: int, body: Any
) -> None:
    api.fault("GET", "/servers/server-1", *[lambda _: answer(status, body)] * 2)
    result = client.read(get(), clock)
    assert not result.fatal
    assert f"was answered {status}" in str(result.error)
    assert result.observation(A) is None


@pytest.mark.parametrize("status", [302, 400, 401, 403, 404, 405, 410, 503])
def test_a_proxy_in_front_of_keystone_is_not_fatal(
    api: Api, client: ApiClient, clock: ManualClock, status: int
) -> None:
    client.session.invalidate()
    api.fault("POST", "/auth/tokens", *[lambda _: answer(status, {"message": "no Route"})] * 2)
    result = client.read(get(), clock)
    assert (result.fatal, result.found) == (False, {})
    assert result.error


def test_a_page_instead_of_a_token_is_not_fatal(
    api: Api, client: ApiClient, clock: ManualClock
) -> None:
    client.session.invalidate()
    api.fault("POST", "/auth/tokens", lambda _: answer(200, None))
    result = client.read(get(), clock)
    assert (result.fatal, result.found) == (False, {})
    assert result.error


@pytest.mark.parametrize(
    "entry",
    [
        *(None, 1, "x", [], {}, {"type": None, "endpoints": []}, {"type": "image"}),
        {"type": "image", "endpoints": None},
        {"type": "image", "endpoints": [None, 1, {}, "x", []]},
        *(
            {"type": "image", "endpoints": [{"url": url, "interface": "public"}]}
            for url in (None, 5, "http://[", "::", "", "image")
        ),
        {"type": 5, "endpoints": [{"url": "http://image.test", "interface": "public"}]},
        {"type": "image", "endpoints": [{"url": "http://image.test"}]},
    ],
)
def test_a_malformed_catalog_entry_hides_no_other_service(
    clock: ManualClock, entry: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = Api(clock)
    token = api._token()
    token["token"]["catalog"].insert(0, entry)
    monkeypatch.setattr(api, "_token", lambda: token)
    found = ApiClient(session(api))
    assert found.base("compute") == NOVA
    resolved = found.find_url(f"{NOVA}/servers")
    assert resolved is not None
    assert resolved.service == "compute"
