"""Servers in JSON, by microversion and by the caller's role."""

from __future__ import annotations

from typing import Any

from pytest_osfutures.fakecloud.kernel import (
    ApiError,
    iso_microseconds,
    iso_seconds,
)
from pytest_osfutures.fakecloud.services.compute.call import ComputeCall
from pytest_osfutures.fakecloud.services.compute.models import ComputeModel
from pytest_osfutures.fakecloud.services.compute.models.hosts import host_id
from pytest_osfutures.fakecloud.services.compute.models.server import FlavorRecord, ServerRecord

WITH_PROGRESS = ("ACTIVE", "BUILD", "REBUILD", "RESIZE", "VERIFY_RESIZE", "MIGRATING")
WITH_FAULT = ("ERROR", "DELETED")


def links(call: ComputeCall, kind: str, thing_id: str) -> list[dict[str, str]]:
    """Return the links of a resource, with and without the API version."""
    return [
        {"rel": "self", "href": f"{call.root}/v2.1/{kind}/{thing_id}"},
        {"rel": "bookmark", "href": f"{call.root}/{kind}/{thing_id}"},
    ]


def brief(call: ComputeCall, server: ServerRecord) -> dict[str, Any]:
    """Return the fields of a server in the short list."""
    return {"id": server.id, "name": server.name, "links": links(call, "servers", server.id)}


def _flavor(call: ComputeCall, flavor: FlavorRecord) -> dict[str, Any]:
    if call.version < (2, 47):
        return {"id": flavor.id, "links": links(call, "flavors", flavor.id)[1:]}
    return {
        "vcpus": flavor.vcpus,
        "ram": flavor.ram,
        "disk": flavor.disk,
        "ephemeral": flavor.ephemeral,
        "swap": flavor.swap,
        "original_name": flavor.name,
        "extra_specs": dict(flavor.extra_specs),
    }


def _image(call: ComputeCall, server: ServerRecord) -> Any:
    if server.image_id is None:
        return ""
    image: dict[str, Any] = {
        "id": server.image_id,
        "links": links(call, "images", server.image_id)[1:],
    }
    if call.version >= (2, 98):
        try:
            facts = call.model.images.image_details(server.image_id, None)
            image["properties"] = dict(facts.properties)
        except ApiError:  # a deleted image has no properties
            image["properties"] = {}
    return image


def addresses(
    model: ComputeModel, server: ServerRecord, extended: bool = True
) -> dict[str, list[dict[str, Any]]]:
    """Return the server's addresses by network; {} before its ports are bound.

    With `extended`, each address also has its type and MAC address.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    if server.vm_state in ("building", "deleted"):
        return found
    for port in model.networks.ports_of(server.id):
        fixed = [(ip["ip_address"], "fixed") for ip in port.fixed_ips]
        for address, kind in (*fixed, *((ip, "floating") for ip in port.floating_ips)):
            shown = {"version": 6 if ":" in address else 4, "addr": address}
            if extended:
                shown |= {"OS-EXT-IPS:type": kind, "OS-EXT-IPS-MAC:mac_addr": port.mac_address}
            found.setdefault(port.network_name, []).append(shown)
    return found


def _fault(call: ComputeCall, server: ServerRecord) -> dict[str, Any] | None:
    fault = server.fault
    if fault is None or server.shown_status not in WITH_FAULT:
        return None
    shown: dict[str, Any] = {
        "code": fault.code,
        "created": iso_seconds(fault.created_at),
        "message": fault.message,
    }
    if fault.details and (call.caller.is_admin or fault.code != 500):
        shown["details"] = fault.details
    return shown


def detailed(call: ComputeCall, server: ServerRecord, in_list: bool = False) -> dict[str, Any]:
    """Return all fields of a server that the microversion and the caller's role allow."""
    shown = _core(call, server, addresses(call.model, server))
    shown |= {
        "OS-EXT-AZ:availability_zone": server.zone,
        "config_drive": "True" if server.config_drive else "",
        "key_name": server.key_name,
        "OS-SRV-USG:launched_at": iso_microseconds(server.launched_at),
        "OS-SRV-USG:terminated_at": iso_microseconds(server.terminated_at),
    }
    if shown["addresses"] and server.security_groups:
        shown["security_groups"] = [{"name": name} for name in server.security_groups]
    if call.caller.is_admin:
        shown |= _for_administrators(call, server)
    shown |= {
        "OS-EXT-STS:task_state": server.task_state,
        "OS-EXT-STS:vm_state": server.vm_state,
        "OS-EXT-STS:power_state": server.power_state,
        "os-extended-volumes:volumes_attached": [
            {"id": ident} | ({"delete_on_termination": goes} if call.version >= (2, 3) else {})
            for ident, goes in server.disks
        ],
    }
    if call.version >= (2, 16) and call.caller.is_admin:
        host = call.model.hosts.get(server.host or "")
        shown["host_status"] = "" if host is None else host.status
    return shown | _by_version(call, server, in_list)


