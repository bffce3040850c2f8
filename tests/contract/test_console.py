"""The console of a server (docs/fakecloud.md#guests): refusals, and the number of lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pytest_osfutures.cloud import Cloud
from tests.contract.conftest import PATIENCE


@pytest.fixture(scope="module")
def console(cloud: Cloud, vm: Any) -> Iterator[Callable[[Any], Any]]:
    """Yield a function that reads the console of a stopped server, which prints nothing more."""
    vm.stop_async().result(PATIENCE)

    def ask(arguments: Any) -> Any:
        body = {"os-getConsoleOutput": arguments}
        return cloud.api_client.send("POST", "compute", f"/servers/{vm.id}/action", body)

    yield ask
    vm.start_async().result(PATIENCE)


def test_a_stopped_server_has_a_console_with_so_many_lines(console: Callable[[Any], Any]) -> None:
    whole = console({}).json()["output"]
    lines = whole.split("\n")
    assert len(lines) > 2
    for length, expected in ((None, lines), (2, lines[-2:]), ("1", lines[-1:]), (999, lines)):
        assert console({"length": length}).json()["output"] == "\n".join(expected)
    assert console({"length": 0}).json()["output"] == ""
    assert console({"length": -1}).json()["output"] == "\n".join(lines[1:])


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({"length": 1.5}, "1.5 is not of type 'integer', 'string', 'null'"),
        ({"length": True}, "True is not of type 'integer', 'string', 'null'"),
        ({"length": "x"}, "'x' does not match '^-?[0-9]+$'"),
        ({"length": -2}, "-2 is less than the minimum of -1"),
        ({"x": 1}, "Additional properties are not allowed ('x' was unexpected)"),
        (None, "None is not of type 'object'"),
    ],
)
def test_bad_arguments(console: Callable[[Any], Any], arguments: Any, why: str) -> None:
    answer = console(arguments)
    assert answer.status_code == 400
    assert answer.json()["badRequest"]["message"].endswith(why)


def test_a_server_without_a_host_is_not_ready(cloud: Cloud, image: Any, huge: Any) -> None:
    future = cloud.nova.servers.create_async("contract", image.id, huge.id, nics="none")
    with pytest.raises(Exception, match="No valid host"):
        future.result(PATIENCE)
    body: Any = {"os-getConsoleOutput": {}}
    path = f"/servers/{future.resource_id}/action"
    answer = cloud.api_client.send("POST", "compute", path, body)
    future.undo().result(PATIENCE)
    assert answer.status_code == 409
    text = f"Instance {future.resource_id} is not ready"
    assert answer.json()["conflictingRequest"]["message"] == text
    assert cloud.api_client.send("POST", "compute", path, body).status_code == 404
