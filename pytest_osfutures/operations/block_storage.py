"""Cinder's background operations, in the order of the project's notes on them.

Each row is one request and what has to become of it; the numbers are those of the rows in the
notes. The small predicates are in `seen.py`.
"""

from __future__ import annotations

from typing import Any

from pytest_osfutures.operations import predicates as seen
from pytest_osfutures.operations.model import (
    Expectation,
    Operation,
    ResourceType,
    Route,
    UndoRequest,
)
from pytest_osfutures.operations.resource_types import (
    ACTION,
    ACTIONS,
    BACKUP,
    CGSNAPSHOT,
    CONSISTENCY_GROUP,
    GROUP,
    GROUP_SNAPSHOT,
    IMAGE,
    REPLICATION,
    SERVICES,
    SNAPSHOT,
    VOLUME,
    VOLUME_ATTACHMENT,
)

CINDER = "block-storage"
CREATING = ("creating", "downloading", "restoring-backup", "managing")
FAILED = frozenset(
    {"error", "error_deleting", "error_extending", "error_restoring", "error_managing"}
    | {"error_unmanaging", "error_attaching", "error_detaching", "error_backing-up"}
)
THE_VOLUME = {"id": "{volume}"}


def of(kind: ResourceType, success: str, running: tuple[str, ...] = (), **more: Any) -> Expectation:
    """A resource of `kind` ends in the statuses `success` (separated by blanks)."""
    return Expectation(kind, frozenset(success.split()), frozenset(running), FAILED, **more)


def volume(*running: str, **more: Any) -> Expectation:
    """A volume ends in one of its two ordinary statuses."""
    return of(VOLUME, "available in-use", running, **more)


def action(name: str, key: str, *expects: Expectation, **more: Any) -> Operation:
    """A row for POST /volumes/{id}/action with `key` in its body."""
    route = Route(CINDER, "POST", "/volumes/{id}/action", key)
    return Operation(f"volume.{name}", route, expects, **{"usual_duration": 3.0, **more})


def create(
    name: str, path: str, kind: ResourceType, key: str | None = None, **more: Any
) -> Operation:
    """A row for a request that makes a resource of `kind`, which then becomes available."""
    common: dict[str, Any] = {
        "variables": {"id": f"response.{kind.member}.id"},
        "creates": True,
        "undo": UndoRequest(CINDER, "DELETE", kind.path),
        "usual_duration": 3.0,
    }
    expects = (of(kind, "available", CREATING),)
    return Operation(name, Route(CINDER, "POST", path, key), expects, **{**common, **more})


def delete(
    name: str, kind: ResourceType, method: str = "DELETE", tail: str = "", key: str | None = None
) -> Operation:
    """A row for a request after which a resource of `kind` is gone."""
    expect = of(kind, "", ("deleting", "unmanaging"), gone=True)
    return Operation(
        name, Route(CINDER, method, kind.path + tail, key), (expect,), usual_duration=3.0
    )


def replication(key: str, running: str, success: str) -> Operation:
    """A row for a change of a group's replication."""
    expect = Expectation(
        REPLICATION,
        frozenset({success}),
        frozenset({running}),
        frozenset({"error", "failover-error"}),
    )
    return Operation(f"group.{key}", Route(CINDER, "POST", "/groups/{id}/action", key), (expect,))


UNMANAGE_VOLUME = UndoRequest(CINDER, "POST", "/volumes/{id}/action", {"os-unmanage": None})
UNMANAGE_SNAPSHOT = UndoRequest(CINDER, "POST", "/snapshots/{id}/action", {"os-unmanage": None})
DELETE_CONSISTENCY_GROUP = UndoRequest(
    CINDER, "POST", "/consistencygroups/{id}/delete", {"consistencygroup": {"force": True}}
)
SLOW: dict[str, Any] = {"tout": 900.0, "usual_duration": 10.0}

