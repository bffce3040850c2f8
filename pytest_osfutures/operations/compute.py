"""Nova's background operations, in the order of the compute API's own reference.

Each row is one request and what has to become of it; the numbers are those of the rows in the
project's notes on the operations. The small predicates are in `seen.py`.
"""

from __future__ import annotations

from typing import Any

from pytest_osfutures.operations import predicates as seen
from pytest_osfutures.operations.model import Expect, Operation, Route, Undo
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
THE_SERVER = Expect(SERVER, names={"id": "{server}"})
DELETE = Undo("compute", "DELETE", "/servers/{id}")
#: What was not moved or not resized (any more) cannot be reverted, and need not be.
REVERT = Undo(
    "compute", "POST", "/servers/{id}/action", {"revertResize": None}, frozenset({404, 409, 400})
)
DELETE_IMAGE = Undo("image", "DELETE", "/images/{image}")
DETACH = Undo("compute", "DELETE", "/servers/{server}/os-volume_attachments/{volume}")


def server(*success: str, running: tuple[str, ...] = (), **more: Any) -> Expect:
    """The server ends in one of the statuses `success`, with task_state None."""
    return Expect(SERVER, frozenset(success), frozenset(running), ERROR, **more)


def action(name: str, key: str, *expects: Expect, **more: Any) -> Operation:
    """A row for POST /servers/{id}/action with `key` in its body."""
    route = Route("compute", "POST", "/servers/{id}/action", key)
    return Operation(f"server.{name}", route, expects, **{"action": "{id}", **more})


def image(name: str, key: str, event: str) -> Operation:
    """A row for an action that makes an image of the server; the image says what became of it."""
    return Operation(
        f"server.{name}",
        Route("compute", "POST", "/servers/{server}/action", key),
        (
            Expect(
                IMAGE,
                frozenset({"active"}),
                frozenset({"queued", "saving", "uploading", "importing"}),
                frozenset({"killed", "deleted", "pending_delete"}),
                names={"id": "{image}"},
                learns=seen.volume_snapshots,
            ),
            THE_SERVER,
            Expect(
                SNAPSHOTS, holds=seen.all_available, names={"name": "{snapshot_name}"}, then=True
            ),
        ),
        names={"image": ("response.image_id", "headers.location")},
        action="{server}",
        event=event,
        creates=True,
        undo=DELETE_IMAGE,
        tout=600.0,
        usual=15.0,
        stamp=f"{key}.metadata",
    )


def create(name: str, expect: Expect, **more: Any) -> Operation:
    """A row for POST /servers."""
    common = {"creates": True, "tout": 600.0, "usual": 15.0, "stamp": "server.metadata"}
    return Operation(name, Route("compute", "POST", "/servers"), (expect,), **{**common, **more})


def migration(
    name: str, method: str, path: str, key: str | None, event: str, end: str
) -> Operation:
    """A row for a request about one live migration that is under way."""
    return Operation(
        f"server.{name}",
        Route("compute", method, path, key),
        (
            server("ACTIVE", "PAUSED"),
            Expect(MIGRATIONS, holds=seen.migration_is(end), then=True),
        ),
        action="{id}",
        event=event,
        tout=900.0,
        usual=10.0,
    )


SLOW: dict[str, Any] = {"tout": 600.0, "usual": 15.0}

