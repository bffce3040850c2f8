"""The kinds of resources that the tables speak of, and where each is read."""

from __future__ import annotations

from dataclasses import replace

from pytest_osfutures.operations.model import ResourceType

LATEST = "latest"

SERVER = ResourceType(
    "server",
    "compute",
    path="/servers/{id}",
    member="server",
    list_path="/servers/detail",
    collection="servers",
    changes_since=True,
    task_state="OS-EXT-STS:task_state",
    gone=frozenset({"DELETED"}),
    busy=frozenset({"BUILD"}),
    steady=frozenset(
        {"ACTIVE", "SHUTOFF", "PAUSED", "SUSPENDED", "RESCUE", "SHELVED", "SHELVED_OFFLOADED"}
        | {"VERIFY_RESIZE", "SOFT_DELETED"}
    ),
    visible_within=60.0,  # the hand-over from the API's build request to the cell
)
RESERVATION = ResourceType(
    "reservation", "compute", "/servers/detail?reservation_id={reservation}", member="", status=None
)
NAMESAKES = replace(RESERVATION, name="group of servers", path="/servers/detail?name={pattern}")
ACTION = ResourceType(
    "instance action",
    "compute",
    path="/servers/{id}/os-instance-actions/{request_id}",
    member="instanceAction",
    version=LATEST,
    status=None,
    evidence=True,
)
ACTIONS = ResourceType(
    "list of instance actions",
    "compute",
    path="/servers/{id}/os-instance-actions",
    member="",
    version=LATEST,
    status=None,
    evidence=True,
)
MIGRATIONS = ResourceType(
    "list of migrations",
    "compute",
    path="/os-migrations?instance_uuid={id}",
    member="",
    version=LATEST,
    status=None,
    evidence=True,
)
ATTACHMENT = ResourceType(
    "volume attachment",
    "compute",
    path="/servers/{server}/os-volume_attachments/{volume}",
    member="volumeAttachment",
    status=None,
)
INTERFACE = ResourceType(
    "interface",
    "compute",
    path="/servers/{server}/os-interface/{port}",
    member="interfaceAttachment",
    status="port_state",
)
SHARE_MAPPING = ResourceType(
    "share mapping",
    "compute",
    path="/servers/{server}/shares/{share}",
    member="share",
)
IMAGE = ResourceType("image", "image", path="/images/{id}", member="")
#: Those that Nova has made of one server's volumes.
SNAPSHOTS = ResourceType(
    "list of snapshots",
    "block-storage",
    path="/snapshots/detail?name={name}",
    member="",
    status=None,
)
#: Why Cinder failed, in words for users.
MESSAGES = ResourceType(
    "list of messages",
    "block-storage",
    path="/messages?resource_uuid={id}",
    member="",
    collection="messages",
    version=LATEST,
    status=None,
    evidence=True,
)
VOLUME = ResourceType(
    "volume",
    "block-storage",
    path="/volumes/{id}",
    member="volume",
    list_path="/volumes/detail",
    collection="volumes",
    version=LATEST,  # only adds to what older ones show, among it the type's id
    busy=frozenset(
        {"creating", "downloading", "restoring-backup", "extending", "reserved", "attaching"}
        | {"detaching", "retyping", "maintenance", "uploading", "backing-up", "reverting"}
        | {"managing", "unmanaging", "deleting"}
    ),
    steady=frozenset({"available", "in-use", "awaiting-transfer"}),
    explained_by=MESSAGES,
)
SNAPSHOT = ResourceType(
    "snapshot",
    "block-storage",
    path="/snapshots/{id}",
    member="snapshot",
    list_path="/snapshots/detail",
    collection="snapshots",
    busy=frozenset({"creating", "deleting", "restoring", "unmanaging", "backing-up"}),
    steady=frozenset({"available"}),
    explained_by=MESSAGES,
)
BACKUP = ResourceType(
    "backup",
    "block-storage",
    path="/backups/{id}",
    member="backup",
    list_path="/backups/detail",
    collection="backups",
    busy=frozenset({"creating", "restoring", "deleting"}),
    steady=frozenset({"available"}),
    explained_by=MESSAGES,
)
VOLUME_ATTACHMENT = ResourceType(
    "attachment",
    "block-storage",
    path="/attachments/{id}",
    member="attachment",
    version=LATEST,
)
GROUP = ResourceType(
    "group",
    "block-storage",
    path="/groups/{id}",
    member="group",
    list_path="/groups/detail",
    collection="groups",
    busy=frozenset({"creating", "updating", "deleting"}),
    steady=frozenset({"available"}),
    explained_by=MESSAGES,
)
REPLICATION = replace(
    GROUP, name="group's replication", list_path=None, status="replication_status", busy=frozenset()
)
GROUP_SNAPSHOT = ResourceType(
    "group snapshot",
    "block-storage",
    path="/group_snapshots/{id}",
    member="group_snapshot",
    list_path="/group_snapshots/detail",
    collection="group_snapshots",
    busy=frozenset({"creating", "deleting"}),
    steady=frozenset({"available"}),
    explained_by=MESSAGES,
)
CONSISTENCY_GROUP = replace(
    GROUP,
    name="consistency group",
    path="/consistencygroups/{id}",
    member="consistencygroup",
    list_path="/consistencygroups/detail",
    collection="consistencygroups",
)
CGSNAPSHOT = replace(
    GROUP_SNAPSHOT,
    name="consistency group's snapshot",
    path="/cgsnapshots/{id}",
    member="cgsnapshot",
    list_path="/cgsnapshots/detail",
    collection="cgsnapshots",
)
SERVICES = ResourceType(
    "list of services",
    "block-storage",
    path="/os-services?host={host}",
    member="",
    version=LATEST,
    status=None,
)


def neutron(name: str, plural: str, member: str, status: str | None = "status") -> ResourceType:
    """A kind of Neutron's resources; `plural` is as in paths."""
    collection = plural.replace("-", "_")
    busy = frozenset({"BUILD", "ALLOCATING", "PENDING_CREATE", "PENDING_UPDATE", "PENDING_DELETE"})
    return ResourceType(
        name,
        "network",
        path=f"/{plural}/{{id}}",
        member=member,
        list_path=f"/{plural}",
        collection=collection,
        status=status,
        busy=busy if status else frozenset(),
        steady=frozenset({"ACTIVE", "DOWN"}),
    )


NETWORK = neutron("network", "networks", "network")
SUBNET = neutron("subnet", "subnets", "subnet", None)
PORT = neutron("port", "ports", "port")
ROUTER = neutron("router", "routers", "router")
FLOATING_IP = neutron("floating ip", "floatingips", "floatingip")
SECURITY_GROUP = neutron("security group", "security-groups", "security_group", None)
SECURITY_GROUP_RULE = neutron(
    "security group rule", "security-group-rules", "security_group_rule", None
)
