"""Cinder's operations: docs/operations.md#rules-cinder, and one anchor for each row there."""

from __future__ import annotations

from typing import Any

from pytest_osfutures.operations import predicates
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


def of(
    resource_type: ResourceType, success: str, running: tuple[str, ...] = (), **more: Any
) -> Expectation:
    """Expect a resource in one of the statuses `success`, separated by blanks."""
    return Expectation(
        resource_type, frozenset(success.split()), frozenset(running), FAILED, **more
    )


def volume(*running: str, **more: Any) -> Expectation:
    """Expect a volume that is available or in use."""
    return of(VOLUME, "available in-use", running, **more)


def action(name: str, key: str, *expects: Expectation, **more: Any) -> Operation:
    """Build the row of POST /volumes/{id}/action with `key` in the body."""
    route = Route(CINDER, "POST", "/volumes/{id}/action", key)
    return Operation(f"volume.{name}", route, expects, **{"usual_duration": 3.0, **more})


def create(
    name: str, path: str, resource_type: ResourceType, key: str | None = None, **more: Any
) -> Operation:
    """Build the row of a request that creates a resource, which becomes available."""
    common: dict[str, Any] = {
        "variables": {"id": f"response.{resource_type.member}.id"},
        "creates": True,
        "undo": UndoRequest(CINDER, "DELETE", resource_type.path),
        "usual_duration": 3.0,
    }
    expects = (of(resource_type, "available", CREATING),)
    return Operation(name, Route(CINDER, "POST", path, key), expects, **{**common, **more})


def delete(
    name: str,
    resource_type: ResourceType,
    method: str = "DELETE",
    tail: str = "",
    key: str | None = None,
) -> Operation:
    """Build the row of a request after which a resource is gone."""
    expect = of(resource_type, "", ("deleting", "unmanaging"), gone=True)
    return Operation(
        name, Route(CINDER, method, resource_type.path + tail, key), (expect,), usual_duration=3.0
    )


