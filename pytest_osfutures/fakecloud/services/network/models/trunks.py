"""Trunks, and their sub-ports.

https://opendev.org/openstack/neutron/src/branch/master/neutron/services/trunk
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pytest_osfutures.fakecloud.kernel import ApiError, Fault, Lifecycle, Step, start_lifecycle
from pytest_osfutures.fakecloud.services.network.models.records import PortRecord, TrunkRecord
from pytest_osfutures.fakecloud.services.network.models.state import NetworkModel

#: The agent of the parent port's host connects the sub-ports.
CONNECT = Lifecycle(
    "trunk.connect", (Step(0.5, {"status": "DOWN"}), Step(0.5, {"status": "BUILD"}))
)


def create_trunk(model: NetworkModel, project_id: str, values: Mapping[str, Any]) -> TrunkRecord:
    """Create a trunk. Raises ApiError."""
    given = dict(values)
    parent, sub_ports = model.port(given.pop("port_id")), given.pop("sub_ports", ())
    check_free(model, parent)
    if parent.host:
        raise _conflict(
            "ParentPortInUse",
            f"Port {parent.id} is currently in use and is not eligible for use as a parent port.",
        )
    trunk = TrunkRecord(
        id=model.runtime.new_id(),
        project_id=project_id,
        status="DOWN",
        revision=1,
        port_id=parent.id,
        **given,
    )
    trunk.sub_ports = _checked(model, trunk, sub_ports)
    return model.keep(model.trunks, trunk)


def delete_trunk(model: NetworkModel, trunk: TrunkRecord) -> None:
    """Delete a trunk. Raises ApiError(409) while a server uses the parent port."""
    if model.port(trunk.port_id).host:
        raise _conflict("TrunkInUse", f"Trunk {trunk.id} is currently in use.")
    model.trunks.remove(trunk)


def add_sub_ports(
    model: NetworkModel, trunk: TrunkRecord, sub_ports: Sequence[Mapping[str, Any]]
) -> None:
    """Add sub-ports, which the agent then connects. Raises ApiError."""
    _change(model, trunk, (*trunk.sub_ports, *_checked(model, trunk, sub_ports)))


def remove_sub_ports(
    model: NetworkModel, trunk: TrunkRecord, sub_ports: Sequence[Mapping[str, Any]]
) -> None:
    """Remove sub-ports. Raises ApiError(404)."""
    known = {each["port_id"] for each in trunk.sub_ports}
    gone = {each["port_id"] for each in sub_ports}
    for port_id in gone - known:
        text = f"SubPort on trunk {trunk.id} with parent port {port_id} not found."
        raise ApiError(404, text, kind="SubPortNotFound")
    _change(model, trunk, tuple(each for each in trunk.sub_ports if each["port_id"] not in gone))


def status(model: NetworkModel, trunk: TrunkRecord) -> str | None:
    """Return the status of a trunk: DOWN unless a server uses the parent port."""
    parent = model.ports.get(trunk.port_id)
    if parent is None or not parent.host:
        return "DOWN"
    return trunk.status if trunk.activity or trunk.status == "DEGRADED" else "ACTIVE"


def check_free(model: NetworkModel, port: PortRecord) -> None:
    """Raise ApiError(409) if a port belongs to a trunk."""
    for trunk in model.trunks:
        if trunk.port_id == port.id:
            text = f"Port {port.id} is currently a parent port for trunk {trunk.id}."
            raise _conflict("PortInUseAsTrunkParent", text)
        if any(each["port_id"] == port.id for each in trunk.sub_ports):
            text = f"Port {port.id} is currently a subport for trunk {trunk.id}."
            raise _conflict("PortInUseAsSubPort", text)


def _checked(
    model: NetworkModel, trunk: TrunkRecord, sub_ports: Sequence[Mapping[str, Any]]
) -> tuple[Mapping[str, Any], ...]:
    used = {(each["segmentation_type"], each["segmentation_id"]) for each in trunk.sub_ports}
    for each in sub_ports:
        port = model.port(each["port_id"])
        tag = each["segmentation_type"], each["segmentation_id"]
        check_free(model, port)
        if tag in used or port.id == trunk.port_id:
            raise _conflict(
                "DuplicateSubPort",
                f"segmentation_type {tag[0]} and segmentation_id {tag[1]} already in use on trunk "
                f"{trunk.id}.",
            )
        used.add(tag)
    return tuple(sub_ports)


def _change(
    model: NetworkModel, trunk: TrunkRecord, sub_ports: tuple[Mapping[str, Any], ...]
) -> None:
    trunk.change({"sub_ports": sub_ports})
    if not model.port(trunk.port_id).host:
        return

    def failed(_fault: Fault) -> None:
        trunk.change({"status": "DEGRADED"})

    done = {"status": "ACTIVE"}
    start_lifecycle(model.runtime, CONNECT, trunk, lambda: trunk.change(done), failed)


def _conflict(kind: str, text: str) -> ApiError:
    return ApiError(409, text, kind=kind)
