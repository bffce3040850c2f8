"""Verdicts about Neutron's and Glance's operations, with plain values."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_osfutures.operations import TABLE
from pytest_osfutures.operations.model import ResourceType
from pytest_osfutures.operations.resource_types import (
    FLOATING_IP,
    IMAGE,
    NETWORK,
    PORT,
    ROUTER,
    SECURITY_GROUP,
    SUBNET,
)
from tests.unit.judging import Judged, done, runs, why


@pytest.mark.parametrize(
    ("kind", "running"),
    [(NETWORK, "BUILD"), (PORT, "BUILD"), (ROUTER, "ALLOCATING"), (ROUTER, "PENDING_CREATE")],
)
@pytest.mark.parametrize("status", ["ACTIVE", "DOWN"])
def test_create_ends_in_active_or_down(kind: ResourceType, running: str, status: str) -> None:
    case = Judged(f"{kind.name}.create", id="x")
    assert runs(case.see(kind, {"status": running}, id="x"))
    assert done(case.see(kind, {"status": status}, id="x"))


@pytest.mark.parametrize("kind", [SUBNET, SECURITY_GROUP])
def test_create_without_status_ends_with_existence(kind: ResourceType) -> None:
    case = Judged(f"{kind.name}.create", id="x")
    assert done(case.see(kind, {"id": "x"}, id="x"))


@pytest.mark.parametrize("kind", [NETWORK, PORT, ROUTER, FLOATING_IP])
def test_create_fails_in_error(kind: ResourceType) -> None:
    case = Judged(f"{kind.name}.create", id="x")
    assert "went to status ERROR" in why(case.see(kind, {"status": "ERROR"}, id="x"))


def test_a_port_that_cannot_be_bound_is_a_failure() -> None:
    body = {"status": "DOWN", "binding:vif_type": "binding_failed", "binding:host_id": "compute1"}
    case = Judged("port.create", id="p")
    assert "cannot be bound to host compute1" in why(case.see(PORT, body, id="p"))


@pytest.mark.parametrize("operation", ["floating ip.create", "floating ip.update"])
@pytest.mark.parametrize(
    ("port", "early", "late"), [("p", "DOWN", "ACTIVE"), (None, "ACTIVE", "DOWN")]
)
def test_a_floating_ip_is_done_when_the_routers_agent_is(
    operation: str, port: str | None, early: str, late: str
) -> None:
    case = Judged(operation, id="f")
    assert runs(case.see(FLOATING_IP, {"status": early, "port_id": port}, id="f"))
    assert done(case.see(FLOATING_IP, {"status": late, "port_id": port}, id="f"))


@pytest.mark.parametrize("kind", [NETWORK, SUBNET, PORT, ROUTER, FLOATING_IP, SECURITY_GROUP])
def test_a_deletion_is_confirmed(kind: ResourceType) -> None:
    case = Judged(f"{kind.name}.delete", id="x")
    assert runs(case.see(kind, None, at=-1.0, id="x"))  # asked for before it was accepted
    assert done(case.see(kind, None, at=1.0, id="x"))


def test_bulk_requests_are_no_operations() -> None:
    assert TABLE.find("network", "POST", "/ports", {"ports": [{}]}) is None
    found = TABLE.find("network", "POST", "/ports", {"port": {}})
    assert found is not None
    assert found[0].stamp_field == "port.description"


def test_floating_ip_update_needs_a_port_in_the_request() -> None:
    path = "/floatingips/f"
    assert TABLE.find("network", "PUT", path, {"floatingip": {"description": "x"}}) is None
    assert TABLE.find("network", "PUT", path, {"floatingip": {"port_id": None}}) is not None


@pytest.mark.parametrize(("version", "place"), [
    ("", "description"), ("3.42", "description"), ("3.43", "metadata"), ("3.70", "metadata"),
    ("latest", "metadata"),
])  # fmt: skip
def test_a_backups_stamp_stands_where_the_microversion_has_a_place(
    version: str, place: str
) -> None:
    found = TABLE.find("block-storage", "POST", "/backups", {"backup": {}})
    assert found is not None
    assert found[0].stamp_at(version) == f"backup.{place}"


def image(case: Judged, status: str, **more: Any) -> Any:
    """Return the verdict when the image has a status and further fields."""
    return case.see(IMAGE, {"status": status, **more}, id="i")


def test_an_upload_is_done_when_the_image_is_active() -> None:
    case = Judged("image.upload", id="i")
    assert runs(image(case, "saving"))
    assert done(image(case, "active"))
    assert "killed" in why(image(case, "killed"))
    assert "queued with nothing under way" in why(image(Judged("image.upload", id="i"), "queued"))


def test_an_import_is_done_when_no_store_is_waited_for() -> None:
    case = Judged("image.import", id="i")
    assert runs(image(case, "uploading"))  # the task has not begun
    assert runs(image(case, "importing", os_glance_importing_to_stores="file"))
    assert runs(image(case, "active", os_glance_importing_to_stores="other"))
    assert done(image(case, "active", os_glance_importing_to_stores="", os_glance_failed_import=""))


@pytest.mark.parametrize("status", ["queued", "uploading", "active"])
def test_failed_import_names_the_stores(status: str) -> None:
    body = {"os_glance_importing_to_stores": "", "os_glance_failed_import": "file"}
    assert "import into file has failed" in why(
        image(Judged("image.import", id="i"), status, **body)
    )