def replication(key: str, running: str, success: str) -> Operation:
    """Build the row of a change of a group's replication."""
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
    create("volume.create", "/volumes", VOLUME, stamp_field="volume.metadata", tout=600.0),
    delete("volume.delete", VOLUME),
    delete("volume.force_delete", VOLUME, "POST", "/action", "os-force_delete"),
    # docs/operations.md#volume-extend: the server that uses the volume has to notice.
    action(
        "extend",
        "os-extend",
        volume("extending", predicate=predicates.has_new_size, extract=predicates.server_of_volume),
        Expectation(
            ACTIONS,
            predicate=predicates.extend_is_recorded,
            variables={"id": "{server}"},
            after_previous=True,
            extract=predicates.request_of_extend,
        ),
        Expectation(
            ACTION,
            predicate=predicates.extend_has_succeeded,
            variables={"id": "{server}", "request_id": "{extend_request}"},
            after_previous=True,
        ),
        variables={"size": "request.os-extend.new_size"},
    ),
    # docs/operations.md#volume-upload-to-image: the volume does not tell of a failure.
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
    # docs/operations.md#volume-retype: a failure may restore the old state silently.
    action(
        "retype",
        "os-retype",
        volume("retyping", predicate=predicates.has_new_type),
        variables={"type": "request.os-retype.new_type"},
        **SLOW,
    ),
    action(
        "migrate",
        "os-migrate_volume",
        volume("maintenance", predicate=predicates.has_migrated),
        variables={"host": "request.os-migrate_volume.host"},
        **SLOW,
    ),
    action(
        "revert_to_snapshot",
        "revert",
        volume("reverting"),
        of(SNAPSHOT, "available", ("restoring",), variables={"id": "{snapshot}"}),
        variables={"snapshot": "request.revert.snapshot_id"},
    ),
    action(
        "reimage", "os-reimage", of(VOLUME, "available in-use reserved", ("downloading",)), **SLOW
    ),
    create("volume.manage", "/os-volume-manage", VOLUME, undo=UNMANAGE_VOLUME),
    create("volume.manage", "/manageable_volumes", VOLUME, undo=UNMANAGE_VOLUME),
    delete("volume.unmanage", VOLUME, "POST", "/action", "os-unmanage"),
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
            of(
                VOLUME_ATTACHMENT,
                "attached",
                ("attaching",),
                extract=predicates.volume_of_attachment,
            ),
            of(VOLUME, "in-use", ("attaching",), variables=THE_VOLUME, after_previous=True),
        ),
    ),
    delete("attachment.delete", VOLUME_ATTACHMENT),
    action("attach", "os-attach", of(VOLUME, "in-use", ("attaching",))),
    action(
        "detach",
        "os-detach",
        volume("detaching", predicate=predicates.is_detached_at_all),
        variables={"attachment": "request.os-detach.attachment_id"},
    ),
    action(
        "force_detach",
        "os-force_detach",
        volume("detaching", predicate=predicates.is_detached_at_all),
        variables={"attachment": "request.os-force_detach.attachment_id"},
    ),
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
    replication("enable_replication", "enabling", "enabled"),
    replication("disable_replication", "disabling", "disabled"),
    replication("failover_replication", "failing-over", "failed-over"),
    *(
        Operation(
            "service.failover",
            Route(CINDER, "PUT", f"/os-services/{name}"),
            (
                Expectation(
                    SERVICES,
                    variables={"host": "{host}"},
                    predicate=predicates.service_is_failed_over,
                ),
            ),
            variables={"host": "request.host"},
            **SLOW,
        )
        for name in ("failover_host", "failover")
    ),
    create(
        "snapshot.create",
        "/snapshots",
        SNAPSHOT,
        variables={"id": "response.snapshot.id", "volume": "request.snapshot.volume_id"},
        must_be_idle=(Expectation(VOLUME, variables=THE_VOLUME),),
        stamp_field="snapshot.metadata",
    ),
    delete("snapshot.delete", SNAPSHOT),
    delete("snapshot.force_delete", SNAPSHOT, "POST", "/action", "os-force_delete"),
    create("snapshot.manage", "/os-snapshot-manage", SNAPSHOT, undo=UNMANAGE_SNAPSHOT),
    create("snapshot.manage", "/manageable_snapshots", SNAPSHOT, undo=UNMANAGE_SNAPSHOT),
    delete("snapshot.unmanage", SNAPSHOT, "POST", "/action", "os-unmanage"),
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
    # docs/operations.md#backup-restore: the backup does not tell of a failure.
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
            (predicates.creates_volume, UndoRequest(CINDER, "DELETE", "/volumes/{volume}")),
            (None, None),
        )
    ),
    delete("backup.delete", BACKUP),
    delete("backup.force_delete", BACKUP, "POST", "/action", "os-force_delete"),
    Operation(
        "backup.reset_state",
        Route(CINDER, "POST", "/backups/{id}/action", "os-reset_status"),
        (Expectation(BACKUP, predicate=predicates.has_status),),
        variables={"status": "request.os-reset_status.status"},
    ),
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
        applies_to=predicates.adds_or_removes,
    ),
    delete("group.delete", GROUP, "POST", "/action", "delete"),
    create("group_snapshot.create", "/group_snapshots", GROUP_SNAPSHOT),
    delete("group_snapshot.delete", GROUP_SNAPSHOT),
    # Consistency groups, which groups replaced in 3.13.
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
            applies_to=predicates.adds_or_removes,
        )
        for path in ("/consistencygroups/{id}", "/consistencygroups/{id}/update")
    ),
    delete("consistency_group.delete", CONSISTENCY_GROUP, "POST", "/delete"),
    create("cgsnapshot.create", "/cgsnapshots", CGSNAPSHOT),
    delete("cgsnapshot.delete", CGSNAPSHOT),
)
