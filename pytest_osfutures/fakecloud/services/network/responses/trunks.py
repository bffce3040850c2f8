"""Trunks in JSON, and the requests about their sub-ports."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_osfutures.fakecloud.kernel import ApiError, Response
from pytest_osfutures.fakecloud.services.network.call import NetworkCall
from pytest_osfutures.fakecloud.services.network.models import trunks
from pytest_osfutures.fakecloud.services.network.models.records import TrunkRecord
from pytest_osfutures.fakecloud.services.network.responses.attributes import (
    COMMON,
    REQUIRED,
    UP,
    Attribute,
    InvalidAttributeError,
    bad,
    listing,
    mapping,
    number,
    one_of,
    uuid,
)
from pytest_osfutures.fakecloud.services.network.responses.views import standard

#: The converters of a sub-port.
SUB_PORT = {
    "port_id": uuid,
    "segmentation_type": one_of("vlan", "inherit"),
    "segmentation_id": number,
}


def _sub_port(value: Any) -> dict[str, Any]:
    found = mapping(value)
    if missing := [key for key in SUB_PORT if key not in found]:
        raise InvalidAttributeError(f"Invalid subport details '{found}': missing {missing[0]}")
    return {key: convert(found[key]) for key, convert in SUB_PORT.items()}


ATTRIBUTES = {
    **COMMON,
    "admin_state_up": UP,
    "port_id": Attribute("port_id", uuid, REQUIRED, update=False),
    "sub_ports": Attribute("sub_ports", listing(_sub_port), update=False),
}


def view(call: NetworkCall, trunk: TrunkRecord) -> dict[str, Any]:
    """Return the fields of a trunk."""
    return {
        "id": trunk.id,
        "name": trunk.name,
        "admin_state_up": trunk.admin_state_up,
        "port_id": trunk.port_id,
        "sub_ports": [dict(each) for each in trunk.sub_ports],
        **standard(trunk),
        "status": trunks.status(call.model, trunk),
    }


def _own(call: NetworkCall, trunk_id: str) -> TrunkRecord:
    trunk, caller = call.model.trunks.get(trunk_id), call.caller
    if trunk is None or not (caller.is_admin or trunk.project_id == caller.project_id):
        raise ApiError(404, f"Trunk {trunk_id} could not be found.", kind="TrunkNotFound")
    return trunk


def _given(call: NetworkCall, convert: Any) -> tuple[Mapping[str, Any], ...]:
    try:
        found: tuple[Mapping[str, Any], ...] = listing(convert)(call.json().get("sub_ports"))
    except InvalidAttributeError as error:
        raise bad(f"Invalid input for sub_ports. Reason: {error}.") from None
    return found


def _named(value: Any) -> dict[str, Any]:
    return {"port_id": uuid(mapping(value).get("port_id"))}


def show_sub_ports(call: NetworkCall, trunk_id: str) -> Response:
    """List the sub-ports of a trunk."""
    return Response(200, {"sub_ports": view(call, _own(call, trunk_id))["sub_ports"]})


def add_sub_ports(call: NetworkCall, trunk_id: str) -> Response:
    """Add sub-ports; the answer is the trunk without an envelope."""
    trunk = _own(call, trunk_id)
    trunks.add_sub_ports(call.model, trunk, _given(call, _sub_port))
    return Response(200, view(call, trunk))


def remove_sub_ports(call: NetworkCall, trunk_id: str) -> Response:
    """Remove sub-ports; the answer is the trunk without an envelope."""
    trunk = _own(call, trunk_id)
    trunks.remove_sub_ports(call.model, trunk, _given(call, _named))
    return Response(200, view(call, trunk))
