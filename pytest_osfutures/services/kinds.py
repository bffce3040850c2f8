"""The kinds of resources that the tables speak of, and where each is read."""

from __future__ import annotations

from pytest_osfutures.operation import Kind

SERVER = Kind(
    "server",
    "compute",
    path="/servers/{id}",
    member="server",
    list_path="/servers/detail",
    collection="servers",
    changes_since=True,
    task_state="OS-EXT-STS:task_state",
    gone=frozenset({"DELETED"}),
)
ACTION = Kind(
    "instance action",
    "compute",
    path="/servers/{id}/os-instance-actions/{request_id}",
    member="instanceAction",
    evidence=True,
)
ATTACHMENT = Kind(
    "volume attachment",
    "compute",
    path="/servers/{server}/os-volume_attachments/{volume}",
    member="volumeAttachment",
    status=None,
)
VOLUME = Kind(
    "volume",
    "block-storage",
    path="/volumes/{id}",
    member="volume",
    list_path="/volumes/detail",
    collection="volumes",
)
SNAPSHOT = Kind(
    "snapshot",
    "block-storage",
    path="/snapshots/{id}",
    member="snapshot",
    list_path="/snapshots/detail",
    collection="snapshots",
)
