"""List of all resource types, and the order in which resources can be deleted.

There is no other list: operations, twins, stamps, the sweep and the factories read this one.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pytest_osfutures.operations.model import ResourceType

LATEST = "latest"
AVAILABLE = frozenset({"available"})

SERVER = ResourceType(
    "server",
    "compute",
    path="/servers/{id}",
    member="server",
    list_path="/servers/detail",
    owned_path="/servers/detail",
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
    manager="servers",
    sdk_class="compute.v2.server.Server",
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
    explains_only=True,
)
ACTIONS = ResourceType(
    "list of instance actions",
    "compute",
    path="/servers/{id}/os-instance-actions",
    member="",
    version=LATEST,
    status=None,
    explains_only=True,
)
MIGRATIONS = ResourceType(
    "list of migrations",
    "compute",
    path="/os-migrations?instance_uuid={id}",
    member="",
    version=LATEST,
    status=None,
    explains_only=True,
)
ATTACHMENT = ResourceType(
    "volume attachment",
    "compute",
    path="/servers/{server}/os-volume_attachments/{volume}",
    member="volumeAttachment",
    status=None,
    manager="volumes",
    sdk_class="compute.v2.volume_attachment.VolumeAttachment",
)
INTERFACE = ResourceType(
    "interface",
    "compute",
    path="/servers/{server}/os-interface/{port}",
    member="interfaceAttachment",
    status="port_state",
    sdk_class="compute.v2.server_interface.ServerInterface",
)
SHARE_MAPPING = ResourceType(
    "share mapping",
    "compute",
    path="/servers/{server}/shares/{share}",
    member="share",
)
IMAGE = ResourceType(
    "image",
    "image",
    path="/images/{id}",
    member="",
    collection="images",
    owned_path="/images?owner={project}&limit=1000",
    sdk_class="image.v2.image.Image",
)
#: Snapshots that Nova has created of one server's volumes.
SNAPSHOTS = ResourceType(
    "list of snapshots",
    "block-storage",
    path="/snapshots/detail?name={name}",
    member="",
    status=None,
)
#: Cinder's messages for users, which explain failures.
MESSAGES = ResourceType(
    "list of messages",
    "block-storage",
    path="/messages?resource_uuid={id}",
    member="",
    collection="messages",
    version=LATEST,
    status=None,
    explains_only=True,
)


def cinder(
    name: str, plural: str, busy: set[str], steady: frozenset[str] = AVAILABLE, **more: Any
) -> ResourceType:
    """Build the type for a resource of Cinder; `plural` is the word in its paths."""
    return ResourceType(
        name,
        "block-storage",
        path=f"/{plural}/{{id}}",
        member=plural.removesuffix("s"),
        list_path=f"/{plural}/detail",
        collection=plural,
        busy=frozenset(busy),
        steady=steady,
        explained_by=MESSAGES,
        **more,
    )


VOLUME = cinder(
    "volume",
    "volumes",
    {"creating", "downloading", "restoring-backup", "extending", "reserved", "attaching"}
    | {"detaching", "retyping", "maintenance", "uploading", "backing-up", "reverting"}
    | {"managing", "unmanaging", "deleting"},
    frozenset({"available", "in-use", "awaiting-transfer"}),
    version=LATEST,  # only adds to what older ones show, among it the type's id
    owned_path="/volumes/detail",
    manager="volumes",
    sdk_class="block_storage.v3.volume.Volume",
)
SNAPSHOT = cinder(
    "snapshot",
    "snapshots",
    {"creating", "deleting", "restoring", "unmanaging", "backing-up"},
    owned_path="/snapshots/detail",
    manager="volume_snapshots",
    sdk_class="block_storage.v3.snapshot.Snapshot",
)
BACKUP = cinder(
    "backup",
    "backups",
    {"creating", "restoring", "deleting"},
    owned_path="/backups/detail",
    stamp_in_description=True,
    stamp_version="3.43",
    manager="backups",
    sdk_class="block_storage.v3.backup.Backup",
)
VOLUME_ATTACHMENT = ResourceType(
    "attachment",
    "block-storage",
    path="/attachments/{id}",
    member="attachment",
    version=LATEST,
    manager="attachments",
    sdk_class="block_storage.v3.attachment.Attachment",
)
GROUP = cinder(
    "group",
    "groups",
    {"creating", "updating", "deleting"},
    manager="groups",
    sdk_class="block_storage.v3.group.Group",
)
REPLICATION = replace(
    GROUP, name="group's replication", list_path=None, status="replication_status", busy=frozenset()
)
GROUP_SNAPSHOT = cinder(
    "group snapshot",
    "group_snapshots",
    {"creating", "deleting"},
    manager="group_snapshots",
    sdk_class="block_storage.v3.group_snapshot.GroupSnapshot",
)
CONSISTENCY_GROUP = cinder(
    "consistency group",
    "consistencygroups",
    {"creating", "updating", "deleting"},
    manager="consistencygroups",
)
CGSNAPSHOT = cinder(
    "consistency group's snapshot", "cgsnapshots", {"creating", "deleting"}, manager="cgsnapshots"
)
SERVICES = ResourceType(
    "list of services",
    "block-storage",
    path="/os-services?host={host}",
    member="",
    version=LATEST,
    status=None,
)


def neutron(
    name: str, plural: str, sdk_class: str, status: str | None = "status", extension: str = ""
) -> ResourceType:
    """Build the type for a resource of Neutron; `plural` is the word in its paths."""
    collection = plural.replace("-", "_")
    busy = {"BUILD", "ALLOCATING", "PENDING_CREATE", "PENDING_UPDATE", "PENDING_DELETE"}
    return ResourceType(
        name,
        "network",
        path=f"/{plural}/{{id}}",
        member=collection.removesuffix("s"),
        list_path=f"/{plural}",
        collection=collection,
        status=status,
        busy=frozenset(busy if status else ()),
        steady=frozenset({"ACTIVE", "DOWN"}),
        owned_path=f"/{plural}?tenant_id={{project}}",
        stamp_in_description=True,
        extension=extension,
        sdk_class=f"network.v2.{sdk_class}",
    )


NETWORK = neutron("network", "networks", "network.Network")
SUBNET = neutron("subnet", "subnets", "subnet.Subnet", status=None)
PORT = neutron("port", "ports", "port.Port")
ROUTER = neutron("router", "routers", "router.Router", extension="router")
FLOATING_IP = neutron("floating ip", "floatingips", "floating_ip.FloatingIP", extension="router")
TRUNK = neutron("trunk", "trunks", "trunk.Trunk", extension="trunk")
SECURITY_GROUP = neutron(
    "security group",
    "security-groups",
    "security_group.SecurityGroup",
    status=None,
    extension="security-group",
)
SECURITY_GROUP_RULE = neutron(
    "security group rule",
    "security-group-rules",
    "security_group_rule.SecurityGroupRule",
    status=None,
    extension="security-group",
)
ADDRESS_GROUP = neutron(
    "address group",
    "address-groups",
    "address_group.AddressGroup",
    status=None,
    extension="address-group",
)
#: Nova's keypairs have neither metadata nor a description: their name begins with the stamp.
KEYPAIR = ResourceType(
    "keypair",
    "compute",
    path="/os-keypairs/{id}",
    member="keypair",
    collection="keypairs",
    status=None,
    owned_path="/os-keypairs",
    id_field="name",
)

#: Types that can carry a stamp, in the order in which resources can be deleted. Resources of the
#: types in one stage do not keep each other from being deleted.
DELETION_ORDER: tuple[tuple[ResourceType, ...], ...] = (
    (SERVER, FLOATING_IP, SNAPSHOT, BACKUP, IMAGE, KEYPAIR),
    (TRUNK,),
    (VOLUME, PORT, SECURITY_GROUP_RULE),
    (ROUTER, SECURITY_GROUP, ADDRESS_GROUP),
    (SUBNET,),
    (NETWORK,),
)
#: The same types by their names.
OWNED_TYPES = {each.name: each for stage in DELETION_ORDER for each in stage}
#: Types of Neutron whose create and delete requests follow one pattern.
NETWORK_TYPES = tuple(each for each in OWNED_TYPES.values() if each.service == "network")
#: Every type of this module.
RESOURCE_TYPES = tuple(each for each in list(globals().values()) if isinstance(each, ResourceType))


def resource_type(service: str, name: str) -> ResourceType | None:
    """Return the listed type of a service by its name; None if there is none."""
    found = (each for each in RESOURCE_TYPES if (each.service, each.name) == (service, name))
    return next(found, None)
