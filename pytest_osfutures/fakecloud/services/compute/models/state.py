"""The state of Nova: servers, flavors, hosts, keypairs, migrations."""

from __future__ import annotations

from pytest_osfutures.fakecloud.kernel import (
    ApiError,
    RequestContext,
    ResourceTable,
    Runtime,
)
from pytest_osfutures.fakecloud.services.compute.models.hosts import Host, choose
from pytest_osfutures.fakecloud.services.compute.models.keypairs import KeypairRecord, ServerGroup
from pytest_osfutures.fakecloud.services.compute.models.migrations import Migration
from pytest_osfutures.fakecloud.services.compute.models.records import InstanceAction
from pytest_osfutures.fakecloud.services.compute.models.server import (
    FlavorRecord,
    ServerFault,
    ServerRecord,
)
from pytest_osfutures.fakecloud.services.service_ports import (
    ImagesPort,
    NetworksPort,
    ProjectsPort,
    VolumesPort,
)

HOSTS = ("compute1", "compute2")
#: name, MiB of RAM, GiB of disk, vCPUs; the last flavor fits on no host
FLAVORS = (
    ("m1.nano", 64, 1, 1),
    ("m1.tiny", 512, 1, 1),
    ("m1.small", 2048, 20, 1),
    ("m1.medium", 4096, 40, 2),
    ("m1.huge", 1_000_000, 1, 1),
)


class ComputeModel:
    """The state of Nova, with the ports to its neighbours."""

    def __init__(
        self,
        runtime: Runtime,
        projects: ProjectsPort,
        volumes: VolumesPort,
        images: ImagesPort,
        networks: NetworksPort,
    ) -> None:
        self.runtime = runtime
        self.projects = projects
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
        self.quotas: dict[str, dict[str, int]] = {}  #: by project, without the defaults
        self.class_quotas: dict[str, dict[str, int]] = {}  #: by quota class

    def now(self) -> float:
        """Return the cloud's time in seconds since 1970."""
        return self.runtime.schedule.time()

    def server(self, server_id: str, context: RequestContext) -> ServerRecord:
        """Return a server of the context's project, or any for administrators.

        Raises ApiError(404).
        """
        server = self.servers.get(server_id)
        if server is None or not (context.is_admin or server.project_id == context.project_id):
            raise ApiError(404, f"Instance {server_id} could not be found.")
        return server

    def flavor(
        self, id_or_url: object, status: int = 404, context: RequestContext | None = None
    ) -> FlavorRecord:
        """Return the flavor with that id or URL, if the context (None: any) may see the flavor.

        Raises ApiError(`status`).
        """
        flavor = self.flavors.get(str(id_or_url).rstrip("/").rsplit("/", 1)[-1])
        if flavor is None or not (
            context is None or context.is_admin or flavor.is_for(context.project_id)
        ):
            raise ApiError(status, f"Flavor {id_or_url} could not be found.")
        return flavor

    def keypair(self, user_id: str, name: str) -> KeypairRecord | None:
        """Return the user's keypair with that name, or None."""
        mine = (pair for pair in self.keypairs if pair.user_id == user_id and pair.name == name)
        return next(mine, None)

    def schedule(
        self, server: ServerRecord, flavor: FlavorRecord, without: tuple[str, ...] = ()
    ) -> str | None:
        """Return a host for `server` with `flavor`, or None if it fits on none."""
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
        """Return True if the server's host is up or the server has no host."""
        host = self.hosts.get(server.host or "")
        return host is None or host.up

    def group_of(self, server: ServerRecord) -> ServerGroup | None:
        """Return the group of the server, or None."""
        return next((group for group in self.server_groups if server.id in group.members), None)

    def record(
        self,
        server: ServerRecord,
        action: str,
        context: RequestContext,
        events: tuple[str, ...] = (),
    ) -> InstanceAction:
        """Begin an instance action for the request of `context`; return the action."""
        now = self.now()
        record = InstanceAction(action, context, now, now)
        server.actions.append(record)
        for event in events:
            record.begin(event, now, server.host)
        return record

    def fail(self, server: ServerRecord, message: str, details: str = "", code: int = 500) -> None:
        """Set the server to ERROR, with a fault."""
        server.activity = None
        server.fault = ServerFault(code, message, self.now(), details)
        server.vm_state = "error"
        server.task_state = None
        server.touch()

    def limit(self, project_id: str, name: str) -> int:
        """Return the project's quota; -1 is no limit."""
        default = self.runtime.settings.quotas[name]
        return self.quotas.get(project_id, {}).get(name, default)

    def used(self, project_id: str) -> dict[str, int]:
        """Return the instances, cores and ram that the project uses."""
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
