"""Zones, hypervisors, services, migrations and extensions."""

from __future__ import annotations

from typing import Any

from pytest_osfutures.fakecloud.kernel import (
    ApiError,
    Response,
    iso_microseconds,
)
from pytest_osfutures.fakecloud.services.compute.call import ComputeCall
from pytest_osfutures.fakecloud.services.compute.models import moving
from pytest_osfutures.fakecloud.services.compute.models.hosts import ZONE, Host, usage
from pytest_osfutures.fakecloud.services.compute.models.migrations import Migration
from pytest_osfutures.fakecloud.services.compute.responses import validation, views
from pytest_osfutures.fakecloud.services.compute.responses.listing import page_of
from pytest_osfutures.fakecloud.services.compute.responses.servers import find

POLICY = "os_compute_api:"
CPU = '{"arch": "x86_64", "model": "Nehalem", "vendor": "Intel"}'
ROW_IDS = {"nova-conductor": 2, "nova-scheduler": 4, "nova-compute": 6}


def list_zones(call: ComputeCall) -> Response:
    """List the availability zone."""
    del call
    zone = {"zoneName": ZONE, "zoneState": {"available": True}, "hosts": None}
    return Response(200, {"availabilityZoneInfo": [zone]})


def list_zones_in_detail(call: ComputeCall) -> Response:
    """List the availability zones with their hosts (administrators only)."""
    validation.admin_only(call, POLICY + "os-availability-zone:detail")
    zones: dict[str, dict[str, Any]] = {}
    for row in _services(call):
        state = {
            "available": row["state"] == "up",
            "active": row["status"] == "enabled",
            "updated_at": row["updated_at"],
        }
        zones.setdefault(row["zone"], {}).setdefault(row["host"], {})[row["binary"]] = state
    shown = [
        {"zoneName": name, "zoneState": {"available": True}, "hosts": hosts}
        for name, hosts in zones.items()
    ]
    return Response(200, {"availabilityZoneInfo": shown})


def _number(call: ComputeCall, host: Host) -> int:
    return list(call.model.hosts).index(host.name) + 1


def _hypervisor(call: ComputeCall, host: Host, full: bool) -> dict[str, Any]:
    uuids = call.version >= (2, 53)
    shown: dict[str, Any] = {
        "id": host.id if uuids else _number(call, host),
        "hypervisor_hostname": host.name,
        "state": "up" if host.up else "down",
        "status": "disabled" if host.disabled else "enabled",
    }
    if not full:
        return shown
    service_id: Any = host.service_id if uuids else _number(call, host)
    shown |= {
        "hypervisor_type": "fake",
        "hypervisor_version": 1000,
        "host_ip": "127.0.0.1",
        "service": {
            "id": service_id,
            "host": host.name,
            "disabled_reason": host.disabled_reason,
        },
    }
    if call.version >= (2, 88):
        return shown | {"uptime": None}
    return shown | _room(call, host) | {"cpu_info": CPU if call.version < (2, 28) else {}}


def _room(call: ComputeCall, host: Host) -> dict[str, int]:
    taken = usage(host, call.model.servers)
    return {
        "vcpus": host.vcpus,
        "memory_mb": host.memory_mb,
        "local_gb": host.local_gb,
        "vcpus_used": taken.vcpus,
        "memory_mb_used": taken.memory_mb,
        "local_gb_used": taken.local_gb,
        "free_ram_mb": host.memory_mb - taken.memory_mb,
        "free_disk_gb": host.local_gb - taken.local_gb,
        "current_workload": 0,
        "running_vms": taken.servers,
        "disk_available_least": host.local_gb - taken.local_gb,
    }


def list_hypervisors(call: ComputeCall) -> Response:
    """List the hypervisors (administrators only)."""
    validation.admin_only(call, POLICY + "os-hypervisors:list")
    return _hypervisors(call, full=False)


def list_hypervisors_in_detail(call: ComputeCall) -> Response:
    """List the hypervisors with their capacity (administrators only)."""
    validation.admin_only(call, POLICY + "os-hypervisors:list-detail")
    return _hypervisors(call, full=True)


def _hypervisors(call: ComputeCall, full: bool) -> Response:
    pattern = call.request.param("hypervisor_hostname_pattern") or ""
    hosts = [host for host in call.model.hosts.values() if pattern in host.name]
    links: list[dict[str, str]] = []
    if call.version >= (2, 33):
        path = "os-hypervisors/detail" if full else "os-hypervisors"
        hosts, links = page_of(
            call, path, hosts, lambda host: str(_hypervisor(call, host, full=False)["id"])
        )
    body: dict[str, Any] = {"hypervisors": [_hypervisor(call, host, full) for host in hosts]}
    return Response(200, body | ({"hypervisors_links": links} if links else {}))


