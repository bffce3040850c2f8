"""POST /servers: from the body to a validated `ServerRequest`."""

from __future__ import annotations

from typing import Any

from pytest_osfutures.fakecloud.kernel import (
    ApiError,
    Response,
)
from pytest_osfutures.fakecloud.services.compute.call import ComputeCall
from pytest_osfutures.fakecloud.services.compute.models import building
from pytest_osfutures.fakecloud.services.compute.models.building import ServerRequest
from pytest_osfutures.fakecloud.services.compute.models.hosts import ZONE
from pytest_osfutures.fakecloud.services.compute.models.server import FlavorRecord
from pytest_osfutures.fakecloud.services.compute.responses import validation, views
from pytest_osfutures.fakecloud.services.compute.responses.block_devices import (
    boots_from_volume,
    disks_of,
    disks_of_image,
)
from pytest_osfutures.fakecloud.services.service_ports import ImageDetails

KNOWN = {
    *("name", "flavorRef", "imageRef", "adminPass", "metadata", "networks", "availability_zone"),
    *("OS-DCF:diskConfig", "accessIPv4", "accessIPv6", "config_drive", "user_data", "key_name"),
    *("block_device_mapping", "block_device_mapping_v2", "security_groups"),
    *("min_count", "max_count", "return_reservation_id"),
}
#: fields and the microversions that introduced them
SINCE = {
    "description": (2, 19),
    "tags": (2, 52),
    "trusted_image_certificates": (2, 63),
    "host": (2, 74),
    "hypervisor_hostname": (2, 74),
    "hostname": (2, 90),
}
SHAPES = {
    **dict.fromkeys(("availability_zone", "key_name", "user_data", "hostname", "host"), "string"),
    **dict.fromkeys(("adminPass", "description", "accessIPv4", "accessIPv6"), "string"),
    **dict.fromkeys(("OS-DCF:diskConfig", "hypervisor_hostname"), "string"),
    **dict.fromkeys(("security_groups", "block_device_mapping_v2"), "[object]"),
    **dict.fromkeys(("block_device_mapping", "personality"), "[object]"),
    **dict.fromkeys(("tags", "trusted_image_certificates"), "[string]"),
    "return_reservation_id": validation.FLAG,
    "flavorRef": "string integer",
    "metadata": "object",
}
PERSONALITY_UNTIL = (2, 57)
GIB = 1024**3
Networks = tuple[tuple[str | None, str | None, str | None], ...]


def create_server(call: ComputeCall) -> Response:
    """Begin to create servers; the response has no status."""
    body = validation.envelope(call, "server")
    blueprint = _blueprint(call, body)
    servers = building.create(call.model, blueprint, call.context)
    first = servers[0]
    if body.get("return_reservation_id"):
        return Response(202, {"reservation_id": first.reservation_id})
    location = f"{call.root}/v2.1/servers/{first.id}"
    shown = {
        "id": first.id,
        "links": views.links(call, "servers", first.id),
        "OS-DCF:diskConfig": first.disk_config,
        "security_groups": [{"name": name} for name in first.security_groups],
        "adminPass": first.admin_pass,
    }
    return Response(202, {"server": shown}, {"Location": location})


