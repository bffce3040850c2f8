"""The block device mappings of POST /servers: the volumes of a new server."""

from __future__ import annotations

import json
from typing import Any

from pytest_osfutures.fakecloud.kernel import ApiError
from pytest_osfutures.fakecloud.services.compute.call import ComputeCall
from pytest_osfutures.fakecloud.services.compute.responses import validation
from pytest_osfutures.fakecloud.services.service_ports import ImageDetails

DISK_CHOICES = {
    "source_type": ["volume", "image", "snapshot", "blank"],
    "destination_type": ["local", "volume"],
}


def disks_of(
    call: ComputeCall, body: dict[str, Any]
) -> tuple[tuple[dict[str, Any], ...], str | None]:
    """Return the mappings that are volumes, and the id of the server's image."""
    wanted = body.get("imageRef") or ""
    image_id = str(wanted).rstrip("/").rsplit("/", 1)[-1]
    mappings = body.get("block_device_mapping_v2") or []
    if legacy := body.get("block_device_mapping"):
        if mappings:
            raise ApiError(
                400,
                "Using different block_device_mapping syntaxes is not allowed in the same request.",
            )
        mappings = [_from_legacy(index, each) for index, each in enumerate(legacy)]
        if not image_id and (volumes := [each for each in mappings if each["uuid"]]):
            volumes[0]["boot_index"] = 0
    if image_id and not validation.UUID.match(image_id):
        why = f"{image_id!r} is not valid under any of the given schemas"
        raise validation.invalid("imageRef", image_id, why)
    if not image_id and not mappings:
        raise ApiError(400, "Missing imageRef attribute")
    disks = []
    for mapping in mappings:
        _check_mapping(mapping)
        source, target = mapping.get("source_type"), mapping.get("destination_type", "volume")
        if source == "image" and target == "local":
            image_id = str(mapping.get("uuid"))
            continue
        if source == "blank" and target == "local":
            continue
        _check_disk(call, mapping, source, bool(image_id))
        disks.append({"destination_type": target} | mapping)
    return tuple(disks), image_id or None


LEGACY = (
    *("volume_id", "snapshot_id", "device_name", "virtual_name", "volume_size"),
    *("delete_on_termination", "no_device", "connection_info"),
)


def _from_legacy(index: int, given: dict[str, Any]) -> dict[str, Any]:
    """Return an entry of `block_device_mapping` in today's format. Raises ApiError(400).

    https://docs.openstack.org/nova/latest/user/block-device-mapping.html
    """
    validation.only(str(index), given, frozenset(LEGACY))
    for name in ("volume_id", "snapshot_id"):
        value = given.get(name)
        if value is not None and not (isinstance(value, str) and validation.UUID.match(value)):
            raise validation.invalid(name, value, f"{value!r} is not a 'uuid'")
    source = next((name for name in ("volume", "snapshot") if given.get(f"{name}_id")), None)
    if source is None and not given.get("no_device") and not given.get("virtual_name"):
        raise ApiError(400, "Block Device Mapping is Invalid: Unrecognized legacy format.")
    kept = ("device_name", "volume_size")
    ends = validation.boolean("delete_on_termination", given.get("delete_on_termination", False))
    return {
        "source_type": source or "blank",
        "destination_type": "volume" if source else "local",
        "uuid": given.get(f"{source}_id"),
        "boot_index": -1,
        "delete_on_termination": ends,
        **{name: given[name] for name in kept if given.get(name) is not None},
    }


def disks_of_image(image: ImageDetails, wanted: tuple[dict[str, Any], ...]) -> list[dict[str, Any]]:
    """Return the mappings of the image of a server booted from a volume.

    Nova creates volumes from the snapshots in these mappings: nova.compute.api, _get_bdms_by_image.
    Mappings of the request replace those of the image.
    """
    named = {disk.get("device_name") for disk in wanted} - {None}
    roots = {0 for disk in wanted if disk.get("boot_index") in (0, "0")}
    return [
        {**disk, "uuid": disk.get("snapshot_id")}
        for disk in json.loads(image.properties.get("block_device_mapping", "[]"))
        if disk.get("device_name") not in named and disk.get("boot_index") not in roots
    ]


def _check_mapping(mapping: dict[str, Any]) -> None:
    for name, known in DISK_CHOICES.items():
        if name in mapping and mapping[name] not in known:
            raise validation.invalid(
                name, mapping[name], f"{mapping[name]!r} is not one of {known}"
            )
    for name in ("volume_size", "boot_index"):
        if (value := mapping.get(name)) is not None:
            validation.number(name, value, least=1 if name == "volume_size" else -1)
    texts = dict.fromkeys(("uuid", "tag", "device_name", "volume_type"), "string")
    validation.shapes(mapping, texts)
    if "delete_on_termination" in mapping:
        validation.boolean("delete_on_termination", mapping["delete_on_termination"])


def _check_disk(call: ComputeCall, mapping: dict[str, Any], source: Any, has_image: bool) -> None:
    """Raise ApiError(400) unless the mapping's source can be used.

    Nova asks whether the volume is bootable only if the request names no image:
    nova.block_device, get_bdm_image_metadata.
    """
    if source in ("image", "blank") and not mapping.get("volume_size"):
        reasons = {
            "image": "Images with destination_type 'volume' need to have a non-zero size specified",
            "blank": "Blank volumes (source: 'blank', dest: 'volume') need to have non-zero size",
        }
        raise ApiError(400, reasons[source])
    thing_id, project = str(mapping.get("uuid")), call.caller.project_id
    model = call.model
    try:
        if source == "image":
            model.images.image_details(thing_id, project)
        bootable = source != "volume" or model.volumes.volume_details(thing_id, project).bootable
    except ApiError:
        why = f"Block Device Mapping is Invalid: failed to get {source} {thing_id}."
        raise ApiError(400, why) from None
    if mapping.get("boot_index") in (0, "0") and not bootable and not has_image:
        raise ApiError(400, f"Block Device {thing_id} is not bootable.")


def boots_from_volume(disks: tuple[dict[str, Any], ...]) -> bool:
    """Return True if one of the mappings is the root disk."""
    return any(disk.get("boot_index") in (0, "0") for disk in disks)
