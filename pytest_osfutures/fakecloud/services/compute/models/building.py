"""Creation of servers: quota, scheduling, networks, disks, spawn and their failures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pytest_osfutures.fakecloud.kernel import (
    ApiError,
    Fault,
    RequestContext,
    start_lifecycle,
)
from pytest_osfutures.fakecloud.services.compute.models import attaching, guest
from pytest_osfutures.fakecloud.services.compute.models.hosts import ZONE
from pytest_osfutures.fakecloud.services.compute.models.operations import (
    ACTIVE,
    BUILD,
    BUILD_FROM_VOLUME,
)
from pytest_osfutures.fakecloud.services.compute.models.power import NOSTATE
from pytest_osfutures.fakecloud.services.compute.models.records import InstanceAction
from pytest_osfutures.fakecloud.services.compute.models.server import (
    FlavorRecord,
    PendingVolume,
    ServerRecord,
    Wanted,
)
from pytest_osfutures.fakecloud.services.compute.models.state import ComputeModel
from pytest_osfutures.fakecloud.services.compute.models.work import reason
from pytest_osfutures.fakecloud.services.service_ports import BootVolume

TRIGGER = "realcloud"  #: the metadata key with which a server requests a failure of its build
NO_HOST = "No valid host was found. "
VOLUME_LOOK_SECONDS = 0.5  #: the interval at which a host polls its volumes
BUILD_EVENT = "compute__do_build_and_run_instance"


@dataclass(frozen=True)
class ServerRequest:
    """A validated request to create servers. `disks` are block device mappings."""

    name: str
    flavor: FlavorRecord
    image_id: str | None
    networks: tuple[tuple[str | None, str | None, str | None], ...] = ()
    disks: tuple[Mapping[str, Any], ...] = ()
    count: tuple[int, int] = (1, 1)
    security_groups: tuple[str, ...] = ("default",)
    host: str | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)  #: copied to `ServerRecord`


def create(
    model: ComputeModel, blueprint: ServerRequest, context: RequestContext
) -> list[ServerRecord]:
    """Begin to create as many servers as the quota allows. Raises ApiError below the minimum."""
    count = _allowed(model, blueprint, context)
    reservation = f"r-{model.runtime.new_id()[:8]}"
    servers = []
    for index in range(count):
        name = blueprint.name if blueprint.count[1] == 1 else f"{blueprint.name}-{index + 1}"
        server = ServerRecord(
            id=model.runtime.new_id(),
            name=name,
            project_id=context.project_id,
            user_id=context.user_id,
            flavor=blueprint.flavor,
            image_id=blueprint.image_id,
            reservation_id=reservation,
            launch_index=index,
            wanted=Wanted(
                blueprint.networks, blueprint.security_groups, blueprint.disks, blueprint.host
            ),
            security_groups=blueprint.security_groups,
            **{
                "hostname": _hostname(name),
                "admin_pass": model.runtime.new_id().replace("-", "")[:12],
                **blueprint.fields,
            },
        )
        _claim(model, server)
        model.servers.add(server)
        if group := model.server_groups.get(str(server.scheduler_hints.get("group"))):
            group.members = (*group.members, server.id)
        server.touch()
        action = InstanceAction("create", context, model.now(), model.now())
        Build(model, server, action).begin()
        servers.append(server)
    return servers


def _hostname(name: str) -> str:
    kept = "".join(c if c.isalnum() or c in "-." else "-" for c in name.replace("_", "-"))
    return kept.strip("-.").lower() or "server"


def _allowed(model: ComputeModel, blueprint: ServerRequest, context: RequestContext) -> int:
    """Return how many servers the quota allows, within the range. Raises ApiError(403)."""
    least, most = blueprint.count
    used, flavor = model.used(context.project_id), blueprint.flavor
    each = {"instances": 1, "cores": flavor.vcpus, "ram": flavor.ram}
    for name, amount in each.items():
        limit = model.limit(context.project_id, name)
        if limit < 0:
            continue
        most = min(most, (limit - used[name]) // amount if amount else most)
        if most < least:
            raise ApiError(
                403,
                f"Quota exceeded for {name}: Requested {blueprint.count[0] * amount}, "
                f"but already used {used[name]} of {limit} {name}",
            )
    return most


def _claim(model: ComputeModel, server: ServerRecord) -> None:
    """Claim all ports and volumes of the user for the server; release all if one fails."""
    try:
        for _, port_id, _ in server.wanted.networks:
            if port_id:
                model.networks.claim_port(port_id, server.id, server.project_id)
        for number, disk in enumerate(server.wanted.disks):
            if disk.get("source_type") == "volume":
                volume_id = str(disk["uuid"])
                attachment_id = model.volumes.reserve(volume_id, server.id)
                made = attaching.attachment(
                    model, server, PendingVolume(volume_id, number, disk), attachment_id
                )
                server.attachments = (*server.attachments, made)
    except ApiError as error:
        for port in model.networks.ports_of(server.id):
            model.networks.release_port(port.id)
        for made in server.attachments:
            model.volumes.detach(made.id)
        raise ApiError(400 if error.status == 404 else error.status, error.message) from None


@dataclass(eq=False)
class Build:
    """One attempt to build a server; `tried` are the hosts on which it has failed already."""

    model: ComputeModel
    server: ServerRecord
    action: InstanceAction
    tried: tuple[str, ...] = ()
    host: str | None = None

    def begin(self) -> None:
        """Begin the lifecycle from scheduling to ACTIVE."""
        disks = self.server.wanted.disks
        makes_volumes = any(disk.get("source_type") != "volume" for disk in disks)
        path = BUILD_FROM_VOLUME if makes_volumes else BUILD
        lifecycle = path.on(place=self.place, claim=self.claim, disks=self.make_volumes)
        start_lifecycle(self.model.runtime, lifecycle, self.server, self.spawned, self.failed)

    def place(self) -> None:
        """Choose a host, as the scheduler does."""
        if not self.server.placed:
            self.server.actions.append(self.action)
        self.server.placed = True  # without a host: Nova keeps such servers in cell0
        self.host = self.model.schedule(self.server, self.server.flavor, self.tried)
        if self.host is None:
            _no_host(self.model, self.server, self.action, self.tried)
        else:
            self.server.zone = ZONE

    def claim(self) -> None:
        """Create the ports, as the host does first."""
        server, model = self.server, self.model
        server.host = self.host
        self.action.begin(BUILD_EVENT, model.now(), server.host)
        try:
            for network_id, _, fixed_ip in server.wanted.networks:
                if network_id:
                    model.networks.create_port(
                        server.id, server.project_id, network_id, fixed_ip, server.security_groups
                    )
        except ApiError:
            why = "Failed to allocate the network(s), not rescheduling."
            _abort(model, server, self.action, why)

    def make_volumes(self) -> None:
        """Create the volumes that do not exist yet, through Cinder."""
        try:
            _make_volumes(self.model, self.server)
        except ApiError as error:
            _abort(self.model, self.server, self.action, error.message)

    def spawned(self) -> None:
        """Wait for the volumes from Cinder, then for the guest."""
        model, server = self.model, self.server
        facts = [model.volumes.volume_details(each.volume_id, None) for each in server.pending]
        if failed := next((volume for volume in facts if volume.status == "error"), None):
            server.pending = tuple(e for e in server.pending if e.volume_id != failed.id)
            why = f"Volume {failed.id} did not finish being created: its status is error."
            _abort(model, server, self.action, why)
        elif all(volume.status == "available" for volume in facts):
            self.run()
        else:
            server.activity = waiting = object()

            def look_again() -> None:
                if server.activity is waiting:
                    self.spawned()

            model.runtime.schedule.after(VOLUME_LOOK_SECONDS, look_again)

    def run(self) -> None:
        """Set the server to ACTIVE, unless the server's metadata requests a failure."""
        model, server = self.model, self.server
        trigger = server.metadata.get(TRIGGER)
        if trigger == "fail-spawn":
            _abort(model, server, self.action, "asked to by metadata")
        elif trigger == "fail-spawn-everywhere":
            self.action.finish(model.now())
            _leave_host(model, server)
            Build(model, server, self.action, (*self.tried, self.host or "")).begin()
        else:
            for disk in server.pending:
                made = attaching.attachment(model, server, disk)
                server.attachments = (*server.attachments, made)
            server.pending = ()
            _spawned(model, server, self.action)

    def failed(self, fault: Fault) -> None:
        """Fail the build because of a fault rule."""
        if not self.server.placed:
            self.server.actions.append(self.action)
            self.server.placed = True
        _abort(self.model, self.server, self.action, reason(fault))


