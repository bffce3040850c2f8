"""QoS specs (administrators only)."""

from __future__ import annotations

from typing import Any

from pytest_osfutures.fakecloud.kernel import (
    ApiError,
    Response,
)
from pytest_osfutures.fakecloud.services.block_storage.call import BlockStorageCall
from pytest_osfutures.fakecloud.services.block_storage.models.records import QosSpecs, VolumeType
from pytest_osfutures.fakecloud.services.block_storage.responses import validation
from pytest_osfutures.fakecloud.services.block_storage.responses.listing import (
    page,
    truth,
    with_links,
)
from pytest_osfutures.fakecloud.services.block_storage.responses.views import links

RULE = "volume_extension:qos_specs_manage"
CONSUMERS = ("back-end", "front-end", "both")


def _find(call: BlockStorageCall, qos_id: str, rule: str) -> QosSpecs:
    validation.admin_only(call, f"{RULE}:{rule}")
    found = call.model.qos_specs.get(qos_id)
    if found is None:
        raise ApiError(404, f"No such QoS spec {qos_id}.")
    return found


def _view(qos: QosSpecs) -> dict[str, Any]:
    return {
        "id": qos.id,
        "name": qos.name,
        "consumer": qos.consumer,
        "specs": dict(qos.specs),
    }


def _alone(call: BlockStorageCall, qos: QosSpecs) -> Response:
    return Response(200, {"qos_specs": _view(qos), "links": links(call, "qos-specs", qos.id)})


def index(call: BlockStorageCall) -> Response:
    """List all QoS specs."""
    validation.admin_only(call, f"{RULE}:get_all")
    rows = list(call.model.qos_specs.values())
    found, following = page(call, rows, "QoS spec")
    shown = [_view(qos) for qos in found]
    return Response(200, with_links("qos_specs", shown, "qos_specs_links", following))


def show(call: BlockStorageCall, qos_id: str) -> Response:
    """Show one set of QoS specs."""
    return _alone(call, _find(call, qos_id, "get"))


def create(call: BlockStorageCall) -> Response:
    """Create QoS specs."""
    validation.admin_only(call, f"{RULE}:create")
    part, model = dict(validation.envelope(call, "qos_specs")), call.model
    validation.required("qos_specs", part, "name")
    name, consumer = str(part.pop("name")), part.pop("consumer", "back-end")
    if consumer not in CONSUMERS:
        raise ApiError(400, f"Invalid qos specs: Valid consumer of QoS specs are: {CONSUMERS}")
    if any(qos.name == name for qos in model.qos_specs.values()):
        raise ApiError(409, f"QoS Specs {name} already exists.")
    specs = {key: str(value) for key, value in part.items()}
    qos = QosSpecs(id=call.runtime.new_id(), name=name, consumer=consumer, specs=specs)
    model.qos_specs[qos.id] = qos
    return _alone(call, qos)


def update(call: BlockStorageCall, qos_id: str) -> Response:
    """Add or change keys of QoS specs."""
    qos, part = _find(call, qos_id, "update"), dict(validation.envelope(call, "qos_specs"))
    qos.consumer = part.get("consumer", qos.consumer)
    new = {key: str(value) for key, value in part.items() if key not in ("name", "consumer")}
    qos.specs = {**qos.specs, **new}
    return Response(200, {"qos_specs": part})


def delete_keys(call: BlockStorageCall, qos_id: str) -> Response:
    """Delete keys of QoS specs."""
    qos, keys = _find(call, qos_id, "update"), call.json().get("keys")
    if not isinstance(keys, list):
        if "keys" not in call.json():
            raise ApiError(400, "'keys' is a required property")
        raise validation.invalid("keys", keys, f"{keys!r} is not of type 'array'")
    for index, key in enumerate(keys):
        if not isinstance(key, str):
            raise validation.invalid(str(index), key, f"{key!r} is not of type 'string'")
        if key not in qos.specs:
            raise ApiError(404, f"QoS spec {qos.id} has no spec with key {key}.")
    qos.specs = {key: value for key, value in qos.specs.items() if key not in keys}
    return Response(202)


def _types(call: BlockStorageCall, qos: QosSpecs) -> list[VolumeType]:
    kinds = call.model.types.values()
    return [kind for kind in kinds if kind.qos_specs_id == qos.id]


def delete(call: BlockStorageCall, qos_id: str) -> Response:
    """Delete QoS specs; `force` allows specs that volume types use."""
    qos = _find(call, qos_id, "delete")
    if _types(call, qos) and not truth(call.request.param("force")):
        raise ApiError(400, "Qos specs still in use.")
    for kind in _types(call, qos):
        kind.qos_specs_id = None
    del call.model.qos_specs[qos.id]
    return Response(202)


def associations(call: BlockStorageCall, qos_id: str) -> Response:
    """List the volume types that use the QoS specs."""
    qos = _find(call, qos_id, "get")
    rows = [
        {"association_type": "volume_type", "name": kind.name, "id": kind.id}
        for kind in _types(call, qos)
    ]
    return Response(200, {"qos_associations": rows})


def _type(call: BlockStorageCall) -> VolumeType:
    type_id = call.request.param("vol_type_id")
    kind = call.model.types.get(type_id or "")
    if kind is None:
        raise ApiError(404, f"Volume type {type_id} could not be found.")
    return kind


def associate(call: BlockStorageCall, qos_id: str) -> Response:
    """Associate the QoS specs with a volume type."""
    qos, kind = _find(call, qos_id, "update"), _type(call)
    if kind.qos_specs_id not in (None, qos.id):
        raise ApiError(
            400,
            f"Type {kind.id} is already associated with another qos specs: {kind.qos_specs_id}",
        )
    kind.qos_specs_id = qos.id
    return Response(202)


def disassociate(call: BlockStorageCall, qos_id: str) -> Response:
    """Disassociate the QoS specs from a volume type."""
    _find(call, qos_id, "update")
    _type(call).qos_specs_id = None
    return Response(202)


def disassociate_all(call: BlockStorageCall, qos_id: str) -> Response:
    """Disassociate the QoS specs from all volume types."""
    for kind in _types(call, _find(call, qos_id, "update")):
        kind.qos_specs_id = None
    return Response(202)
