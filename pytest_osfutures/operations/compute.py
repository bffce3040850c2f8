"""Nova's operations: docs/operations.md#rules-nova, and one anchor for each row there."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pytest_osfutures.operations import predicates
from pytest_osfutures.operations.model import Expectation, Operation, Route, UndoRequest
from pytest_osfutures.operations.resource_types import (
    ACTION,
    ATTACHMENT,
    IMAGE,
    INTERFACE,
    MIGRATIONS,
    NAMESAKES,
    RESERVATION,
    SERVER,
    SHARE_MAPPING,
    SNAPSHOTS,
    VOLUME,
)
from pytest_osfutures.stamp import OPERATION

ERROR = frozenset({"ERROR"})
MOVED = frozenset({"ACTIVE", "SHUTOFF"})
ON_SERVER = {"server": "{server}", "volume": "{volume}"}
THE_SERVER = Expectation(SERVER, variables={"id": "{server}"})
DELETE = UndoRequest("compute", "DELETE", "/servers/{id}")
#: A server that was not moved or resized, or no longer, need not be reverted.
REVERT = UndoRequest(
    "compute", "POST", "/servers/{id}/action", {"revertResize": None}, frozenset({404, 409, 400})
)
DELETE_IMAGE = UndoRequest("image", "DELETE", "/images/{image}")
DETACH = UndoRequest("compute", "DELETE", "/servers/{server}/os-volume_attachments/{volume}")


def server(*success: str, running: tuple[str, ...] = (), **more: Any) -> Expectation:
    """Expect a server in one of the statuses `success`."""
    return Expectation(SERVER, frozenset(success), frozenset(running), ERROR, **more)


def action(name: str, key: str, *expects: Expectation, **more: Any) -> Operation:
    """Build the row of POST /servers/{id}/action with `key` in the body."""
    route = Route("compute", "POST", "/servers/{id}/action", key)
    return Operation(f"server.{name}", route, expects, **{"action": "{id}", **more})


def image(name: str, key: str, event: str) -> Operation:
    """Build the row of an action that creates an image of the server: the image decides."""
    return Operation(
        f"server.{name}",
        Route("compute", "POST", "/servers/{server}/action", key),
        (
            Expectation(
                IMAGE,
                frozenset({"active"}),
                frozenset({"queued", "saving", "uploading", "importing"}),
                frozenset({"killed", "deleted", "pending_delete"}),
                variables={"id": "{image}"},
                extract=predicates.volume_snapshots,
            ),
            THE_SERVER,
            Expectation(
                SNAPSHOTS,
                predicate=predicates.all_available,
                variables={"name": "{snapshot_name}"},
                after_previous=True,
            ),
        ),
        variables={"image": ("response.image_id", "headers.location")},
        action="{server}",
        event=event,
        creates=True,
        undo=DELETE_IMAGE,
        tout=600.0,
        usual_duration=15.0,
        stamp_field=f"{key}.metadata",
    )


def create(name: str, expect: Expectation, **more: Any) -> Operation:
    """Build a row of POST /servers."""
    common = {
        "creates": True,
        "tout": 600.0,
        "usual_duration": 15.0,
        "stamp_field": "server.metadata",
    }
    return Operation(name, Route("compute", "POST", "/servers"), (expect,), **{**common, **more})


def migration(name: str, route: Route, event: str, end: str) -> Operation:
    """Build the row of a request about one live migration under way."""
    return Operation(
        f"server.{name}",
        route,
        (
            server("ACTIVE", "PAUSED"),
            Expectation(MIGRATIONS, predicate=predicates.migration_is(end), after_previous=True),
        ),
        action="{id}",
        event=event,
        tout=900.0,
        usual_duration=10.0,
    )


SLOW: dict[str, Any] = {"tout": 600.0, "usual_duration": 15.0}
#: Fields that the rows of requests for several servers share.
SEVERAL: dict[str, Any] = {
    "members": predicates.servers,
    "are_identified": predicates.are_identified,
    "member_type": SERVER,
    "undo": replace(DELETE, per_member=True),
}

OPERATIONS = (
    create(
        "servers.create",
        Expectation(
            RESERVATION, predicate=predicates.all_active, variables={"reservation": "{reservation}"}
        ),
        variables={
            "reservation": "response.reservation_id",
            "most": predicates.count_of_servers,
            "op": f"request.server.metadata.{OPERATION}",
        },
        applies_to=predicates.requests_reservation,
        **SEVERAL,
    ),
    create(
        "servers.create",
        Expectation(NAMESAKES, predicate=predicates.all_active, variables={"pattern": "{pattern}"}),
        variables={
            "id": "response.server.id",
            "name": "request.server.name",
            "most": predicates.count_of_servers,
            "pattern": predicates.pattern_of_names,
            "op": f"request.server.metadata.{OPERATION}",
        },
        applies_to=predicates.requests_several,
        **SEVERAL,
    ),
    create(
        "server.create",
        server("ACTIVE", running=("BUILD",)),
        variables={"id": "response.server.id"},
        action="{id}",
        undo=DELETE,
    ),
    Operation(
        "server.delete",
        Route("compute", "DELETE", "/servers/{id}"),
        (server("SOFT_DELETED", gone=True),),
        action="{id}",
    ),
    action("force_delete", "forceDelete", server(gone=True)),
    action("restore", "restore", server("ACTIVE")),
    action("start", "os-start", server("ACTIVE")),
    action("stop", "os-stop", server("SHUTOFF"), tout=600.0),
    action(
        "reboot_soft",
        "reboot",
        server("ACTIVE", "RESCUE"),
        applies_to=predicates.reboots_with("SOFT"),
    ),
    action("reboot_hard", "reboot", server("ACTIVE"), applies_to=predicates.reboots_with("HARD")),
    action("pause", "pause", server("PAUSED")),
    action("unpause", "unpause", server("ACTIVE")),
    action("suspend", "suspend", server("SUSPENDED")),
    action("resume", "resume", server("ACTIVE", "PAUSED", "SHUTOFF")),
    action("rescue", "rescue", server("RESCUE"), **SLOW),
    action("unrescue", "unrescue", server("ACTIVE")),
    # docs/operations.md#server-resize: Nova may confirm a resize by itself.
    action(
        "resize",
        "resize",
        server("VERIFY_RESIZE", accepted_with_event=MOVED),
        event="compute_finish_resize",
        undo=REVERT,
        **SLOW,
    ),
    action(
        "migrate",
        "migrate",
        server("VERIFY_RESIZE", accepted_with_event=MOVED),
        event="compute_finish_resize",
        undo=REVERT,
        **SLOW,
    ),
    action(
        "confirm_resize",
        "confirmResize",
        server("ACTIVE", "SHUTOFF", running=("VERIFY_RESIZE",)),
        marks_busy=False,
    ),
    action("revert_resize", "revertResize", server("ACTIVE", "SHUTOFF"), **SLOW),
    # docs/operations.md#server-evacuate: a failure may end in the status of success.
    action("rebuild", "rebuild", server("ACTIVE", "SHUTOFF"), **SLOW),
    action(
        "evacuate",
        "evacuate",
        server("ACTIVE", "SHUTOFF"),
        event="compute_rebuild_instance",
        event_required=True,
        **SLOW,
    ),
    action(
        "live_migrate",
        "os-migrateLive",
        server(
            "ACTIVE",
            "PAUSED",
            predicate=predicates.has_moved,
            extract=predicates.host_of_migrating_server,
        ),
        Expectation(
            ACTION,
            variables={"id": "{id}", "request_id": "{request_id}"},
            after_previous=True,
            extract=predicates.action_start,
        ),
        Expectation(MIGRATIONS, predicate=predicates.is_live_migrated, after_previous=True),
        event="compute_post_live_migration_at_destination",
        tout=900.0,
        usual_duration=15.0,
    ),
    migration(
        "live_migration_force_complete",
        Route("compute", "POST", "/servers/{id}/migrations/{migration}/action", "force_complete"),
        "compute_live_migration_force_complete",
        "completed",
    ),
    migration(
        "live_migration_abort",
        Route("compute", "DELETE", "/servers/{id}/migrations/{migration}"),
        "compute_live_migration_abort",
        "cancelled",
    ),
    action("shelve", "shelve", server("SHELVED", "SHELVED_OFFLOADED"), **SLOW),
    action("shelve_offload", "shelveOffload", server("SHELVED_OFFLOADED"), **SLOW),
    action("unshelve", "unshelve", server("ACTIVE"), **SLOW),
    image("create_image", "createImage", "compute_snapshot_instance"),
    image("backup", "createBackup", "compute_backup_instance"),
    # docs/operations.md#server-change-password: only the event tells.
    action(
        "change_password",
        "changePassword",
        server("ACTIVE"),
        event="compute_set_admin_password",
        event_required=True,
    ),
    action(
        "trigger_crash_dump",
        "trigger_crash_dump",
        Expectation(SERVER),
        event="compute_trigger_crash_dump",
        event_required=True,
        marks_busy=False,
    ),
    Operation(
        "server.attach_volume",
        Route("compute", "POST", "/servers/{server}/os-volume_attachments"),
        (
            Expectation(
                VOLUME,
                frozenset({"in-use"}),
                frozenset({"reserved", "attaching"}),
                frozenset({"error", "error_attaching"}),
                predicate=predicates.is_attached,
                variables={"id": "{volume}"},
            ),
            Expectation(ATTACHMENT, variables=ON_SERVER, after_previous=True),
        ),
        variables={"volume": "request.volumeAttachment.volumeId"},
        main_index=1,
        action="{server}",
        event="compute_attach_volume",
        marks_busy=False,
        must_be_idle=(THE_SERVER,),
        undo=DETACH,
    ),
    # docs/operations.md#server-detach-volume: Cinder is done before Nova.
    Operation(
        "server.detach_volume",
        Route("compute", "DELETE", "/servers/{server}/os-volume_attachments/{volume}"),
        (
            Expectation(
                VOLUME,
                frozenset({"available", "in-use"}),
                frozenset({"detaching"}),
                frozenset({"error", "error_detaching"}),
                predicate=predicates.is_detached,
                variables={"id": "{volume}"},
            ),
            Expectation(ATTACHMENT, gone=True, variables=ON_SERVER, after_previous=True),
        ),
        main_index=1,
        action="{server}",
        event="compute_detach_volume",
        marks_busy=False,
        must_be_idle=(THE_SERVER,),
    ),
    Operation(
        "server.swap_volume",
        Route("compute", "PUT", "/servers/{server}/os-volume_attachments/{old}"),
        (
            Expectation(
                VOLUME,
                frozenset({"available", "in-use"}),
                frozenset({"detaching"}),
                frozenset({"error", "error_detaching"}),
                predicate=predicates.is_detached,
                variables={"id": "{old}"},
            ),
            Expectation(ATTACHMENT, variables=ON_SERVER, after_previous=True),
        ),
        variables={"volume": "request.volumeAttachment.volumeId"},
        main_index=1,
        action="{server}",
        event="compute_swap_volume",
        event_required=True,
        marks_busy=False,
        must_be_idle=(THE_SERVER, Expectation(VOLUME, variables={"id": "{volume}"})),
        applies_to=predicates.replaces_volume,
        **SLOW,
    ),
    # docs/operations.md#server-interface-attach: the port of a stopped server stays down.
    Operation(
        "server.interface_attach",
        Route("compute", "POST", "/servers/{server}/os-interface"),
        (
            Expectation(
                INTERFACE,
                frozenset({"ACTIVE"}),
                frozenset({"BUILD"}),
                ERROR,
                variables={"server": "{server}", "port": "{port}"},
                accepted_with_event=frozenset({"DOWN"}),
            ),
            Expectation(
                SERVER,
                predicate=predicates.has_address,
                variables={"id": "{server}"},
                after_previous=True,
            ),
        ),
        variables={
            "port": "response.interfaceAttachment.port_id",
            "mac": predicates.mac_with_address,
        },
        action="{server}",
        event="compute_attach_interface",
        marks_busy=False,
        undo=UndoRequest("compute", "DELETE", "/servers/{server}/os-interface/{port}"),
    ),
    # docs/operations.md#server-interface-detach: the list of interfaces is early.
    Operation(
        "server.interface_detach",
        Route("compute", "DELETE", "/servers/{server}/os-interface/{port}"),
        (Expectation(INTERFACE, gone=True, variables={"server": "{server}", "port": "{port}"}),),
        action="{server}",
        event="compute_detach_interface",
        event_required=True,
        marks_busy=False,
        must_be_idle=(THE_SERVER,),
    ),
    Operation(
        "server.attach_share",
        Route("compute", "POST", "/servers/{server}/shares"),
        (
            Expectation(
                SHARE_MAPPING,
                frozenset({"inactive", "active"}),
                frozenset({"attaching", "activating"}),
                frozenset({"error"}),
                variables={"server": "{server}", "share": "{share}"},
            ),
        ),
        variables={"share": "request.share.share_id"},
        action="{server}",
        undo=UndoRequest("compute", "DELETE", "/servers/{server}/shares/{share}"),
    ),
    Operation(
        "server.detach_share",
        Route("compute", "DELETE", "/servers/{server}/shares/{share}"),
        (
            Expectation(
                SHARE_MAPPING,
                running=frozenset({"detaching", "deactivating"}),
                failure=frozenset({"error"}),
                gone=True,
                variables={"server": "{server}", "share": "{share}"},
            ),
        ),
        action="{server}",
    ),
)