def show_hypervisor(call: ComputeCall, hypervisor_id: str) -> Response:
    """Show one hypervisor, or with the id `statistics` the sum of all."""
    validation.admin_only(call, POLICY + "os-hypervisors:show")
    hosts = call.model.hosts.values()
    if hypervisor_id == "statistics" and call.version < (2, 88):
        total: dict[str, int] = {"count": len(hosts)}
        for host in hosts:
            for name, value in _room(call, host).items():
                total[name] = total.get(name, 0) + value
        return Response(200, {"hypervisor_statistics": total})
    host = _host(call, hypervisor_id)
    shown = _hypervisor(call, host, full=True)
    if call.version >= (2, 53) and call.request.param("with_servers") in ("true", "True", "1"):
        shown["servers"] = _servers_on(call, host)
    return Response(200, {"hypervisor": shown})


def _host(call: ComputeCall, hypervisor_id: str) -> Host:
    """Return the host with that hypervisor's id. Raises ApiError(404)."""
    for host in call.model.hosts.values():
        if hypervisor_id == str(_hypervisor(call, host, full=False)["id"]):
            return host
    raise ApiError(404, f"Hypervisor with ID '{hypervisor_id}' could not be found.")


def _servers_on(call: ComputeCall, host: Host) -> list[dict[str, Any]]:
    there = [server for server in call.model.servers if server.host == host.name]
    return [{"uuid": server.id, "name": f"instance-{server.id[:8]}"} for server in there]


def show_uptime(call: ComputeCall, hypervisor_id: str) -> Response:
    """Refuse to show the uptime of a hypervisor, as Nova's fake driver does; gone since 2.88."""
    validation.admin_only(call, POLICY + "os-hypervisors:uptime")
    if call.version >= (2, 88):
        raise ApiError(404, "The resource could not be found.")
    _host(call, hypervisor_id)
    raise ApiError(501, "Virt driver does not implement uptime function.", kind="notImplemented")


def _found_by_name(call: ComputeCall, pattern: str) -> list[Host]:
    if call.version >= (2, 53):  # the parameter `hypervisor_hostname_pattern` replaces this URL
        raise ApiError(404, "The resource could not be found.")
    found = [host for host in call.model.hosts.values() if pattern in host.name]
    if not found:
        raise ApiError(404, f"No hypervisor matching '{pattern}' could be found.")
    return found


def search_hypervisors(call: ComputeCall, hypervisor_id: str) -> Response:
    """List the hypervisors with a part of their name, until 2.52."""
    validation.admin_only(call, POLICY + "os-hypervisors:search")
    rows = [_hypervisor(call, host, full=False) for host in _found_by_name(call, hypervisor_id)]
    return Response(200, {"hypervisors": rows})


def list_servers_of_hypervisors(call: ComputeCall, hypervisor_id: str) -> Response:
    """List the hypervisors with a part of their name, and their servers, until 2.52."""
    validation.admin_only(call, POLICY + "os-hypervisors:servers")
    rows = []
    for host in _found_by_name(call, hypervisor_id):
        servers = _servers_on(call, host)
        shown = _hypervisor(call, host, full=False)
        rows.append(shown | ({"servers": servers} if servers else {}))
    return Response(200, {"hypervisors": rows})


def _services(call: ComputeCall) -> list[dict[str, Any]]:
    """Return the services of the controller and the nova-compute of each host."""
    model = call.model
    controller = [
        Host(name, "", service_id)
        for name, service_id in (
            ("nova-conductor", "00000000-0000-4000-8000-000000000002"),
            ("nova-scheduler", "00000000-0000-4000-8000-000000000004"),
        )
    ]
    shown = []
    for host in (*controller, *model.hosts.values()):
        compute = host.name in model.hosts
        binary = "nova-compute" if compute else host.name
        number = ROW_IDS[binary] + (_number(call, host) - 1 if compute else 0)
        row = {
            "binary": binary,
            "host": host.name if compute else "controller",
            "id": host.service_id if call.version >= (2, 53) else number,
            "zone": ZONE if compute else "internal",
            "status": "disabled" if host.disabled else "enabled",
            "state": "up" if host.up else "down",
            "updated_at": iso_microseconds(model.now()),
            "disabled_reason": host.disabled_reason,
        }
        if call.version >= (2, 11):
            row["forced_down"] = host.forced_down
        shown.append(row)
    return shown


def list_services(call: ComputeCall) -> Response:
    """List Nova's services (administrators only)."""
    validation.admin_only(call, POLICY + "os-services:list")
    binary, host = call.request.param("binary"), call.request.param("host")
    rows = [
        row
        for row in _services(call)
        if binary in (None, row["binary"]) and host in (None, row["host"])
    ]
    return Response(200, {"services": rows})


