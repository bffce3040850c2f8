"""A retried call undoes each resource beside its own once, and never its own."""

from __future__ import annotations

from pytest_osfutures.calls.attempts import _adopted
from pytest_osfutures.calls.request import CallRequest, Failure
from pytest_osfutures.calls.retrying import RetriedCall
from pytest_osfutures.calls.submit import Submission, submit
from pytest_osfutures.policy import Retry
from tests.unit.stepped import Cloud

SERVER = "/compute/v2.1/servers/server-1"


def created(cloud: Cloud) -> tuple[RetriedCall, Submission]:
    """Return a call that has not begun, and a submission that it does not know."""
    request = CallRequest(cloud.context, cloud.create, Retry(3), 50.0)
    return RetriedCall(request), submit(cloud.context, cloud.create)


def test_a_resource_beside_the_own_one_is_undone_once() -> None:
    cloud = Cloud()
    call, extra = created(cloud)
    call.discard(extra)
    cloud.settle()
    assert cloud.api.alive() == []
    call.discard(extra)
    cloud.settle()
    assert cloud.api.count("DELETE", SERVER) == 1


def test_an_adopted_resource_is_not_undone_as_another_one() -> None:
    cloud = Cloud()
    call, found = created(cloud)
    assert list(_adopted(call, Failure(TimeoutError()), [found])) == []
    call.discard(found)
    cloud.settle()
    assert cloud.api.alive() == ["server-1"]