def changed(call: ComputeCall, server: ServerRecord) -> dict[str, Any]:
    """Return the fields of a server after an update or a rebuild; fewer before 2.75."""
    if call.version >= (2, 75):
        return detailed(call, server)
    shown = _core(call, server, addresses(call.model, server, extended=False))
    return shown | _by_version(call, server, in_list=False)


def _core(
    call: ComputeCall, server: ServerRecord, found: dict[str, list[dict[str, Any]]]
) -> dict[str, Any]:
    """Return the fields that every view of a server has."""
    status = server.shown_status
    shown: dict[str, Any] = {
        "accessIPv4": server.access_ip_v4,
        "accessIPv6": server.access_ip_v6,
        "addresses": found,
        "created": iso_seconds(server.created_at),
        "flavor": _flavor(call, server.flavor),
        "hostId": host_id(server.host, server.project_id),
        "id": server.id,
        "image": _image(call, server),
        "links": links(call, "servers", server.id),
        "metadata": server.metadata,
        "name": server.name,
        "status": status,
        "tenant_id": server.project_id,
        "user_id": server.user_id,
        "updated": iso_seconds(server.updated_at or server.created_at),
        "OS-DCF:diskConfig": server.disk_config,
    }
    if fault := _fault(call, server):
        shown["fault"] = fault
    if status in WITH_PROGRESS:
        shown["progress"] = server.progress
    return shown


def _for_administrators(call: ComputeCall, server: ServerRecord) -> dict[str, Any]:
    names: dict[str, Any] = {
        "host": server.host,
        "instance_name": f"instance-{server.id[:8]}",
        "hypervisor_hostname": server.host,
    }
    if call.version >= (2, 3):
        names |= {
            "hostname": server.hostname,
            "kernel_id": "",
            "launch_index": server.launch_index,
            "ramdisk_id": "",
            "reservation_id": server.reservation_id,
            "root_device_name": server.root_device,
            "user_data": server.user_data,
        }
    return {f"OS-EXT-SRV-ATTR:{name}": value for name, value in names.items()}


def _by_version(call: ComputeCall, server: ServerRecord, in_list: bool) -> dict[str, Any]:
    model, version = call.model, call.version
    shown: dict[str, Any] = {}
    if version >= (2, 9):
        shown["locked"] = server.locked_by is not None
    if version >= (2, 19):
        shown["description"] = server.description
    if version >= (2, 26):
        shown["tags"] = list(server.tags)
    if version >= (2, 63):
        certificates = server.trusted_certificates
        shown["trusted_image_certificates"] = list(certificates) if certificates else None
    if version >= (2, 71) and not in_list:
        groups = [group.id for group in model.server_groups if server.id in group.members]
        shown["server_groups"] = groups
    if version >= (2, 73):
        shown["locked_reason"] = server.locked_reason
    if version >= (2, 90):
        shown["OS-EXT-SRV-ATTR:hostname"] = server.hostname
    if version >= (2, 96):
        shown["pinned_availability_zone"] = server.pinned_zone
    if version >= (2, 100):
        shown["scheduler_hints"] = server.scheduler_hints
    return shown
