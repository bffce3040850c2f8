"""Cinder's background operations (block storage API reference; cinder/objects/fields.py)."""

from __future__ import annotations

from pytest_osfutures.operation import Body, Expect, Names, Operation, Route, Undo
from pytest_osfutures.services.kinds import SNAPSHOT, VOLUME

CREATING = frozenset({"creating", "downloading", "restoring-backup"})


def has_new_size(volume: Body, names: Names) -> bool:
    """The volume is as large as was asked for."""
    return str(volume["size"]) == names["size"]


OPERATIONS = (
    Operation(
        "volume.create",
        Route("block-storage", "POST", "/volumes"),
        (Expect(VOLUME, frozenset({"available"}), CREATING, frozenset({"error"})),),
        names={"id": "response.volume.id"},
        creates=True,
        undo=Undo("block-storage", "DELETE", "/volumes/{id}"),
        stamp="volume.metadata",
        usual=3.0,
    ),
    Operation(
        "volume.delete",
        Route("block-storage", "DELETE", "/volumes/{id}"),
        (
            Expect(
                VOLUME,
                running=frozenset({"deleting"}),
                failure=frozenset({"error_deleting", "error"}),
                gone=True,
            ),
        ),
        usual=3.0,
    ),
    Operation(
        "volume.extend",
        Route("block-storage", "POST", "/volumes/{id}/action", "os-extend"),
        (
            Expect(
                VOLUME,
                frozenset({"available", "in-use"}),
                frozenset({"extending"}),
                frozenset({"error", "error_extending"}),
                holds=has_new_size,
            ),
        ),
        names={"size": "request.os-extend.new_size"},
        usual=3.0,
    ),
    Operation(
        "snapshot.create",
        Route("block-storage", "POST", "/snapshots"),
        (
            Expect(
                SNAPSHOT, frozenset({"available"}), frozenset({"creating"}), frozenset({"error"})
            ),
        ),
        names={"id": "response.snapshot.id"},
        creates=True,
        undo=Undo("block-storage", "DELETE", "/snapshots/{id}"),
        stamp="snapshot.metadata",
        usual=3.0,
    ),
    Operation(
        "snapshot.delete",
        Route("block-storage", "DELETE", "/snapshots/{id}"),
        (
            Expect(
                SNAPSHOT,
                running=frozenset({"deleting"}),
                failure=frozenset({"error_deleting", "error"}),
                gone=True,
            ),
        ),
        usual=3.0,
    ),
)
