"""Replication of groups: enable, disable, fail over."""

from __future__ import annotations

from dataclasses import dataclass, replace

from pytest_osfutures.fakecloud.kernel import (
    ApiError,
    Fault,
    Lifecycle,
    Step,
    start_lifecycle,
)
from pytest_osfutures.fakecloud.services.block_storage.models.groups import invalid, members
from pytest_osfutures.fakecloud.services.block_storage.models.records import GroupRecord
from pytest_osfutures.fakecloud.services.block_storage.models.state import BlockStorageModel

TARGET = "secondary"  #: the backend id of the replication target


@dataclass(frozen=True, repr=False, match_args=False)
class Change:
    """One change of a group's replication."""

    verb: str  #: the verb in messages
    meanwhile: str
    then: str
    statuses: tuple[str, ...]
    replication_statuses: tuple[str, ...]
    on_failure: str = "error"


ENABLE = Change("enable", "enabling", "enabled", ("available",), ("disabled", "enabled"))
DISABLE = Change("disable", "disabling", "disabled", ("available", "error"), ("enabled", "error"))
FAIL_OVER = Change(
    "failover",
    "failing-over",
    "failed-over",
    ("available",),
    ("enabled", "failed-over"),
    on_failure="failover-error",
)
FAIL_BACK = replace(FAIL_OVER, then="enabled")


def check_type(group: GroupRecord) -> None:
    """Raise ApiError(400) unless the group's type and its volume types allow replication."""
    if not group.group_type.replicated:
        raise ApiError(
            400, f"Invalid group type: Group {group.id} is not a replication group type."
        )
    for kind in group.volume_types:
        if kind.extra_specs.get("replication_enabled") != "<is> True":
            raise ApiError(
                400,
                f"Invalid volume type: Volume type {kind.id} does not have 'replication_enabled' "
                "spec key set to '<is> True'.",
            )


def begin(
    model: BlockStorageModel, group: GroupRecord, change: Change, attached: bool = False
) -> None:
    """Begin the change for the group and all its volumes. Raises ApiError(400).

    `attached` allows volumes in use.
    """
    check_type(group)
    for what, value, valid in (
        ("status", group.status, change.statuses),
        ("replication status", group.replication_status, change.replication_statuses),
    ):
        if value not in valid:
            raise invalid(
                f"Group {group.id} {what} must be {list(valid)}, but current status is: {value}. "
                f"Cannot {change.verb} replication."
            )
    inside = members(model, group.id)
    for volume in inside:
        if change.verb == "failover" and volume.status == "in-use" and not attached:
            raise ApiError(
                400,
                f"Invalid volume: Volume {volume.id} is attached but allow_attached_volume flag "
                "is False. Cannot failover replication.",
            )

    def be(replication_status: str) -> None:
        group.replication_status = replication_status
        group.touch()
        for volume in inside:
            volume.replication_status = replication_status
            volume.touch()

    def failed(fault: Fault) -> None:
        be(old if fault.effect == "silent" else change.on_failure)

    old = group.replication_status
    be(change.meanwhile)
    lifecycle = Lifecycle(f"group.{change.verb}_replication", (Step(1.0),))
    start_lifecycle(model.runtime, lifecycle, group, lambda: be(change.then), failed)
