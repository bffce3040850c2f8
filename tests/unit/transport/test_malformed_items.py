"""Malformed items of a list are told by id; the other items of the list are read."""

from __future__ import annotations

from pytest_osfutures.clock import ManualClock
from pytest_osfutures.engine.poll_plan import ReadRequest
from pytest_osfutures.operations.resource_types import SERVER
from pytest_osfutures.transport.client import ApiClient
from tests.unit.api import Api, answer, session


def test_a_malformed_server_of_a_list_is_told_by_its_id() -> None:
    api = Api(clock := ManualClock())
    servers = [{"id": "a", "status": ["ACTIVE"]}, {"id": "b", "status": "ACTIVE"}]
    api.fault("GET", "/servers/detail", lambda _: answer(200, {"servers": servers}))
    refs = (SERVER.ref(id="a"), SERVER.ref(id="b"))
    request = ReadRequest(SERVER, "", refs, "/servers/detail", listing=True)
    result = ApiClient(session(api)).read(request, clock)
    assert result.error is None
    assert "status" in result.malformed["a"]
    assert set(result.malformed) == {"a"}
    assert set(result.found) == {"b"}
