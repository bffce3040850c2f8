"""What Nova knows: servers, flavors, hosts, keypairs, migrations. It knows no HTTP."""

from __future__ import annotations

from pytest_osfutures.fakecloud.kernel.call import RequestContext
from pytest_osfutures.fakecloud.kernel.database import ResourceTable
from pytest_osfutures.fakecloud.kernel.errors import ApiError
from pytest_osfutures.fakecloud.kernel.runtime import Runtime
from pytest_osfutures.fakecloud.services.compute.models.hosts import Host, choose
from pytest_osfutures.fakecloud.services.compute.models.keypairs import KeypairRecord, ServerGroup
from pytest_osfutures.fakecloud.services.compute.models.migrations import Migration
from pytest_osfutures.fakecloud.services.compute.models.records import InstanceAction
from pytest_osfutures.fakecloud.services.compute.models.server import (
    FlavorRecord,
    ServerFault,
    ServerRecord,
)
from pytest_osfutures.fakecloud.services.service_ports import ImagesPort, NetworksPort, VolumesPort

HOSTS = ("compute1", "compute2")
# name, ram, disk, vcpus; the last one fits no host
FLAVORS = (
    ("m1.nano", 64, 1, 1),
    ("m1.tiny", 512, 1, 1),
    ("m1.small", 2048, 20, 1),
    ("m1.medium", 4096, 40, 2),
    ("m1.huge", 1_000_000, 1, 1),
)


class ComputeModel:
    """The state of Nova."""

    def __init__(
        self, runtime: Runtime, volumes: VolumesPort, images: ImagesPort, networks: NetworksPort
    ) -> None:
        self.runtime = runtime
        self.volumes = volumes
        self.images = images
        self.networks = networks
        self.servers: ResourceTable[ServerRecord] = ResourceTable(runtime.database, "server")
        self.keypairs: ResourceTable[KeypairRecord] = ResourceTable(runtime.database, "keypair")
        self.server_groups: ResourceTable[ServerGroup] = ResourceTable(
            runtime.database, "server_group"
        )
        self.migrations: list[Migration] = []
        self.hosts = {
            name: Host(name, runtime.new_id(), runtime.new_id()) for name in sorted(HOSTS)
        }
        self.flavors = {
            flavor.id: flavor
            for flavor in (
                FlavorRecord(runtime.new_id(), name, ram, disk, vcpus)
                for name, ram, disk, vcpus in FLAVORS
            )
        }
        self.quotas: dict[str, dict[str, int]] = {}  # by project: what differs from the default

    def now(self) -> float:
        """Seconds since 1970 on the cloud's clock."""
        return self.runtime.schedule.time()

    def server(self, server_id: str, context: RequestContext) -> ServerRecord:
        """The server, if it is the caller's own or the caller an administrator."""
        server = self.servers.get(server_id)
        if server is None or not (context.is_admin or server.project_id == context.project_id):
            raise ApiError(404, f"Instance {server_id} could not be found.")
        return server

    def flavor(self, id_or_url: object, status: int = 404) -> FlavorRecord:
        """The flavor with that id, or at that URL. Raises ApiError(`status`)."""
        flavor = self.flavors.get(str(id_or_url).rstrip("/").rsplit("/", 1)[-1])
        if flavor is None:
            raise ApiError(status, f"Flavor {id_or_url} could not be found.")
        return flavor

    def keypair(self, user_id: str, name: str) -> KeypairRecord | None:
        """The user's keypair with that name."""
        mine = (pair for pair in self.keypairs if pair.user_id == user_id and pair.name == name)
        return next(mine, None)

    def schedule(
        self, server: ServerRecord, flavor: FlavorRecord, without: tuple[str, ...] = ()
    ) -> str | None:
        """A host for `server` with `flavor`; None if it fits nowhere."""
        others = [other for other in self.servers if other is not server]
        asked = server.wanted.host
        hosts = [host for host in self.hosts.values() if asked in (None, host.name)]
        if (group := self.group_of(server)) is not None:
            taken = {other.host for other in others if other.id in group.members and other.host}
            if group.policy == "affinity" and taken:
                hosts = [host for host in hosts if host.name in taken]
            elif group.policy == "anti-affinity":
                hosts = [host for host in hosts if host.name not in taken]
        return choose(hosts, others, flavor, without)

    def reaches(self, server: ServerRecord) -> bool:
        """Whether the server's host answers; a server without a host needs none."""
        host = self.hosts.get(server.host or "")
        return host is None or host.up

    def group_of(self, server: ServerRecord) -> ServerGroup | None:
        """The group that the server is a member of."""
        return next((group for group in self.server_groups if server.id in group.members), None)

    def record(
        self,
        server: ServerRecord,
        action: str,
        context: RequestContext,
        events: tuple[str, ...] = (),
    ) -> InstanceAction:
        """Begin the record of what `context` asks for."""
        now = self.now()
        record = InstanceAction(action, context, now, now)
        server.actions.append(record)
        for event in events:
            record.begin(event, now, server.host)
        return record

    def fail(self, server: ServerRecord, message: str, details: str = "", code: int = 500) -> None:
        """The server is in ERROR, for that reason."""
        server.activity = None
        server.fault = ServerFault(code, message, self.now(), details)
        server.vm_state = "error"
        server.task_state = None
        server.touch()

    def limit(self, project_id: str, name: str) -> int:
        """The project's quota; -1 is no limit."""
        default = self.runtime.settings.quotas[name]
        return self.quotas.get(project_id, {}).get(name, default)

    def used(self, project_id: str) -> dict[str, int]:
        """How much of instances, cores and ram the project has in use."""
        flavors = [
            server.flavor
            for server in self.servers
            if server.project_id == project_id and server.vm_state != "deleted"
        ]
        return {
            "instances": len(flavors),
            "cores": sum(flavor.vcpus for flavor in flavors),
            "ram": sum(flavor.ram for flavor in flavors),
        }