def _blueprint(call: ComputeCall, body: dict[str, Any]) -> ServerRequest:
    allowed = KNOWN | {field for field, since in SINCE.items() if call.version >= since}
    if call.version < PERSONALITY_UNTIL:
        allowed |= {"personality"}
    validation.only("server", body, frozenset(allowed))
    if "name" in body:
        validation.name(body["name"])
    validation.required("server", body, "name", "flavorRef")
    validation.shapes(body, SHAPES)
    validation.one_of(body, "OS-DCF:diskConfig", ["AUTO", "MANUAL"])
    validation.addresses({field: value for field, value in body.items() if value is not None})
    _check_hostname(body)
    if call.version >= (2, 37):
        validation.required("server", body, "networks")
    count = _count(body)
    if count[1] > 1 and _names_a_port(body.get("networks")):
        raise ApiError(
            400,
            "Unable to launch multiple instances with a single configured port ID. "
            "Please launch your instance one by one with different ports.",
        )
    networks = _networks(call, body.get("networks"))
    model, context = call.model, call.context
    flavor = model.flavor(body["flavorRef"], status=400, context=context)
    disks, image_id = disks_of(call, body)
    in_place_of_image = boots_from_volume(disks)
    facts = None
    if image_id:
        try:
            facts = model.images.image_details(image_id, context.project_id)
        except ApiError:
            raise ApiError(400, "Can not find requested image") from None
        if facts.status != "active":
            raise ApiError(400, f"Image {image_id} is unacceptable: Image is not active.")
        disks = (*disks, *disks_of_image(facts, disks))
        _check_room(call, facts, flavor, disks)
    return ServerRequest(
        name=body["name"],
        flavor=flavor,
        image_id=None if in_place_of_image else image_id,
        networks=networks,
        disks=disks,
        count=count,
        security_groups=_security_groups(call, body),
        host=_host(call, body),
        fields=_fields(call, body),
    )


def _check_room(
    call: ComputeCall, image: ImageDetails, flavor: FlavorRecord, disks: tuple[dict[str, Any], ...]
) -> None:
    """Reject an image that is too large: nova.compute.api, _validate_flavor_image_nostatus."""
    if image.min_ram > flavor.ram:
        raise ApiError(400, "Flavor's memory is too small for requested image.")
    least = image.min_disk * GIB
    root = next((disk for disk in disks if disk.get("boot_index") in (0, "0")), None)
    if root is not None:
        size = int(root.get("volume_size") or 0) * GIB
        if 0 < size < least:
            raise ApiError(
                400,
                "Volume is smaller than the minimum size specified in image metadata. "
                f"Volume size is {size} bytes, minimum size is {least} bytes.",
            )
        return
    size = flavor.disk * GIB
    if not size and not call.caller.is_admin:
        raise ApiError(403, "Only volume-backed servers are allowed for flavors with zero disk.")
    if 0 < size < (image.size or 0):
        raise ApiError(
            400,
            "Flavor's disk is too small for requested image. "
            f"Flavor disk is {size} bytes, image is {image.size} bytes.",
        )
    if 0 < size < least:
        raise ApiError(
            400,
            "Flavor's disk is smaller than the minimum size specified in image metadata. "
            f"Flavor disk is {size} bytes, minimum size is {least} bytes.",
        )


def _names_a_port(networks: Any) -> bool:
    entries = networks if isinstance(networks, list) else ()
    return any(isinstance(one, dict) and one.get("port") for one in entries)


def _count(body: dict[str, Any]) -> tuple[int, int]:
    least = body.get("min_count", 1)
    most = body.get("max_count", least)
    for field, value in (("min_count", least), ("max_count", most)):
        validation.number(field, value, least=1)
    if int(least) > int(most):
        raise ApiError(400, "min_count must be <= max_count")
    return int(least), int(most)


def _networks(call: ComputeCall, wanted: Any) -> Networks:
    model, project = call.model, call.caller.project_id
    if wanted == "none" and call.version >= (2, 37):
        return ()
    absent = wanted is None and call.version < (2, 37)
    if absent or (wanted == "auto" and call.version >= (2, 37)):
        usable = model.networks.network_ids(project)
        if len(usable) > 1:
            raise ApiError(
                409,
                "Multiple possible networks found, use a Network ID to be more specific.",
            )
        return tuple((network, None, None) for network in usable)
    if not isinstance(wanted, list):
        if call.version < (2, 37):
            validation.typed("networks", wanted, "array")
        why = f"{wanted!r} is not valid under any of the given schemas"
        raise validation.invalid("networks", wanted, why)
    found = []
    validation.shapes({"networks": wanted}, {"networks": "[object]"})
    for entry in wanted:
        network, port = entry.get("uuid"), entry.get("port")
        if not _is_network(entry):
            why = f"{wanted!r} is not valid under any of the given schemas"
            raise validation.invalid("networks", wanted, why)
        if "tag" in entry and call.version < (2, 32):
            why = "Additional properties are not allowed ('tag' was unexpected)"
            raise validation.invalid("0", entry, why)
        if network and not port:
            model.networks.check_network(network, project)
        found.append((None if port else network, port, entry.get("fixed_ip")))
    return tuple(found)