OPERATIONS = (
    # 43 to 45
    create("volume.create", "/volumes", VOLUME, stamp_field="volume.metadata", tout=600.0),
    # 46, 47
    delete("volume.delete", VOLUME),
    delete("volume.force_delete", VOLUME, "POST", "/action", "os-force_delete"),
    # 48, and 38: the server of a volume in use has to notice
    action(
        "extend",
        "os-extend",
        volume("extending", predicate=seen.has_new_size, extract=seen.server_that_uses_it),
        Expectation(
            ACTIONS,
            predicate=seen.is_told,
            variables={"id": "{server}"},
            after_previous=True,
            extract=seen.who_told,
        ),
        Expectation(
            ACTION,
            predicate=seen.is_noticed,
            variables={"id": "{server}", "request_id": "{told_by}"},
            after_previous=True,
        ),
        variables={"size": "request.os-extend.new_size"},
    ),
    # 49: the volume comes back in silence, whatever became of the image
    action(
        "upload_to_image",
        "os-volume_upload_image",
        volume("uploading"),
        Expectation(
            IMAGE,
            frozenset({"active"}),
            frozenset({"queued", "saving", "uploading", "importing"}),
            frozenset({"killed", "deleted", "pending_delete"}),
            variables={"id": "{image}"},
            after_previous=True,
        ),
        variables={"image": "response.os-volume_upload_image.image_id"},
        main_index=1,
        creates=True,
        ledger_only=True,
        undo=UndoRequest("image", "DELETE", "/images/{image}"),
        **SLOW,
    ),
    # 50, 51: it may fall back to what it was in silence
    action(
        "retype",
        "os-retype",
        volume("retyping", predicate=seen.has_new_type),
        variables={"type": "request.os-retype.new_type"},
        **SLOW,
    ),
    action(
        "migrate",
        "os-migrate_volume",
        volume("maintenance", predicate=seen.has_migrated),
        variables={"host": "request.os-migrate_volume.host"},
        **SLOW,
    ),
    # 52
    action(
        "revert_to_snapshot",
        "revert",
        volume("reverting"),
        of(SNAPSHOT, "available", ("restoring",), variables={"id": "{snapshot}"}),
        variables={"snapshot": "request.revert.snapshot_id"},
    ),
    # 53
    action(
        "reimage", "os-reimage", of(VOLUME, "available in-use reserved", ("downloading",)), **SLOW
    ),
    # 54, 55
    create("volume.manage", "/os-volume-manage", VOLUME, undo=UNMANAGE_VOLUME),
    create("volume.manage", "/manageable_volumes", VOLUME, undo=UNMANAGE_VOLUME),
    delete("volume.unmanage", VOLUME, "POST", "/action", "os-unmanage"),
    # 56, 57
    Operation(
        "attachment.create",
        Route(CINDER, "POST", "/attachments"),
        (of(VOLUME_ATTACHMENT, "reserved attaching attached"),),
        variables={"id": "response.attachment.id"},
        creates=True,
        must_be_idle=(Expectation(VOLUME, variables=THE_VOLUME),),
        undo=UndoRequest(CINDER, "DELETE", "/attachments/{id}"),
    ),
    Operation(
        "attachment.update",
        Route(CINDER, "PUT", "/attachments/{id}"),
        (of(VOLUME_ATTACHMENT, "attaching attached"),),
    ),
    Operation(
        "attachment.complete",
        Route(CINDER, "POST", "/attachments/{id}/action", "os-complete"),
        (
            of(VOLUME_ATTACHMENT, "attached", ("attaching",), extract=seen.volume_of_attachment),
            of(VOLUME, "in-use", ("attaching",), variables=THE_VOLUME, after_previous=True),
        ),
    ),
    delete("attachment.delete", VOLUME_ATTACHMENT),
    action("attach", "os-attach", of(VOLUME, "in-use", ("attaching",))),
    action(
        "detach",
        "os-detach",
        volume("detaching", predicate=seen.is_detached_at_all),
        variables={"attachment": "request.os-detach.attachment_id"},
    ),
    action(
        "force_detach",
        "os-force_detach",
        volume("detaching", predicate=seen.is_detached_at_all),
        variables={"attachment": "request.os-force_detach.attachment_id"},
    ),
    # 58
    *(
        operation
        for path in ("/volume-transfers", "/os-volume-transfer")
        for operation in (
            Operation(
                "transfer.create",
                Route(CINDER, "POST", path),
                (of(VOLUME, "awaiting-transfer", variables=THE_VOLUME),),
                variables={
                    "transfer": "response.transfer.id",
                    "volume": "request.transfer.volume_id",
                },
                undo=UndoRequest(CINDER, "DELETE", path + "/{transfer}"),
            ),
            Operation(
                "transfer.accept",
                Route(CINDER, "POST", path + "/{transfer}/accept"),
                (of(VOLUME, "available", ("awaiting-transfer",), variables=THE_VOLUME),),
                variables={"volume": "response.transfer.volume_id"},
            ),
        )
    ),
    # 59
    replication("enable_replication", "enabling", "enabled"),
    replication("disable_replication", "disabling", "disabled"),
    replication("failover_replication", "failing-over", "failed-over"),
    *(
        Operation(
            "service.failover",
            Route(CINDER, "PUT", f"/os-services/{name}"),
            (
                Expectation(
                    SERVICES, variables={"host": "{host}"}, predicate=seen.service_is_failed_over
                ),
            ),
            variables={"host": "request.host"},
            **SLOW,
        )
        for name in ("failover_host", "failover")
    ),
    # 60
    create(
        "snapshot.create",
        "/snapshots",
        SNAPSHOT,
        variables={"id": "response.snapshot.id", "volume": "request.snapshot.volume_id"},
        must_be_idle=(Expectation(VOLUME, variables=THE_VOLUME),),
        stamp_field="snapshot.metadata",
    ),
    # 61
    delete("snapshot.delete", SNAPSHOT),
    delete("snapshot.force_delete", SNAPSHOT, "POST", "/action", "os-force_delete"),
    # 62
    create("snapshot.manage", "/os-snapshot-manage", SNAPSHOT, undo=UNMANAGE_SNAPSHOT),
    create("snapshot.manage", "/manageable_snapshots", SNAPSHOT, undo=UNMANAGE_SNAPSHOT),
    delete("snapshot.unmanage", SNAPSHOT, "POST", "/action", "os-unmanage"),
    # 63
    Operation(
        "backup.create",
        Route(CINDER, "POST", "/backups"),
        (of(BACKUP, "available", ("creating",)), volume("backing-up", variables=THE_VOLUME)),
        variables={"id": "response.backup.id", "volume": "request.backup.volume_id"},
        creates=True,
        undo=UndoRequest(CINDER, "DELETE", "/backups/{id}"),
        stamp_field="backup.metadata",
        stamp_since="3.43",
        **SLOW,
    ),
    Operation(
        "backup.import",
        Route(CINDER, "POST", "/backups/import_record"),
        (of(BACKUP, "available", ("creating",)),),
        variables={"id": "response.backup.id"},
        creates=True,
        undo=UndoRequest(CINDER, "DELETE", "/backups/{id}"),
    ),
    # 64: the backup comes back whatever became of the volume
    *(
        Operation(
            "backup.restore",
            Route(CINDER, "POST", "/backups/{backup}/restore"),
            (
                of(BACKUP, "available", ("restoring",), variables={"id": "{backup}"}),
                volume("restoring-backup", "creating", variables=THE_VOLUME, after_previous=True),
            ),
            variables={"volume": "response.restore.volume_id"},
            main_index=1,
            applies_to=when,
            undo=undo,
            ledger_only=undo is not None,
            **SLOW,
        )
        for when, undo in (
            (seen.lets_cinder_make, UndoRequest(CINDER, "DELETE", "/volumes/{volume}")),
            (None, None),
        )
    ),
    # 65
    delete("backup.delete", BACKUP),
    delete("backup.force_delete", BACKUP, "POST", "/action", "os-force_delete"),
    Operation(
        "backup.reset_state",
        Route(CINDER, "POST", "/backups/{id}/action", "os-reset_status"),
        (Expectation(BACKUP, predicate=seen.has_status),),
        variables={"status": "request.os-reset_status.status"},
    ),
    # 66, 67
    create(
        "group.create",
        "/groups",
        GROUP,
        undo=UndoRequest(
            CINDER, "POST", "/groups/{id}/action", {"delete": {"delete-volumes": False}}
        ),
    ),
    create(
        "group.create_from_src",
        "/groups/action",
        GROUP,
        "create-from-src",
        undo=UndoRequest(
            CINDER, "POST", "/groups/{id}/action", {"delete": {"delete-volumes": True}}
        ),
    ),
    Operation(
        "group.update",
        Route(CINDER, "PUT", "/groups/{id}"),
        (of(GROUP, "available", ("updating",)),),
        applies_to=seen.adds_or_removes,
    ),
    delete("group.delete", GROUP, "POST", "/action", "delete"),
    create("group_snapshot.create", "/group_snapshots", GROUP_SNAPSHOT),
    delete("group_snapshot.delete", GROUP_SNAPSHOT),
    # What groups were before 3.13
    create(
        "consistency_group.create",
        "/consistencygroups",
        CONSISTENCY_GROUP,
        undo=DELETE_CONSISTENCY_GROUP,
    ),
    create(
        "consistency_group.create_from_src",
        "/consistencygroups/create_from_src",
        CONSISTENCY_GROUP,
        undo=DELETE_CONSISTENCY_GROUP,
    ),
    *(
        Operation(
            "consistency_group.update",
            Route(CINDER, "PUT", path),
            (of(CONSISTENCY_GROUP, "available", ("updating",)),),
            applies_to=seen.adds_or_removes,
        )
        for path in ("/consistencygroups/{id}", "/consistencygroups/{id}/update")
    ),
    delete("consistency_group.delete", CONSISTENCY_GROUP, "POST", "/delete"),
    create("cgsnapshot.create", "/cgsnapshots", CGSNAPSHOT),
    delete("cgsnapshot.delete", CGSNAPSHOT),
)