def _spawned(model: ComputeModel, server: ServerRecord, action: InstanceAction) -> None:
    for port in model.networks.ports_of(server.id):
        model.networks.bind_port(port.id, server.host or "")
    for attachment in server.attachments:
        attaching.connect(model, server, attachment)
    for name, value in ACTIVE.items():
        setattr(server, name, value)
    server.task_state = None
    server.launched_at = model.now()
    guest.power_on(model, server)
    server.touch()
    action.finish(model.now())


def _make_volumes(model: ComputeModel, server: ServerRecord) -> None:
    """Create, through Cinder, the volumes that the block device mappings request."""
    made = {each.number for each in server.pending}  # volumes of an earlier attempt on another host
    for number, disk in enumerate(server.wanted.disks):
        source = disk.get("source_type")
        if number in made or source == "volume" or disk.get("destination_type") != "volume":
            continue
        wanted = BootVolume(
            size=int(disk.get("volume_size") or server.flavor.disk or 1),
            image_id=disk.get("uuid") if source == "image" else None,
            snapshot_id=disk.get("uuid") if source == "snapshot" else None,
            volume_type=disk.get("volume_type"),
            name=f"{server.id}-blank-vol" if source == "blank" else "",
        )
        volume_id = model.volumes.create_for_server(server.project_id, server.user_id, wanted)
        server.pending = (*server.pending, PendingVolume(volume_id, number, disk))


def _leave_host(model: ComputeModel, server: ServerRecord) -> None:
    """Release everything that the host held for a server that it could not build."""
    for port in model.networks.ports_of(server.id):
        model.networks.release_port(port.id)
    server.host = None
    server.zone = ""
    server.power_state = NOSTATE


def _abort(model: ComputeModel, server: ServerRecord, action: InstanceAction, why: str) -> None:
    message = f"Build of instance {server.id} aborted: {why}"
    _leave_host(model, server)
    attaching.give_up(model, server)
    model.fail(server, message)
    action.finish(model.now(), message)


def _no_host(
    model: ComputeModel, server: ServerRecord, action: InstanceAction, tried: tuple[str, ...]
) -> None:
    message = NO_HOST
    if tried:
        message = (
            "Exceeded maximum number of retries. Exhausted all hosts available for retrying build "
            f"failures for instance {server.id}."
        )
    _leave_host(model, server)
    attaching.give_up(model, server)
    model.fail(server, message, details=f"NoValidHost: {message}")
    action.begin("conductor_schedule_and_build_instances", model.now())
    action.finish(model.now(), message)