OPERATIONS = (
    # 42
    create(
        "servers.create",
        Expect(RESERVATION, holds=seen.all_active, names={"reservation": "{reservation}"}),
        names={
            "reservation": "response.reservation_id",
            "most": seen.most_servers,
            "op": f"request.server.metadata.{OPERATION}",
        },
        members=seen.servers,
        told_apart=seen.are_told_apart,
        member=SERVER,
        undo=Undo("compute", "DELETE", "/servers/{id}", each=True),
        when=seen.asks_for_reservation,
    ),
    create(
        "servers.create",
        Expect(NAMESAKES, holds=seen.all_active, names={"pattern": "{pattern}"}),
        names={
            "id": "response.server.id",
            "name": "request.server.name",
            "most": seen.most_servers,
            "pattern": seen.pattern_of_names,
            "op": f"request.server.metadata.{OPERATION}",
        },
        members=seen.servers,
        told_apart=seen.are_told_apart,
        member=SERVER,
        undo=Undo("compute", "DELETE", "/servers/{id}", each=True),
        when=seen.asks_for_many,
    ),
    # 1
    create(
        "server.create",
        server("ACTIVE", running=("BUILD",)),
        names={"id": "response.server.id"},
        action="{id}",
        undo=DELETE,
    ),
    # 2, 3
    Operation(
        "server.delete",
        Route("compute", "DELETE", "/servers/{id}"),
        (server("SOFT_DELETED", gone=True),),
        action="{id}",
    ),
    action("force_delete", "forceDelete", server(gone=True)),  # 4
    action("restore", "restore", server("ACTIVE")),  # 5
    action("start", "os-start", server("ACTIVE")),  # 6
    action("stop", "os-stop", server("SHUTOFF"), tout=600.0),  # 7
    action("reboot_soft", "reboot", server("ACTIVE", "RESCUE"), when=seen.reboots("SOFT")),  # 8
    action("reboot_hard", "reboot", server("ACTIVE"), when=seen.reboots("HARD")),  # 9
    action("pause", "pause", server("PAUSED")),  # 10
    action("unpause", "unpause", server("ACTIVE")),  # 11
    action("suspend", "suspend", server("SUSPENDED")),  # 12
    action("resume", "resume", server("ACTIVE", "PAUSED", "SHUTOFF")),  # 13
    action("rescue", "rescue", server("RESCUE"), **SLOW),  # 14
    action("unrescue", "unrescue", server("ACTIVE")),  # 15
    # 16 to 19: a window may confirm a resize by itself, which only the event tells from a failure
    action(
        "resize",
        "resize",
        server("VERIFY_RESIZE", proven=MOVED),
        event="compute_finish_resize",
        undo=REVERT,
        **SLOW,
    ),
    action(
        "migrate",
        "migrate",
        server("VERIFY_RESIZE", proven=MOVED),
        event="compute_finish_resize",
        undo=REVERT,
        **SLOW,
    ),
    action(
        "confirm_resize",
        "confirmResize",
        server("ACTIVE", "SHUTOFF", running=("VERIFY_RESIZE",)),
        marks=False,
    ),
    action("revert_resize", "revertResize", server("ACTIVE", "SHUTOFF"), **SLOW),
    # 20, 21: an evacuation may fall back to the status that it would end in
    action("rebuild", "rebuild", server("ACTIVE", "SHUTOFF"), **SLOW),
    action(
        "evacuate",
        "evacuate",
        server("ACTIVE", "SHUTOFF"),
        event="compute_rebuild_instance",
        decides=True,
        **SLOW,
    ),
    # 22 to 24
    action(
        "live_migrate",
        "os-migrateLive",
        server("ACTIVE", "PAUSED", holds=seen.has_moved, learns=seen.host_while_migrating),
        Expect(
            ACTION,
            names={"id": "{id}", "request_id": "{request_id}"},
            then=True,
            learns=seen.begun,
        ),
        Expect(MIGRATIONS, holds=seen.is_live_migrated, then=True),
        event="compute_post_live_migration_at_destination",
        tout=900.0,
        usual=15.0,
    ),
    migration(
        "live_migration_force_complete",
        "POST",
        "/servers/{id}/migrations/{migration}/action",
        "force_complete",
        "compute_live_migration_force_complete",
        "completed",
    ),
    migration(
        "live_migration_abort",
        "DELETE",
        "/servers/{id}/migrations/{migration}",
        None,
        "compute_live_migration_abort",
        "cancelled",
    ),
    action("shelve", "shelve", server("SHELVED", "SHELVED_OFFLOADED"), **SLOW),  # 25
    action("shelve_offload", "shelveOffload", server("SHELVED_OFFLOADED"), **SLOW),  # 26
    action("unshelve", "unshelve", server("ACTIVE"), **SLOW),  # 27
    # 28, 29
    image("create_image", "createImage", "compute_snapshot_instance"),
    # 30
    image("backup", "createBackup", "compute_backup_instance"),
    # 31, 32: nothing but the event tells
    action(
        "change_password",
        "changePassword",
        server("ACTIVE"),
        event="compute_set_admin_password",
        decides=True,
    ),
    action(
        "trigger_crash_dump",
        "trigger_crash_dump",
        Expect(SERVER),
        event="compute_trigger_crash_dump",
        decides=True,
        marks=False,
    ),
    # 33
    Operation(
        "server.attach_volume",
        Route("compute", "POST", "/servers/{server}/os-volume_attachments"),
        (
            Expect(
                VOLUME,
                frozenset({"in-use"}),
                frozenset({"reserved", "attaching"}),
                frozenset({"error", "error_attaching"}),
                holds=seen.is_attached,
                names={"id": "{volume}"},
            ),
            Expect(ATTACHMENT, names=ON_SERVER, then=True),
        ),
        names={"volume": "request.volumeAttachment.volumeId"},
        about=1,
        action="{server}",
        event="compute_attach_volume",
        marks=False,
        needs=(THE_SERVER,),
        undo=DETACH,
    ),
    # 34: Cinder has it available before Nova has dropped its record
    Operation(
        "server.detach_volume",
        Route("compute", "DELETE", "/servers/{server}/os-volume_attachments/{volume}"),
        (
            Expect(
                VOLUME,
                frozenset({"available", "in-use"}),
                frozenset({"detaching"}),
                frozenset({"error", "error_detaching"}),
                holds=seen.is_detached,
                names={"id": "{volume}"},
            ),
            Expect(ATTACHMENT, gone=True, names=ON_SERVER, then=True),
        ),
        about=1,
        action="{server}",
        event="compute_detach_volume",
        marks=False,
        needs=(THE_SERVER,),
    ),
    # 35
    Operation(
        "server.swap_volume",
        Route("compute", "PUT", "/servers/{server}/os-volume_attachments/{old}"),
        (
            Expect(
                VOLUME,
                frozenset({"available", "in-use"}),
                frozenset({"detaching"}),
                frozenset({"error", "error_detaching"}),
                holds=seen.is_detached,
                names={"id": "{old}"},
            ),
            Expect(ATTACHMENT, names=ON_SERVER, then=True),
        ),
        names={"volume": "request.volumeAttachment.volumeId"},
        about=1,
        action="{server}",
        event="compute_swap_volume",
        decides=True,
        marks=False,
        needs=(THE_SERVER, Expect(VOLUME, names={"id": "{volume}"})),
        when=seen.swaps,
        **SLOW,
    ),
    # 36: the port of a stopped server stays down
    Operation(
        "server.interface_attach",
        Route("compute", "POST", "/servers/{server}/os-interface"),
        (
            Expect(
                INTERFACE,
                frozenset({"ACTIVE"}),
                frozenset({"BUILD"}),
                ERROR,
                names={"server": "{server}", "port": "{port}"},
                proven=frozenset({"DOWN"}),
            ),
            Expect(SERVER, holds=seen.has_address, names={"id": "{server}"}, then=True),
        ),
        names={"port": "response.interfaceAttachment.port_id", "mac": seen.mac_with_address},
        action="{server}",
        event="compute_attach_interface",
        marks=False,
        undo=Undo("compute", "DELETE", "/servers/{server}/os-interface/{port}"),
    ),
    # 37: the list of ports is early
    Operation(
        "server.interface_detach",
        Route("compute", "DELETE", "/servers/{server}/os-interface/{port}"),
        (Expect(INTERFACE, gone=True, names={"server": "{server}", "port": "{port}"}),),
        action="{server}",
        event="compute_detach_interface",
        decides=True,
        marks=False,
        needs=(THE_SERVER,),
    ),
    # 38 is volume.extend; 39
    Operation(
        "server.attach_share",
        Route("compute", "POST", "/servers/{server}/shares"),
        (
            Expect(
                SHARE_MAPPING,
                frozenset({"inactive", "active"}),
                frozenset({"attaching", "activating"}),
                frozenset({"error"}),
                names={"server": "{server}", "share": "{share}"},
            ),
        ),
        names={"share": "request.share.share_id"},
        action="{server}",
        undo=Undo("compute", "DELETE", "/servers/{server}/shares/{share}"),
    ),
    Operation(
        "server.detach_share",
        Route("compute", "DELETE", "/servers/{server}/shares/{share}"),
        (
            Expect(
                SHARE_MAPPING,
                running=frozenset({"detaching", "deactivating"}),
                failure=frozenset({"error"}),
                gone=True,
                names={"server": "{server}", "share": "{share}"},
            ),
        ),
        action="{server}",
    ),
)
