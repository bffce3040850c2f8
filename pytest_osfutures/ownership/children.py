"""Children: resources that the cloud makes for another resource and leaves when that is deleted.

Nova makes the volumes that a server boots from, and the snapshots behind the image of such a
server. A child gets the stamp of the parent and a row in the ledger as soon as a read shows the
child: at the end of the parent's creation, and once more before the parent is deleted.
https://docs.openstack.org/nova/latest/user/block-device-mapping.html
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace

from pytest_osfutures.operations import OWNED_TYPES, SERVER, SNAPSHOT, VOLUME, Body
from pytest_osfutures.ownership.resource import StampedResource, UnreadableError, read_resource
from pytest_osfutures.ownership.stamping import StampLedger, put_stamp
from pytest_osfutures.parsing import identifier, mappings
from pytest_osfutures.stamp import Stamp
from pytest_osfutures.transport import ApiClient

#: Field of a server with its attached volumes.
VOLUMES = "os-extended-volumes:volumes_attached"
#: Property of the image of a server that boots from a volume, with the snapshots behind the image.
MAPPING = "block_device_mapping"
#: Names of the types of children. No operation makes several resources of these types at once.
CHILDREN = (VOLUME.name, SNAPSHOT.name)


def may_have_children(body: Body) -> bool:
    """Return True if the body of a server or an image names possible children."""
    return bool(body.get(VOLUMES) or body.get(MAPPING))


def stamp_children(
    api: ApiClient, parent: StampedResource, body: Body, ledger: StampLedger | None
) -> list[StampedResource]:
    """Put the parent's stamp on the children, add them to the ledger, and return them.

    A child that carries the stamp of another operation is left out. Raises UnreadableError.
    """
    children = []
    for child, shown in _children(api, parent, body):
        own = Stamp.of(shown)
        if own is not None and own.operation != parent.stamp.operation:
            continue
        if own is None and not put_stamp(api, ledger, child):
            continue
        if ledger is not None:
            ledger.add_child(child.stamp.operation, child.type.name, child.id)
        children.append(replace(child, stamp=own or child.stamp))
    return children


def stamp_children_of(api: ApiClient, ledger: StampLedger, kind: str, ident: str) -> None:
    """Stamp the children of a resource that has a row; a failure becomes a note in the ledger."""
    try:
        for row in ledger.rows("intent", "bound", "kept"):
            if (row.kind, row.id) == (kind, ident):
                stamp = Stamp(ledger.run, row.operation, row.expires)
                parent = StampedResource(OWNED_TYPES[kind], ident, stamp)
                body = read_resource(api, parent)
                if body is not None:
                    stamp_children(api, parent, body, ledger)
    except (sqlite3.Error, UnreadableError) as error:
        ledger.note(
            f"the volumes or snapshots that the cloud made for {kind} {ident} are not known: "
            f"{error}; they are looked for again before it is deleted"
        )


def _children(
    api: ApiClient, parent: StampedResource, body: Body
) -> Iterator[tuple[StampedResource, Body]]:
    """Yield the children of a server or an image, and the body of each."""
    is_child: Callable[[Body, Body], bool]
    if parent.type is SERVER:
        idents = [identifier(each.get("id")) for each in mappings(body.get(VOLUMES) or [])]
        child_type, is_child = VOLUME, _is_made_for_server
    else:
        idents, child_type, is_child = _snapshots(body), SNAPSHOT, _is_made_for_image
    for ident in idents:
        if ident is None:
            continue
        child = replace(parent, type=child_type, id=ident, name="", status="", created="")
        shown = read_resource(api, child)
        if shown is not None and (Stamp.of(shown) == parent.stamp or is_child(body, shown)):
            yield child, shown


def _snapshots(image: Body) -> list[str | None]:
    """Return the ids of the snapshots behind an image; an unusable id is None."""
    try:
        disks = json.loads(str(image.get(MAPPING) or "[]"))
        return [identifier(each.get("snapshot_id")) for each in mappings(disks)]
    except ValueError:
        return []


def _is_made_for_server(server: Body, volume: Body) -> bool:
    """Return True if Nova made the volume for this server, and no user attached the volume.

    Nova gives such a volume no name, or one made of the server's id, and an empty description. Nova
    creates the volume between the request for the server and its first launch, when no user can
    attach another one.
    https://opendev.org/openstack/nova/src/branch/master/nova/virt/block_device.py
    """
    name = volume.get("name")
    if name not in ("", f"{server.get('id')}-blank-vol") or volume.get("description") != "":
        return False
    if not name and not volume.get("snapshot_id") and not volume.get("volume_image_metadata"):
        return False
    launched = server.get("OS-SRV-USG:launched_at")
    made = _to_seconds(volume.get("created_at"))
    requested = _to_seconds(server.get("created"))
    before_launch = not launched or made <= _to_seconds(launched)
    return bool(requested) and requested <= made and before_launch


def _is_made_for_image(image: Body, snapshot: Body) -> bool:
    """Return True if Nova made the snapshot for this image, whose name is in the snapshot's.

    See `snapshot_volume_backed` in
    https://opendev.org/openstack/nova/src/branch/master/nova/compute/api.py
    """
    if snapshot.get("name") != f"snapshot for {image.get('name')}":
        return False
    return snapshot.get("description") == "" and not snapshot.get("metadata")


def _to_seconds(moment: object) -> str:
    """Cut a time to seconds: services write times with or without microseconds and zone."""
    return str(moment or "")[:19]
