"""Paths where the resource of a request without a row may be."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_osfutures.calls.resource_paths import candidates
from pytest_osfutures.clock import ManualClock
from pytest_osfutures.transport.capture import Exchange
from pytest_osfutures.transport.client import ApiClient
from tests.unit.api import CINDER, Api, session

ID = "9ad7cbab-fdb0-4ef4-b357-a5594b01898b"


def paths(path: str, request: Any = None, **headers: str) -> list[str]:
    """Return the candidates of a POST below the endpoint of Cinder, the likeliest first."""
    client = ApiClient(session(Api(ManualClock())))
    exchange = Exchange("POST", f"{CINDER}{path}", {}, request, 0.0, status=202, headers=headers)
    resolved = client.resolve_url(exchange.url, "block-storage")
    return [found for _, found in candidates(client, exchange, resolved)]


@pytest.mark.parametrize(
    ("location", "first"),
    [
        (f"{CINDER}/things/{ID}", f"/things/{ID}"),
        (f"{CINDER}/things/{ID}/parts", f"/things/{ID}"),
        (f"http://behind.proxy/volume/v3/p1/things/{ID}", f"/things/{ID}"),
        (f"http://behind.proxy/v3/things/{ID}", f"/things/{ID}"),
        (f"/things/{ID}", f"/things/{ID}"),
        ("/things/web/", "/things/web"),
    ],
)
def test_the_location_names_the_resource_wherever_its_host(location: str, first: str) -> None:
    assert paths("/things", Location=location)[0] == first


@pytest.mark.parametrize("location", ["", "/", "things"])
def test_a_location_without_a_path_names_nothing(location: str) -> None:
    assert paths("/things", Location=location) == paths("/things")


@pytest.mark.parametrize(
    ("rule", "found"),
    [
        ({"access_id": ID}, [f"/share-access-rules/{ID}"]),
        ({"access_id": None}, []),
        ({}, []),
        (ID, []),
    ],
)
def test_a_share_does_not_show_its_access_rules(rule: Any, found: list[str]) -> None:
    request = {"deny_access": rule}
    assert paths(f"/shares/{ID}/action", request) == [*found, f"/shares/{ID}"]
