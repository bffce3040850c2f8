"""Headers and error documents: microversions, error texts, service types, pauses."""

from __future__ import annotations

from typing import Any

import pytest
from keystoneauth1 import exceptions

from pytest_osfutures.transport.microversions import microversion_of
from pytest_osfutures.transport.responses import error_message, retry_after
from pytest_osfutures.transport.service_config import official_type
from pytest_osfutures.transport.session_errors import is_transient_error
from tests.unit.api import answer


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("17", 17.0), ("0", 0.0), ("", None), ("Fri, 31 Dec 2027 23:59:59 GMT", None), ("-3", None)],
)
def test_retry_after_in_seconds(value: str, seconds: float | None) -> None:
    assert retry_after({"Retry-After": value}) == seconds
    assert retry_after({}) is None


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"forbidden": {"code": 403, "message": " Quota exceeded "}}, "Quota exceeded"),
        ({"message": "plain"}, "plain"),
        ({"NeutronError": {"type": "x", "message": "no port"}}, "no port"),
        ({"error": {"message": "token"}}, "token"),
        ({"odd": 1}, "{'odd': 1}"),
    ],
)
def test_error_message_finds_the_services_text(body: Any, text: str) -> None:
    assert error_message(answer(400, body)) == text


def test_error_message_of_an_html_page() -> None:
    response = answer(502)
    response._content = b"<html><head><title>x</title></head>\n<h1>Bad Gateway</h1><p>Sorry.</html>"
    assert error_message(response) == "Bad Gateway Sorry."


def test_official_type_knows_aliases() -> None:
    assert official_type("volumev3") == official_type("block-store") == "block-storage"
    assert official_type("compute") == "compute"
    assert official_type("homemade") == "homemade"


@pytest.mark.parametrize(
    ("service", "headers", "version"),
    [
        ("compute", {"OpenStack-API-Version": "compute 2.95"}, "2.95"),
        ("compute", {"X-OpenStack-Nova-API-Version": "2.60"}, "2.60"),
        ("compute", {"OpenStack-API-Version": "volume 3.70, compute 2.1"}, "2.1"),
        ("block-storage", {"OpenStack-API-Version": "volume 3.70"}, "3.70"),
        ("block-storage", {"X-OpenStack-Nova-API-Version": "2.60"}, ""),
        ("compute", {}, ""),
    ],
)
def test_microversion_of_reads_each_header(
    service: str, headers: dict[str, str], version: str
) -> None:
    assert microversion_of(service, headers) == version


def test_transient_errors_of_sessions() -> None:
    assert is_transient_error(exceptions.ConnectFailure("x"))
    assert is_transient_error(exceptions.ServiceUnavailable("x"))
    assert not is_transient_error(exceptions.Unauthorized("x"))
    assert not is_transient_error(TypeError())
