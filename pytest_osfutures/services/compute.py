"""Nova's background operations (compute API reference; nova/compute/api.py and manager.py)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_osfutures.operation import Body, Expect, Names, Operation, Route, Undo
from pytest_osfutures.services.kinds import ATTACHMENT, SERVER, VOLUME

ERROR = frozenset({"ERROR"})
DELETE = Undo("compute", "DELETE", "/servers/{id}")


def server(*success: str, running: tuple[str, ...] = ()) -> Expect:
    """The server ends in one of the statuses `success`, with task_state None."""
    return Expect(SERVER, frozenset(success), frozenset(running), ERROR)


def action(
    name: str,
    key: str,
    expect: Expect,
    usual: float = 5.0,
    tout: float = 300.0,
    undo: Undo | None = None,
    decides: bool = False,
) -> Operation:
    """A row for POST /servers/{id}/action with `key` in its body."""
    route = Route("compute", "POST", "/servers/{id}/action", key)
    return Operation(
        name,
        route,
        (expect,),
        action="{id}",
        action_decides=decides,
        usual=usual,
        tout=tout,
        undo=undo,
    )


def is_attached(volume: Body, names: Names) -> bool:
    """Cinder has the volume attached to the server."""
    return any(each.get("server_id") == names["server"] for each in volume["attachments"])


def is_detached(volume: Body, names: Names) -> bool:
    """Cinder has the volume no longer attached to the server."""
    return not is_attached(volume, names)


def _reboots(kind: str) -> Any:
    def when(request: Mapping[str, Any]) -> bool:
        return str(request["reboot"].get("type", "")).upper() == kind

    return when


SERVER_CREATE = Operation(
    "server.create",
    Route("compute", "POST", "/servers"),
    (server("ACTIVE", running=("BUILD",)),),
    names={"id": "response.server.id"},
    action="{id}",
    creates=True,
    undo=DELETE,
    tout=600.0,
    usual=15.0,
    stamp="server.metadata",
)
SERVER_DELETE = Operation(
    "server.delete",
    Route("compute", "DELETE", "/servers/{id}"),
    (Expect(SERVER, gone=True, failure=ERROR),),
    action="{id}",
)
ATTACH_VOLUME = Operation(
    "server.attach_volume",
    Route("compute", "POST", "/servers/{server}/os-volume_attachments"),
    (
        Expect(ATTACHMENT, names={"server": "{server}", "volume": "{volume}"}),
        Expect(
            VOLUME,
            frozenset({"in-use"}),
            frozenset({"reserved", "attaching"}),
            frozenset({"error", "error_attaching"}),
            holds=is_attached,
            names={"id": "{volume}"},
        ),
    ),
    names={"volume": "request.volumeAttachment.volumeId"},
    action="{server}",
    undo=Undo("compute", "DELETE", "/servers/{server}/os-volume_attachments/{volume}"),
)
DETACH_VOLUME = Operation(
    "server.detach_volume",
    Route("compute", "DELETE", "/servers/{server}/os-volume_attachments/{volume}"),
    (
        Expect(ATTACHMENT, gone=True, names={"server": "{server}", "volume": "{volume}"}),
        Expect(
            VOLUME,
            frozenset({"available", "in-use"}),
            frozenset({"detaching"}),
            frozenset({"error", "error_detaching"}),
            holds=is_detached,
            names={"id": "{volume}"},
        ),
    ),
    action="{server}",
)

OPERATIONS = (
    SERVER_CREATE,
    SERVER_DELETE,
    action("server.start", "os-start", server("ACTIVE")),
    action("server.stop", "os-stop", server("SHUTOFF"), tout=600.0),
    Operation(
        "server.reboot_soft",
        Route("compute", "POST", "/servers/{id}/action", "reboot"),
        (server("ACTIVE", "RESCUE"),),
        action="{id}",
        when=_reboots("SOFT"),
    ),
    Operation(
        "server.reboot_hard",
        Route("compute", "POST", "/servers/{id}/action", "reboot"),
        (server("ACTIVE"),),
        action="{id}",
        when=_reboots("HARD"),
    ),
    action("server.pause", "pause", server("PAUSED")),
    action("server.unpause", "unpause", server("ACTIVE")),
    action("server.suspend", "suspend", server("SUSPENDED")),
    action("server.resume", "resume", server("ACTIVE", "PAUSED", "SHUTOFF")),
    action("server.rescue", "rescue", server("RESCUE")),
    action("server.unrescue", "unrescue", server("ACTIVE")),
    action("server.rebuild", "rebuild", server("ACTIVE", "SHUTOFF"), usual=15.0, tout=600.0),
    action("server.resize", "resize", server("VERIFY_RESIZE"), usual=15.0, tout=600.0),
    action("server.migrate", "migrate", server("VERIFY_RESIZE"), usual=15.0, tout=600.0),
    action(
        "server.confirm_resize",
        "confirmResize",
        server("ACTIVE", "SHUTOFF", running=("VERIFY_RESIZE",)),
    ),
    action("server.revert_resize", "revertResize", server("ACTIVE", "SHUTOFF")),
    action("server.shelve", "shelve", server("SHELVED", "SHELVED_OFFLOADED"), tout=600.0),
    action("server.shelve_offload", "shelveOffload", server("SHELVED_OFFLOADED")),
    action("server.unshelve", "unshelve", server("ACTIVE"), usual=15.0, tout=600.0),
    action("server.force_delete", "forceDelete", Expect(SERVER, gone=True, failure=ERROR)),
    ATTACH_VOLUME,
    DETACH_VOLUME,
)
