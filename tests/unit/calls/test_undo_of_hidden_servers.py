"""An undo deletes servers that Nova only hides: SOFT_DELETED, to be restored by an administrator.

https://docs.openstack.org/api-ref/compute/#force-delete-server-forcedelete-action
"""

from __future__ import annotations

from typing import Any

import pytest

from pytest_osfutures.calls.start import start_once
from tests.unit import stepped
from tests.unit.api import Api, answer, answers
from tests.unit.stepped import Cloud

SERVER = "/compute/v2.1/servers/server-1"


class SoftDeleting(Api):
    """A Nova that keeps a deleted server as SOFT_DELETED until a forceDelete."""

    def _handle(self, method: str, path: str, body: Any) -> Any:
        if (method, path) == ("DELETE", SERVER) and "server-1" in self.alive():
            self.servers["server-1"]["fate"] = "SOFT_DELETED"
            return answer(204, headers={"X-Openstack-Request-Id": "req-delete"})
        if path == f"{SERVER}/action" and body == {"forceDelete": None}:
            self.servers["server-1"]["deleted"] = self.clock.now()
        return super()._handle(method, path, body)


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Cloud:
    """A cloud with soft delete."""
    monkeypatch.setattr(stepped, "Api", SoftDeleting)
    return Cloud()


def test_an_undo_deletes_a_hidden_server(cloud: Cloud) -> None:
    future = start_once(cloud.context, cloud.create)
    cloud.run(future)
    gone = future.undo()
    cloud.run(gone)
    assert gone.result() is None
    assert cloud.api._show("server-1") is None
    assert cloud.api.count("POST", f"{SERVER}/action") == 1


def test_a_hidden_server_that_stays_is_an_error(cloud: Cloud) -> None:
    future = start_once(cloud.context, cloud.create)
    cloud.run(future)
    cloud.api.fault("POST", "/action", *[answers(409)] * 9)
    failed = future.undo()
    cloud.run(failed)
    text = "server server-1 is only hidden, and forceDelete answered 409"
    assert text in str(failed.exception())
    assert cloud.api.count("POST", f"{SERVER}/action") == 3


def test_a_hidden_server_that_somebody_else_deleted_is_gone(cloud: Cloud) -> None:
    future = start_once(cloud.context, cloud.create)
    cloud.run(future)
    cloud.api.fault("POST", "/action", answers(404))
    gone = future.undo()
    cloud.run(gone)
    assert gone.result() is None
    assert cloud.api.count("POST", f"{SERVER}/action") == 1
