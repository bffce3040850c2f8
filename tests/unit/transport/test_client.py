"""The client of the APIs: URLs and endpoints, and reads."""

from __future__ import annotations

from typing import Any

import pytest
from keystoneauth1.session import Session
from keystoneauth1.token_endpoint import Token

from pytest_osfutures.clock import ManualClock
from pytest_osfutures.engine.poll_plan import ReadRequest
from pytest_osfutures.operations.resource_types import GROUP, SERVER, VOLUME
from pytest_osfutures.transport.client import ApiClient
from tests.unit.api import (
    CINDER,
    CLOUD,
    NOVA,
    Api,
    answer,
    answers,
    session,
)

A = SERVER.ref(id="server-1")


def get(kind: Any = SERVER, ident: str = "server-1", microversion: str = "") -> ReadRequest:
    """Return a read of one resource by its id."""
    ref = kind.ref(id=ident, request_id="req-1")
    return ReadRequest(kind, microversion, (ref,), ref.path)


# Where a URL leads


def test_a_url_belongs_to_its_longest_endpoint(client: ApiClient) -> None:
    for url, service, path in (
        (f"{NOVA}/servers", "compute", "/servers"),
        (f"{NOVA}/servers/1/action?x=/volume/v3", "compute", "/servers/1/action"),
        (f"{CINDER}/volumes/2", "block-storage", "/volumes/2"),
        (f"{CLOUD}/identity/v3/auth/tokens", "identity", "/auth/tokens"),
        (NOVA, "compute", ""),
    ):
        resolved = client.find_url(url)
        assert resolved is not None
        assert (resolved.service, resolved.path) == (service, path)


@pytest.mark.parametrize("first", ["network", "compute"])
def test_of_nested_endpoints_the_longest_one_counts(
    api: Api, monkeypatch: pytest.MonkeyPatch, first: str
) -> None:
    token = api._token()
    compute = next(each for each in token["token"]["catalog"] if each["type"] == "compute")
    outer = [{**each, "url": CLOUD} for each in compute["endpoints"]]
    network = {"type": "network", "name": "network", "id": "network", "endpoints": outer}
    both = [network, compute] if first == "network" else [compute, network]
    token["token"]["catalog"] = both
    monkeypatch.setattr(api, "_token", lambda: token)
    client = ApiClient(session(api))
    for path, service in (("/compute/v2.1/servers/1", "compute"), ("/v2.0/ports", "network")):
        found = client.find_url(f"{CLOUD}{path}")
        assert found is not None
        assert found.service == service


@pytest.mark.parametrize("url", [f"{CLOUD}/computer/v2.1/servers", "http://other.test/servers"])
def test_a_url_without_endpoint_is_not_found(client: ApiClient, url: str) -> None:
    assert client.find_url(url) is None


def test_without_a_catalog_the_service_is_the_clients(api: Api) -> None:
    http = session(api).session
    client = ApiClient(Session(session=http))
    resolved = client.resolve_url("http://nova.test/v2.1/servers/1", "compute")
    assert (resolved.service, resolved.path) == ("compute", "/servers/1")
    assert resolved.base == "http://nova.test/v2.1"


def test_without_a_catalog_the_project_id_is_recognised(api: Api) -> None:
    client = ApiClient(Session(session=session(api).session))
    resolved = client.resolve_url(f"http://cinder.test/v3/{'0a' * 16}/volumes/1", "block-storage")
    assert (resolved.path, resolved.base) == ("/volumes/1", f"http://cinder.test/v3/{'0a' * 16}")


def test_without_a_catalog_other_services_are_missing(api: Api, clock: ManualClock) -> None:
    fixed = Session(auth=Token(NOVA, "secret"), session=session(api).session)
    result = ApiClient(fixed).read(get(VOLUME), clock)
    assert result.fatal
    assert "no endpoint for block-storage" in str(result.error)


