"""Interfaces of existing servers: attach at once, detach in the background."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_osfutures.fakecloud.kernel import (
    ApiError,
    Fault,
    RequestContext,
    ResourceRecord,
    start_lifecycle,
)
from pytest_osfutures.fakecloud.services.compute.models.operations import DETACH_INTERFACE
from pytest_osfutures.fakecloud.services.compute.models.server import ServerRecord
from pytest_osfutures.fakecloud.services.compute.models.state import ComputeModel
from pytest_osfutures.fakecloud.services.compute.models.work import check, reason
from pytest_osfutures.fakecloud.services.service_ports import PortDetails

VM_STATES = ("active", "paused", "stopped")


def port(model: ComputeModel, server: ServerRecord, port_id: str) -> PortDetails:
    """Return the server's port. Raises ApiError(404)."""
    found = next((one for one in model.networks.ports_of(server.id) if one.id == port_id), None)
    if found is None:
        raise ApiError(404, f"Port id {port_id} could not be found.")
    return found


@dataclass(frozen=True)
class InterfaceRequest:
    """The fields of a new interface: the user's own port, or the network of a new port."""

    network_id: str | None = None
    port_id: str | None = None
    fixed_ip: str | None = None


def attach(
    model: ComputeModel,
    server: ServerRecord,
    context: RequestContext,
    wanted: InterfaceRequest,
) -> PortDetails:
    """Attach a port to the server before the call returns. Raises ApiError."""
    check(server, "attach_interface", context, VM_STATES)
    action = model.record(server, "attach_interface", context, ("compute_attach_interface",))
    try:
        if port_id := wanted.port_id or "":
            model.networks.claim_port(port_id, server.id, server.project_id)
        else:
            port_id = _new_port(model, server, wanted.network_id, wanted.fixed_ip)
    except ApiError as error:
        action.finish(model.now(), error.message)
        raise
    model.networks.bind_port(port_id, server.host or "")
    server.touch()
    action.finish(model.now())
    return port(model, server, port_id)


def _new_port(
    model: ComputeModel, server: ServerRecord, network_id: str | None, fixed_ip: str | None
) -> str:
    if network_id is None:
        choice = model.networks.network_ids(server.project_id)
        if len(choice) != 1:
            raise ApiError(
                409, "Multiple possible networks found, use a Network ID to be more specific."
            )
        network_id = choice[0]
    model.networks.check_network(network_id, server.project_id)
    groups = server.security_groups
    return model.networks.create_port(server.id, server.project_id, network_id, fixed_ip, groups)


def detach(
    model: ComputeModel, server: ServerRecord, context: RequestContext, port_id: str
) -> None:
    """Begin to detach a port; an unknown port is an error in the background only."""
    check(server, "detach_interface", context, VM_STATES)
    action = model.record(server, "detach_interface", context, ("compute_detach_interface",))
    detaching = ResourceRecord(id=port_id, name=server.name)

    def done() -> None:
        if all(one.id != port_id for one in model.networks.ports_of(server.id)):
            action.finish(model.now(), f"Port {port_id} is not attached")
            return
        model.networks.release_port(port_id)
        server.touch()
        action.finish(model.now())

    def failed(fault: Fault) -> None:
        action.finish(model.now(), reason(fault))

    start_lifecycle(model.runtime, DETACH_INTERFACE, detaching, done, failed)
