"""Types of the operation tables: requests are recognised, resources identified."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_osfutures.operations import OperationTable
from pytest_osfutures.operations.model import (
    Expectation,
    Operation,
    ResourceType,
    Route,
    VariableSource,
)

THING = ResourceType("thing", "stuff", "/things/{id}", "thing", "/things/detail", "things")
PART = ResourceType("part", "stuff", "/things/{thing}/parts/{part}", "part")


def test_route_returns_the_variables_in_its_path() -> None:
    route = Route("stuff", "DELETE", "/things/{thing}/parts/{part}")
    assert route.match("DELETE", "/things/1/parts/2", None) == {"thing": "1", "part": "2"}
    assert route.match("DELETE", "/things/1/parts/2/", None) == {"thing": "1", "part": "2"}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/things/1/parts/2", None),
        ("DELETE", "/things/1/parts", None),
        ("DELETE", "/things/1/parts/2/3", None),
        ("DELETE", "/v1/things/1/parts/2", None),
        ("DELETE", "/things//parts/2", None),
    ],
)
def test_a_route_matches_nothing_else(method: str, path: str, body: Any) -> None:
    route = Route("stuff", "DELETE", "/things/{thing}/parts/{part}")
    assert route.match(method, path, body) is None


@pytest.mark.parametrize("body", [None, {}, {"other": 1}, [], "polish"])
def test_an_action_is_known_by_the_key_in_its_body(body: Any) -> None:
    route = Route("stuff", "POST", "/things/{id}/action", "polish")
    assert route.match("POST", "/things/1/action", {"polish": None}) == {"id": "1"}
    assert route.match("POST", "/things/1/action", body) is None


def test_resource_is_identified_by_the_variables_of_its_type() -> None:
    assert THING.ref(id="1").path == "/things/1"
    part = PART.ref(thing="1", part="2")
    assert (part.path, part.id) == ("/things/1/parts/2", "2")
    assert part == PART.ref(thing="1", part="2")
    assert part != PART.ref(thing="3", part="2")
    assert len({part, PART.ref(thing="1", part="2")}) == 1


def test_expectation_finds_its_resource_by_variables() -> None:
    expect = Expectation(PART, variables={"thing": "{id}", "part": "{piece}"})
    assert expect.ref({"id": "1", "piece": "2"}) == PART.ref(thing="1", part="2")


CREATE = Operation(
    "thing.create",
    Route("stuff", "POST", "/things"),
    (Expectation(THING),),
    variables={"id": "response.thing.id", "name": "request.thing.name", "none": "response.x.y"},
)
DELETE = Operation(
    "thing.delete", Route("stuff", "DELETE", "/things/{id}"), (Expectation(THING, gone=True),)
)


def test_variables_are_found_in_request_and_response() -> None:
    variables = CREATE.identify({}, {"thing": {"name": "web"}}, {"thing": {"id": 7}})
    assert variables == {"id": "7", "name": "web"}
    assert CREATE.identify({}, None, None) == {}


def test_an_operation_that_ends_in_absence_deletes() -> None:
    assert DELETE.deletes
    assert not CREATE.deletes


def test_the_table_finds_the_operation_of_a_request() -> None:
    table = OperationTable((CREATE, DELETE))
    assert table.find("stuff", "POST", "/things", {}) == (CREATE, {})
    assert table.find("stuff", "DELETE", "/things/1", None) == (DELETE, {"id": "1"})
    assert table.find("other", "POST", "/things", {}) is None
    assert table.find("stuff", "PUT", "/things", {}) is None
    assert table.find("stuff", "POST", "/unknown", {}) is None


@pytest.mark.parametrize("odd", [None, [], {}, ["a"], {"a": 1}, True, 1.5, "", "a/b", "..", "a?b"])
def test_values_that_cannot_be_ids_are_ignored(odd: object) -> None:
    variables: dict[str, VariableSource] = {
        "id": ("response.thing.id", "headers.location"),
        "size": "request.size",
    }
    operation = Operation(
        "make", Route("stuff", "POST", "/things"), (Expectation(THING),), variables
    )
    for response in (odd, {"thing": odd}, {"thing": {"id": odd}}):
        assert operation.identify({}, {"size": 5}, response, {"Location": ""}) == {"size": "5"}
        assert not operation.is_identified(operation.identify({}, None, response, {}))
