"""The cinder-volume services, one for each backend: freeze, thaw, fail over."""

from __future__ import annotations

from pytest_osfutures.fakecloud.kernel import (
    ApiError,
    Fault,
    Lifecycle,
    Step,
    start_lifecycle,
)
from pytest_osfutures.fakecloud.services.block_storage.models.records import VolumeService
from pytest_osfutures.fakecloud.services.block_storage.models.state import BlockStorageModel

FAIL_OVER = Lifecycle("service.failover", (Step(1.0, {"replication_status": "failing-over"}),))
FROZEN = (
    "Invalid input received: Modification operations are not allowed on frozen storage backends."
)


def service(model: BlockStorageModel, host: str) -> VolumeService:
    """Return the service of that host. Raises ApiError(400)."""
    found = model.services.get(host.split("#")[0])
    if found is None:
        raise ApiError(400, f"No service found with host={host}")
    return found


def check_thawed(model: BlockStorageModel, host: str | None) -> None:
    """Raise ApiError(400) if the backend is frozen, which forbids create and delete."""
    found = model.services.get((host or "").split("#")[0])
    if found is not None and found.frozen:
        raise ApiError(400, FROZEN)


def freeze(model: BlockStorageModel, host: str, frozen: bool) -> None:
    """Freeze or thaw the backend of `host`. Raises ApiError(400)."""
    found = service(model, host)
    if found.frozen is frozen:
        raise ApiError(
            400,
            f"Invalid input received: No service could be changed: frozen in ['{host}'] must be "
            f"{not frozen} to failover.",
        )
    found.frozen = frozen


def fail_over(model: BlockStorageModel, host: str, backend_id: str | None) -> None:
    """Begin to fail over to the replica, or with `default` back to the backend."""
    found = service(model, host)
    if found.replication_status not in ("enabled", "failed-over"):
        raise ApiError(
            400,
            f"Invalid input received: No service could be changed: replication_status in "
            f"['{host}'] must be enabled or failed-over and must be up to failover.",
        )
    back = backend_id == "default"

    def be(replication_status: str) -> None:
        found.replication_status = replication_status
        for volume in model.volumes:
            replicated = volume.replication_status not in (None, "disabled")
            if replicated and (volume.host or "").startswith(f"{host}#"):
                volume.replication_status = replication_status
                volume.touch()

    def done() -> None:
        found.active_backend_id = None if back else backend_id or "secondary"
        be("enabled" if back else "failed-over")

    def failed(fault: Fault) -> None:
        be("enabled" if fault.effect == "silent" else "failover-error")

    start_lifecycle(model.runtime, FAIL_OVER, found, done, failed)
