"""Interfaces: /servers/{id}/os-interface."""

from __future__ import annotations

from typing import Any

from pytest_osfutures.fakecloud.kernel import (
    Response,
)
from pytest_osfutures.fakecloud.services.compute.call import ComputeCall
from pytest_osfutures.fakecloud.services.compute.models import interfaces
from pytest_osfutures.fakecloud.services.compute.responses import validation
from pytest_osfutures.fakecloud.services.compute.responses.servers import find
from pytest_osfutures.fakecloud.services.service_ports import PortDetails

SHAPES = {"net_id": "string", "port_id": "string", "fixed_ips": "[object]"}


def _view(call: ComputeCall, port: PortDetails) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "net_id": port.network_id,
        "port_id": port.id,
        "mac_addr": port.mac_address,
        "port_state": port.status,
        "fixed_ips": [dict(ip) for ip in port.fixed_ips],
    }
    if call.version >= (2, 70):
        shown["tag"] = None
    return shown


def list_interfaces(call: ComputeCall, server_id: str) -> Response:
    """List the ports of a server."""
    server = find(call, server_id)
    ports = call.model.networks.ports_of(server.id)
    return Response(200, {"interfaceAttachments": [_view(call, port) for port in ports]})


def show_interface(call: ComputeCall, server_id: str, port_id: str) -> Response:
    """Show one port of a server."""
    port = interfaces.port(call.model, find(call, server_id), port_id)
    return Response(200, {"interfaceAttachment": _view(call, port)})


def attach(call: ComputeCall, server_id: str) -> Response:
    """Attach a new port or the user's own port to a server."""
    server = find(call, server_id)
    body = (call.json() if call.request.body else {}).get("interfaceAttachment") or {}
    validation.typed("interfaceAttachment", body, "object")
    validation.shapes(body, SHAPES)
    fixed = body.get("fixed_ips") or [{}]
    port = interfaces.attach(
        call.model,
        server,
        call.context,
        interfaces.InterfaceRequest(
            body.get("net_id"),
            body.get("port_id"),
            validation.address("ip_address", fixed[0].get("ip_address")),
        ),
    )
    return Response(200, {"interfaceAttachment": _view(call, port)})


def detach(call: ComputeCall, server_id: str, port_id: str) -> Response:
    """Begin to detach a port."""
    server = find(call, server_id)
    interfaces.detach(call.model, server, call.context, port_id)
    return Response(202)