def test_a_failed_discovery_is_repeated(api: Api, clock: ManualClock) -> None:
    api.nova = f"{CLOUD}/compute"
    client = ApiClient(session(api))
    client.session.post(f"{NOVA}/servers", json={"server": {"name": "web"}})
    other = ApiClient(client.session, region="r")
    api.fault("GET", "/compute/", answers(503))
    api.fault("GET", "/compute", answers(503))
    result = other.read(get(), clock)
    assert (result.fatal, result.found) == (False, {})
    assert result.error is not None
    assert "did not say which versions it has" in result.error
    assert other.read(get(), clock).found


def test_the_catalog_is_read_once(api: Api, client: ApiClient) -> None:
    client.catalog()
    before = len(api.sent)
    for _ in range(5):
        client.find_url(f"{NOVA}/servers")
    assert len(api.sent) == before


def test_clients_with_the_same_endpoints_are_equal(api: Api) -> None:
    one, other = session(api), session(api)
    assert ApiClient(one) == ApiClient(one)
    assert hash(ApiClient(one)) == hash(ApiClient(one))
    assert ApiClient(one) != ApiClient(other)
    assert ApiClient(one, region="r") != ApiClient(one)


# Reading


def test_a_resource_is_read_at_the_callers_microversion(
    api: Api, client: ApiClient, clock: ManualClock
) -> None:
    result = client.read(get(microversion="2.95"), clock)
    assert result.error is None
    assert result.found["server-1"]["status"] == "BUILD"
    headers = api.prepared[-1].headers
    assert headers["OpenStack-API-Version"] == "compute 2.95"
    assert headers["X-OpenStack-Nova-API-Version"] == "2.95"


def test_a_404_means_that_the_resource_is_absent(client: ApiClient, clock: ManualClock) -> None:
    request = get(ident="other")
    sight = client.read(request, clock).observation(request.refs[0])
    assert sight is not None
    assert (sight.body, sight.confirmed) == (None, True)


def test_a_list_is_read_to_its_last_page(api: Api, client: ApiClient, clock: ManualClock) -> None:
    href = f"http://elsewhere.test/compute/v2.1/servers/detail?marker=a&limit=1"  # noqa: F541
    link = [{"rel": "next", "href": href}]
    pages = [
        {"servers": [{"id": "a"}], "servers_links": link},
        {"servers": [{"id": "b"}], "servers_links": [{"rel": "self", "href": "x"}]},
    ]
    api.fault("GET", "/servers/detail", *[lambda _, page=page: answer(200, page) for page in pages])
    request = ReadRequest(SERVER, "", (A,), "/servers/detail", listing=True)
    result = client.read(request, clock)
    assert sorted(result.found) == ["a", "b"]
    assert (api.prepared[-1].url or "").startswith(NOVA)
    assert "marker=a" in (api.prepared[-1].url or "")


def test_lists_of_groups_are_read_to_the_last_page(
    api: Api, client: ApiClient, clock: ManualClock
) -> None:
    link = [{"rel": "next", "href": f"{CINDER}/groups?marker=a"}]
    pages = [{"groups": [{"id": "a"}], "group_links": link}, {"groups": [{"id": "b"}]}]
    api.fault("GET", "/groups/detail", *[lambda _, page=page: answer(200, page) for page in pages])
    request = ReadRequest(GROUP, "", (GROUP.ref(id="b"),), "/groups/detail", listing=True)
    assert sorted(client.read(request, clock).found) == ["a", "b"]


def test_an_incomplete_list_is_an_error(api: Api, client: ApiClient, clock: ManualClock) -> None:
    link = [{"rel": "next", "href": f"{NOVA}/servers/detail?marker=a"}]
    page = {"servers": [{"id": "a"}], "servers_links": link}
    api.fault("GET", "/servers/detail", lambda _: answer(200, page), answers(503))
    result = client.read(ReadRequest(SERVER, "", (A,), "/servers/detail", listing=True), clock)
    assert result.error is not None
    assert result.observation(A) is None


def test_a_result_has_the_time_of_its_request(
    api: Api, client: ApiClient, clock: ManualClock
) -> None:
    clock.advance(5)

    def slow(proceed: Any) -> Any:
        clock.advance(3)
        return proceed()

    api.fault("GET", "/servers/server-1", slow)
    result = client.read(get(), clock)
    assert (result.asked_at, result.answered_at) == (5, 8)