def _is_network(entry: dict[str, Any]) -> bool:
    """Return True if Nova's JSON schema accepts this entry of `networks`."""
    ids = (entry.get("uuid"), entry.get("port"))
    fixed_ip, tag = entry.get("fixed_ip"), entry.get("tag", "")
    return (
        any(ids)
        and all(one is None or (isinstance(one, str) and validation.UUID.match(one)) for one in ids)
        and (fixed_ip is None or validation.is_address(fixed_ip))
        and isinstance(tag, str)
    )


def _check_hostname(body: dict[str, Any]) -> None:
    wanted = body.get("hostname")
    if wanted is not None and not validation.HOSTNAME.fullmatch(wanted):
        why = f"{wanted!r} does not match '^{validation.HOSTNAME.pattern}$'"
        raise validation.invalid("hostname", wanted, why)


def _security_groups(call: ComputeCall, body: dict[str, Any]) -> tuple[str, ...]:
    groups = body.get("security_groups") or ()
    for group in groups:
        validation.required("security_groups", group, "name")
        validation.typed("name", group["name"], "string")
    names = tuple(group["name"] for group in groups)
    for name in names:
        try:
            call.model.networks.security_groups(call.caller.project_id, (name,))
        except ApiError:
            raise ApiError(400, f"Unable to find security_group with name or id '{name}'") from None
    return names or ("default",)


def _host(call: ComputeCall, body: dict[str, Any]) -> str | None:
    wanted = body.get("host") or body.get("hypervisor_hostname")
    if wanted is None:
        return None
    validation.admin_only(call, "compute:servers:create:requested_destination")
    if wanted not in call.model.hosts:
        raise ApiError(400, f"Compute host {wanted} could not be found.")
    return str(wanted)


def _fields(call: ComputeCall, body: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of the body that are copied to the server."""
    model = call.model
    zone = body.get("availability_zone")
    if zone is not None and zone.split(":")[0] != ZONE:
        raise ApiError(400, "The requested availability zone is not available")
    key_name = body.get("key_name")
    tags = body.get("tags") or []
    both = call.json()
    hints = both.get("os:scheduler_hints") or both.get("OS-SCH-HNT:scheduler_hints") or {}
    validation.typed("os:scheduler_hints", hints, "object")
    if "group" in hints and model.server_groups.get(str(hints["group"])) is None:
        raise ApiError(400, f"Instance group {hints['group']} could not be found.")
    fields = {
        "metadata": validation.metadata(call, body.get("metadata") or {}),
        "pinned_zone": zone,
        "key_name": key_name,
        "key_data": validation.public_key(call, key_name),
        "tags": tuple(sorted({validation.tag(tag) for tag in tags})),
        "description": validation.description(body.get("description")),
        "user_data": body.get("user_data"),
        "config_drive": validation.boolean("config_drive", body.get("config_drive", False)),
        "disk_config": body.get("OS-DCF:diskConfig", "MANUAL"),
        "access_ip_v4": validation.normal(body.get("accessIPv4")),
        "access_ip_v6": validation.normal(body.get("accessIPv6")),
        "scheduler_hints": hints,
        "trusted_certificates": tuple(body.get("trusted_image_certificates") or ()) or None,
    }
    if body.get("adminPass"):
        fields["admin_pass"] = body["adminPass"]
    if body.get("hostname"):
        fields["hostname"] = body["hostname"]
    return fields
