"""What the cloud makes for a resource of ours by itself, and leaves behind when that is deleted.

Nova makes the volumes that a server boots from, and snapshots behind the image of such a server.
They get the stamp of their parent, and a row of its operation in the ledger, as soon as they are
seen: at the end of the creation, and once more before the parent is deleted.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from pytest_osfutures.operations import OWNED_TYPES, SERVER, SNAPSHOT, VOLUME, Body
from pytest_osfutures.ownership.resource import StampedResource, UnreadableError, read_resource
from pytest_osfutures.ownership.stamping import StampLedger, put_stamp
from pytest_osfutures.parsing import identifier, mappings
from pytest_osfutures.stamp import Stamp
from pytest_osfutures.transport import ApiClient

VOLUMES = "os-extended-volumes:volumes_attached"
#: What may be a child; no request makes such a thing together with others.
CHILDREN = (VOLUME.name, SNAPSHOT.name)
MAPPING = "block_device_mapping"
_NOTE = """
INSERT INTO resources(operation, kind, name, id, process, worker, test, state, tries, intended,
    bound, expires, part)
SELECT operation, ?1, '', ?2, process, worker, test,
    CASE state WHEN 'kept' THEN 'kept' ELSE 'bound' END, 1, ?3, ?3, expires,
    (SELECT max(part) + 1 FROM resources WHERE operation = ?4)
FROM resources WHERE operation = ?4 AND NOT EXISTS (SELECT 1 FROM resources WHERE id = ?2)
ORDER BY part LIMIT 1
"""


def may_have_children(body: Body) -> bool:
    """Whether a server or an image, as it was seen, may have such children."""
    return bool(body.get(VOLUMES) or body.get(MAPPING))


def stamp_children(
    api: ApiClient, parent: StampedResource, body: Body, ledger: StampLedger | None
) -> list[StampedResource]:
    """Put the parent's stamp on what the cloud has made for it, and note it.

    Raises UnreadableError.
    """
    found = []
    for child, shown in _children(api, parent, body):
        own = Stamp.of(shown)
        if own is not None and own.operation != parent.stamp.operation:
            continue
        if own is None and not put_stamp(api, ledger, child):
            continue
        if ledger is not None:
            note(ledger, child)
        found.append(replace(child, stamp=own or child.stamp))
    return found


def note(ledger: StampLedger, child: StampedResource) -> None:
    """Give the child a row beside its parent's."""
    operation, kind = child.stamp.operation, child.type.name
    ledger.write(_NOTE, (kind, child.id, time.time(), operation))


def stamp_children_of(api: ApiClient, ledger: StampLedger, kind: str, ident: str) -> None:
    """Look for the children of what the ledger knows by this id; it is noted if that fails."""
    try:
        for row in ledger.rows("intent", "bound", "kept"):
            if (row.kind, row.id) == (kind, ident):
                stamp = Stamp(ledger.run, row.operation, row.expires)
                parent = StampedResource(OWNED_TYPES[kind], ident, stamp)
                body = read_resource(api, parent)
                if body is not None:
                    stamp_children(api, parent, body, ledger)
    except (sqlite3.Error, UnreadableError) as error:
        ledger.note(f"what the cloud has made for {kind} {ident} is not known: {error}")


def _children(
    api: ApiClient, parent: StampedResource, body: Body
) -> Iterator[tuple[StampedResource, Body]]:
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
    try:
        disks = json.loads(str(image.get(MAPPING) or "[]"))
        return [identifier(each.get("snapshot_id")) for each in mappings(disks)]
    except ValueError:
        return []


def _is_made_for_server(server: Body, volume: Body) -> bool:
    """Whether Nova has made the volume for this very server.

    It gives it no name, or one of the server's, and the empty description, after the server was
    asked for and before it ran: nobody could attach another one in that time.
    """
    name = volume.get("name")
    if name not in ("", f"{server.get('id')}-blank-vol") or volume.get("description") != "":
        return False
    if not name and not volume.get("snapshot_id") and not volume.get("volume_image_metadata"):
        return False
    ran = server.get("OS-SRV-USG:launched_at")
    made = _seconds(volume.get("created_at"))
    asked = _seconds(server.get("created"))
    return bool(asked) and asked <= made and (not ran or made <= _seconds(ran))


def _is_made_for_image(image: Body, snapshot: Body) -> bool:
    """Whether Nova has made the snapshot for this very image: it names it, and is as old."""
    if snapshot.get("name") != f"snapshot for {image.get('name')}":
        return False
    return snapshot.get("description") == "" and not snapshot.get("metadata")


def _seconds(moment: object) -> str:
    """A moment of any service to the second, so that they can be compared."""
    return str(moment or "")[:19]
