"""Cinder's quotas: limits, usage, and the errors over quota."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_osfutures.fakecloud.kernel import (
    ApiError,
)
from pytest_osfutures.fakecloud.services.block_storage.models.records import VolumeType
from pytest_osfutures.fakecloud.services.block_storage.models.state import BlockStorageModel

NAMES = (
    "volumes",
    "per_volume_gigabytes",
    "snapshots",
    "gigabytes",
    "backups",
    "backup_gigabytes",
)
PER_TYPE = ("volumes", "gigabytes", "snapshots")


def names(model: BlockStorageModel) -> list[str]:
    """Return the names of all quotas in Cinder's order."""
    types = [f"{name}_{kind.name}" for kind in model.types.values() for name in PER_TYPE]
    return [*NAMES, *types, "groups"]


def limit(model: BlockStorageModel, project_id: str, name: str) -> int:
    """Return the project's limit; -1 is no limit."""
    default = model.runtime.settings.quotas.get(name, -1)
    return model.quotas.get(project_id, {}).get(name, default)


def used(model: BlockStorageModel, project_id: str) -> dict[str, int]:
    """Return the project's usage by quota name, with the GiB that a running extend reserves."""
    counts = dict.fromkeys(names(model), 0)

    def count(name: str, kind: VolumeType, amount: int) -> None:
        counts[name] += amount
        if f"{name}_{kind.name}" in counts:
            counts[f"{name}_{kind.name}"] += amount

    for volume in model.volumes:
        if volume.project_id == project_id and volume.consumes_quota:
            count("volumes", volume.volume_type, 1)
            count("gigabytes", volume.volume_type, volume.size + volume.growing_by)
    for snapshot in model.snapshots:
        if snapshot.project_id == project_id:
            count("snapshots", snapshot.volume_type, 1)
            count("gigabytes", snapshot.volume_type, snapshot.size)
    for backup in model.backups:
        if backup.project_id == project_id:
            counts["backups"] += 1
            counts["backup_gigabytes"] += backup.size
    counts["groups"] = sum(group.project_id == project_id for group in model.groups)
    return counts


def _over(error: str, text: str) -> ApiError:
    return ApiError(413, f"{error}: {text}", headers={"Retry-After": "0"})


def check_size(model: BlockStorageModel, project_id: str, size: int) -> None:
    """Raise ApiError(413) if `size` GiB is more than the limit for one volume."""
    largest = limit(model, project_id, "per_volume_gigabytes")
    if 0 <= largest < size:
        raise _over(
            "VolumeSizeExceedsLimit",
            f"Requested volume size {size}G is larger than maximum allowed limit {largest}G.",
        )


@dataclass(frozen=True, repr=False, match_args=False)
class QuotaClaim:
    """The resources that a request adds to a project's usage."""

    resource: str  #: the quota's name: "volumes", "snapshots", "backups", "groups"
    gigabytes: int = 0  #: GiB
    volume_type: VolumeType | None = None
    count: int = 1


def check(model: BlockStorageModel, project_id: str, claim: QuotaClaim) -> None:
    """Raise ApiError(413) if the claim exceeds the remaining quota of the project."""
    what, gigabytes, kind = claim.resource, claim.gigabytes, claim.volume_type
    usage = used(model, project_id)
    space = "backup_gigabytes" if what == "backups" else "gigabytes"
    suffixes = ["", f"_{kind.name}"] if kind else [""]
    for name in (space + suffix for suffix in suffixes):
        allowed = limit(model, project_id, name)
        if gigabytes and 0 <= allowed < usage[name] + gigabytes:
            raise _too_large(what, name, gigabytes, allowed, usage[name])
    for name in (what + suffix for suffix in suffixes):
        allowed = limit(model, project_id, name)
        if claim.count and 0 <= allowed < usage[name] + claim.count:
            tail = f" for quota '{name}'." if what == "volumes" else ""
            raise _over(
                f"{what[:-1].capitalize()}LimitExceeded",
                f"Maximum number of {what} allowed ({allowed}) exceeded{tail}",
            )


def _too_large(what: str, name: str, wanted: int, allowed: int, consumed: int) -> ApiError:
    rest = f"Requested {wanted}G, quota is {allowed}G and {consumed}G has been consumed."
    if what == "backups":
        return _over(
            "VolumeBackupSizeExceedsAvailableQuota",
            f"Requested backup exceeds allowed Backup gigabytes quota. {rest}",
        )
    return _over(
        "VolumeSizeExceedsAvailableQuota",
        f"Requested volume or snapshot exceeds allowed {name} quota. {rest}",
    )