def change_service(call: ComputeCall, service_id: str) -> Response:
    """Enable, disable or force down a nova-compute (administrators only)."""
    validation.admin_only(call, POLICY + "os-services:update")
    hosts = call.model.hosts.values()
    host = next((host for host in hosts if host.service_id == service_id), None)
    if host is None:
        raise ApiError(404, f"Service {service_id} could not be found.")
    body = call.json()
    validation.strict(body, {"disabled_reason": "string", "forced_down": validation.FLAG})
    validation.one_of(body, "status", ["enabled", "disabled"])
    if "status" in body:
        host.disabled = body["status"] == "disabled"
        host.disabled_reason = body.get("disabled_reason") if host.disabled else None
    if "forced_down" in body:
        host.forced_down = bool(body["forced_down"])
    row = next(row for row in _services(call) if row["id"] == service_id)
    return Response(200, {"service": row})


def list_aggregates(call: ComputeCall) -> Response:
    """List the host aggregates: none."""
    validation.admin_only(call, POLICY + "os-aggregates:index")
    return Response(200, {"aggregates": []})


def _migration(call: ComputeCall, migration: Migration) -> dict[str, Any]:
    flavors = list(call.model.flavors)
    numbers = {flavor_id: index + 1 for index, flavor_id in enumerate(flavors)}
    shown: dict[str, Any] = {
        "id": migration.id,
        "source_compute": migration.source,
        "dest_compute": migration.target,
        "source_node": migration.source,
        "dest_node": migration.target,
        "dest_host": None,
        "old_instance_type_id": numbers.get(migration.old_flavor_id),
        "new_instance_type_id": numbers.get(migration.new_flavor_id),
        "instance_uuid": migration.server_id,
        "status": migration.status,
        "created_at": iso_microseconds(migration.created_at),
        "updated_at": iso_microseconds(migration.updated_at),
    }
    if call.version >= (2, 23):
        shown["migration_type"] = migration.kind
        if migration.kind == "live-migration":
            where = f"servers/{migration.server_id}/migrations"
            shown["links"] = views.links(call, where, str(migration.id))
    if call.version >= (2, 59):
        shown["uuid"] = migration.uuid
    if call.version >= (2, 80):
        shown |= {"user_id": migration.user_id, "project_id": migration.project_id}
    return shown


def list_migrations(call: ComputeCall) -> Response:
    """List all migrations, the newest first (administrators only)."""
    validation.admin_only(call, POLICY + "os-migrations:index")
    request = call.request
    wanted = {
        "server_id": request.param("instance_uuid"),
        "status": request.param("status"),
        "kind": request.param("migration_type"),
        "source": request.param("source_compute"),
    }
    rows = [
        migration
        for migration in reversed(call.model.migrations)
        if all(value in (None, getattr(migration, name)) for name, value in wanted.items())
    ]
    links: list[dict[str, str]] = []
    if call.version >= (2, 59):
        rows, links = page_of(call, "os-migrations", rows, lambda migration: migration.uuid)
    body: dict[str, Any] = {"migrations": [_migration(call, one) for one in rows]}
    return Response(200, body | ({"migrations_links": links} if links else {}))


def _progress(call: ComputeCall, migration: Migration) -> dict[str, Any]:
    shown = _migration(call, migration)
    for name in ("old_instance_type_id", "new_instance_type_id", "instance_uuid", "links"):
        shown.pop(name, None)
    shown.pop("migration_type", None)
    sizes = [
        f"{device}_{how}_bytes"
        for device in ("disk", "memory")
        for how in ("total", "processed", "remaining")
    ]
    return shown | {"server_uuid": migration.server_id} | dict.fromkeys(sizes)


def list_server_migrations(call: ComputeCall, server_id: str) -> Response:
    """List the running live migration of a server (administrators only)."""
    validation.admin_only(call, POLICY + "servers:migrations:index")
    server = find(call, server_id)
    rows = [
        _progress(call, one)
        for one in call.model.migrations
        if one.server_id == server.id and one.kind == "live-migration" and one.status == "running"
    ]
    return Response(200, {"migrations": rows})


def show_server_migration(call: ComputeCall, server_id: str, migration_id: str) -> Response:
    """Show a running live migration (administrators only)."""
    validation.admin_only(call, POLICY + "servers:migrations:show")
    server = find(call, server_id)
    migration = moving.running_migration(call.model, server, migration_id)
    return Response(200, {"migration": _progress(call, migration)})


def abort_migration(call: ComputeCall, server_id: str, migration_id: str) -> Response:
    """Abort a live migration (administrators only)."""
    validation.admin_only(call, POLICY + "servers:migrations:delete")
    model, context = call.model, call.context
    moving.abort_migration(model, find(call, server_id), context, migration_id)
    return Response(202)


def complete_migration(call: ComputeCall, server_id: str, migration_id: str) -> Response:
    """Complete a live migration now (administrators only)."""
    if list(call.json()) != ["force_complete"]:
        raise ApiError(400, f"There is no such action: {next(iter(call.json()), None)}")
    validation.admin_only(call, POLICY + "servers:migrations:force_complete")
    model, context = call.model, call.context
    moving.complete_migration(model, find(call, server_id), context, migration_id)
    return Response(202)
