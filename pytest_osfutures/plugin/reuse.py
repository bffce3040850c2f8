"""The reuse of clean servers: `factories.server(reuse=True)`."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from pytest_osfutures.errors import OSFuturesError
from pytest_osfutures.futures import OperationFuture, begun_like, link, then, value_of
from pytest_osfutures.operations import SERVER
from pytest_osfutures.plugin.failed_nodes import has_raised
from pytest_osfutures.plugin.instance import Instance
from pytest_osfutures.plugin.need import Reuse
from pytest_osfutures.scopes import creation_failed
from pytest_osfutures.stamp import EXPIRES, Stamp

if TYPE_CHECKING:
    from pytest_osfutures.cloud import Cloud

__tracebackhide__ = True  # pytest: an error belongs to the line of the test

#: Attributes that a test may have changed, and that a rebuild does not restore.
KEPT = (
    "status",
    "OS-EXT-STS:task_state",
    "name",
    "description",
    "flavor",
    "image",
    "key_name",
    "locked",
    "tags",
    "addresses",
    "security_groups",
    "os-extended-volumes:volumes_attached",
)


class NotCleanError(OSFuturesError):
    """A server is not as it was after its creation."""


def is_reusable(instance: Instance) -> bool:
    """Return True if a released server may be used again, as far as this process knows."""
    return (
        bool(instance.need.reuse)
        and instance.request is not None
        and not has_raised(instance.key.node)
        and not instance.is_required
        and [each.name for each, _ in instance.scope.created] == [SERVER.name]
        and not instance.scope.keypairs
        and all(
            future.done() and not creation_failed(future) and not isinstance(value_of(future), list)
            for _, future in instance.scope.created
        )
    )


def renewed_server(
    cloud: Cloud,
    creation: OperationFuture[Any],
    reuse: Reuse,
    tout: float | None,
    replacement: Callable[[BaseException], OperationFuture[Any]],
) -> OperationFuture[Any]:
    """Return the future of a used server for its next test.

    Args:
        cloud: the cloud.
        creation: the future of the server's creation.
        reuse: True to rebuild the server, `"as-is"` to hand it on.
        tout: the deadline of the rebuild in seconds; None for the usual one.
        replacement: begins the creation of another server, if the server is not clean or cannot
            be rebuilt.
    """

    def renew(first: Any) -> Any:
        server = cloud.nova.servers.get(first.id)
        check_clean(first.to_dict(), server.to_dict())
        if reuse == "as-is":
            return server
        image = server.image
        if not image:
            raise NotCleanError(f"server {first.id} has no image to be rebuilt from")
        return cloud.nova.servers.rebuild_async_r(server, image["id"], try_count=1, tout=tout)

    promise = begun_like(creation)
    renewed = then(creation, renew)
    if (observer := cloud.settings.observer) is not None:
        observer.followed(promise.future, renewed)

    def ended(done: Future[Any]) -> None:
        error = done.exception()  # and not `error_of`: this failure is no user's
        if error is None:
            promise.set_result(done.result())
        else:
            cloud.engine.own_calls.submit(lambda: promise.follow(replacement(error)))

    link(renewed, ended)
    return promise.future


def check_clean(before: dict[str, Any], now: dict[str, Any]) -> None:
    """Raise NotCleanError if a test has changed a server, or works on it.

    Args:
        before: the server as Nova has shown it after its creation.
        now: the server as Nova shows it.
    """
    changed = [name for name in KEPT if _plain(before.get(name)) != _plain(now.get(name))]
    if "security_groups" in changed and not now.get("addresses"):
        changed.remove("security_groups")  # of ports: only the answer to the creation has some
    if Stamp.of(before) is None or _marks(before) != _marks(now):
        changed.append("metadata")
    if changed:
        raise NotCleanError(f"server {now.get('id')} has changed: {', '.join(changed)}")


def _plain(value: Any) -> Any:
    """Return a value of which the order of lists, and links to the API, make no part."""
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items() if name != "links"}
    if isinstance(value, list):
        return sorted((_plain(each) for each in value), key=repr)
    return value


def _marks(server: dict[str, Any]) -> dict[str, Any]:
    """Return a server's metadata, without the expiry that the heartbeat renews."""
    metadata = server.get("metadata") or {}
    return {name: each for name, each in metadata.items() if name != EXPIRES}
