"""Shelve, offload and unshelve."""

from __future__ import annotations

from pytest_osfutures.fakecloud.kernel import (
    ApiError,
    RequestContext,
    start_lifecycle,
)
from pytest_osfutures.fakecloud.services.compute.models import imaging, operations
from pytest_osfutures.fakecloud.services.compute.models.hosts import ZONE
from pytest_osfutures.fakecloud.services.compute.models.server import ServerRecord
from pytest_osfutures.fakecloud.services.compute.models.state import ComputeModel
from pytest_osfutures.fakecloud.services.compute.models.work import Callbacks, begin, check, give_up


def shelve(model: ComputeModel, server: ServerRecord, context: RequestContext) -> None:
    """Begin to shelve the server; it is offloaded too if the setting says so. Raises ApiError."""
    check(server, "shelve", context, operations.SHELVE.vm_states)
    image_id: str | None = None
    if not server.boots_from_volume:
        name = f"{server.name}-shelved"
        properties = imaging.snapshot_properties(server, {})
        image_id = model.images.begin_snapshot(server.project_id, server.user_id, name, properties)

    def done() -> None:
        if image_id:
            model.images.snapshot_active(image_id, imaging.SNAPSHOT_BYTES)
        server.shelved_image_id = image_id
        if model.runtime.settings.shelved_offload:
            _offload(model, server)

    def undone() -> None:
        if image_id:
            model.images.delete_snapshot(image_id)

    begin(model, server, operations.SHELVE, context, Callbacks(done, undone))


def _offload(model: ComputeModel, server: ServerRecord) -> None:
    """Begin to offload the server, as the second half of shelving and its instance action."""

    def done() -> None:
        server.task_state = None
        _leave(server)
        server.touch()

    path = operations.SHELVE_OFFLOAD.lifecycle
    start_lifecycle(model.runtime, path, server, done, lambda _: done())


def _leave(server: ServerRecord) -> None:
    for name, value in operations.SHELVE_OFFLOAD.to.items():
        setattr(server, name, value)
    server.host = None
    server.zone = ""


def shelve_offload(model: ComputeModel, server: ServerRecord, context: RequestContext) -> None:
    """Begin to offload a shelved server from its host. Raises ApiError."""
    begin(model, server, operations.SHELVE_OFFLOAD, context, Callbacks(lambda: _leave(server)))


def unshelve(
    model: ComputeModel, server: ServerRecord, context: RequestContext, target: str | None = None
) -> None:
    """Begin to unshelve the server. Raises ApiError."""
    on_host = server.vm_state == "shelved"
    chosen: list[str] = []

    def schedule() -> None:
        if (gone := _lost_image(model, server)) is not None:
            why = f"Unshelve attempted but the image {gone} cannot be found."
            model.fail(server, why)
            action.finish(model.now(), why)
            return
        action.finish(model.now())
        action.begin("schedule_instances", model.now())
        without = tuple(host for host in model.hosts if target not in (None, host))
        host = model.schedule(server, server.flavor, without)
        if host is None:
            give_up(model, server, action, "No valid host was found. ")
        else:
            chosen.append(host)

    def done() -> None:
        if chosen:
            server.host = chosen[0]
            server.zone = ZONE
        server.launched_at = model.now()
        if server.shelved_image_id:
            model.images.delete_snapshot(server.shelved_image_id)
            server.shelved_image_id = None
        for made in server.attachments:
            if not made.attached:
                model.volumes.begin_attach(made.id, made.device, server.host or "")
                model.volumes.complete_attach(made.id)
                made.attached = True

    operation = operations.UNSHELVE_ON_HOST if on_host else operations.UNSHELVE
    action = begin(
        model, server, operation, context, Callbacks(done, events={"schedule": schedule})
    )


def _lost_image(model: ComputeModel, server: ServerRecord) -> str | None:
    """Return the id of the shelved server's image if the image is deleted, or None."""
    if server.shelved_image_id is None:
        return None
    try:
        model.images.image_details(server.shelved_image_id, None)
    except ApiError:
        return server.shelved_image_id
    return None
