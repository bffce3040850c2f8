"""The diagnostics and the NUMA topology of a server."""

from __future__ import annotations

from typing import Any

from pytest_osfutures.fakecloud.kernel import ApiError, Response, admin_only
from pytest_osfutures.fakecloud.services.compute.call import ComputeCall
from pytest_osfutures.fakecloud.services.compute.models.power import SHUTDOWN
from pytest_osfutures.fakecloud.services.compute.models.server import ServerRecord

TOPOLOGY_SINCE, STANDARD_SINCE = (2, 78), (2, 48)
STATES = {1: "running", 3: "paused", 4: "shutdown", 6: "crashed", 7: "suspended"}


def show_diagnostics(call: ComputeCall, server_id: str) -> Response:
    """Show the counters of a guest that runs (administrators only)."""
    admin_only(call, "os_compute_api:os-server-diagnostics")
    server = call.model.server(server_id, call.context)
    if server.host is None:
        raise ApiError(409, f"Instance {server_id} is not ready")
    if server.power_state == SHUTDOWN:
        raise ApiError(
            409,
            f"Cannot 'get_diagnostics' instance {server_id} while it is in power state shutdown",
        )
    uptime = int(call.model.now() - (server.launched_at or call.model.now()))
    if call.version < STANDARD_SINCE:
        return Response(200, _counters(server, uptime))
    return Response(200, _standard(call, server, uptime))


def _counters(server: ServerRecord, uptime: int) -> dict[str, Any]:
    """Return the counters in the format of libvirt, which the API had until 2.47."""
    cpus = {f"cpu{number}_time": uptime * 10**9 for number in range(server.flavor.vcpus)}
    disk = {
        "vda_errors": -1,
        "vda_read": 262144,
        "vda_read_req": 112,
        "vda_write": 5778432,
        "vda_write_req": 488,
    }
    return cpus | disk | {"memory": server.flavor.ram * 1024}


def _standard(call: ComputeCall, server: ServerRecord, uptime: int) -> dict[str, Any]:
    ports = call.model.networks.ports_of(server.id)
    disks = 1 + len(server.attachments)
    disk = {
        "read_bytes": 262144,
        "read_requests": 112,
        "write_bytes": 5778432,
        "write_requests": 488,
        "errors_count": 1,
    }
    counters = dict.fromkeys(
        (f"{way}_{counter}" for way in ("rx", "tx") for counter in ("errors", "drop", "rate")), 0
    )
    traffic = {"rx_octets": 2070139, "rx_packets": 26701, "tx_octets": 140208, "tx_packets": 662}
    return {
        "state": STATES.get(server.power_state, "pending"),
        "driver": "libvirt",
        "hypervisor": "kvm",
        "hypervisor_os": "ubuntu",
        "uptime": uptime,
        "config_drive": bool(server.config_drive),
        "num_cpus": server.flavor.vcpus,
        "num_nics": len(ports),
        "num_disks": disks,
        "disk_details": [disk] * disks,
        "cpu_details": [
            {"id": number, "time": uptime * 10**9, "utilisation": 15}
            for number in range(server.flavor.vcpus)
        ],
        "nic_details": [{"mac_address": port.mac_address} | traffic | counters for port in ports],
        "memory_details": {"maximum": server.flavor.ram * 1024, "used": 0},
    }


def show_topology(call: ComputeCall, server_id: str) -> Response:
    """Show the NUMA topology of a guest: the hosts of the fake have none."""
    if call.version < TOPOLOGY_SINCE:
        raise ApiError(404, "The resource could not be found.")
    call.model.server(server_id, call.context)
    return Response(200, {"nodes": [], "pagesize_kb": None})
