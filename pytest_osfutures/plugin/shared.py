"""One resource for all workers: whoever asks first creates it, whoever is the last deletes it."""

from __future__ import annotations

import hashlib
import inspect
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import CancelledError
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from pytest_osfutures.calls import ANSWER_TIMEOUT
from pytest_osfutures.cleanup import LedgerRow, SharedResources, SharedState, load_error, sweep_rows
from pytest_osfutures.clock import SystemClock
from pytest_osfutures.cloud import Cloud
from pytest_osfutures.errors import (
    CleanupError,
    InvalidArgument,
    OperationDetails,
    OperationTimeout,
)
from pytest_osfutures.future import OperationFuture, Promise, finished, link
from pytest_osfutures.plugin import options
from pytest_osfutures.plugin.factories.base import Factory
from pytest_osfutures.plugin.fixtures import run_session_of
from pytest_osfutures.plugin.run_id import say
from pytest_osfutures.plugin.wait_messages import Deadline, progress_messages
from pytest_osfutures.policy import Retry

if TYPE_CHECKING:
    from pytest_osfutures.plugin.run import RunSession

__tracebackhide__ = True  # pytest: an error belongs to the line of the test

Future = OperationFuture[Any]
#: What can be shared, by the name of its factory: its kind, and how others come to the result.
KINDS: dict[str, tuple[str, Callable[[Cloud, str], Future]]] = {
    "Servers": ("server", lambda cloud, ident: cloud.nova.servers.get_async_r(ident)),
    "Volumes": ("volume", lambda cloud, ident: cloud.cinder.volumes.get_async_r(ident)),
    "Snapshots": ("snapshot", lambda cloud, id_: cloud.cinder.volume_snapshots.get_async_r(id_)),
    "Images": ("image", lambda cloud, ident: finished(cloud.engine, ident)),
}


@dataclass(frozen=True)
class SharedRequest:
    """What was asked for. `arguments` tell it from others without saying what they are."""

    kind: str
    name: str
    arguments: Mapping[str, str]
    create: Callable[[], Future]
    read: Callable[[str], Future]
    deadline: float

    @property
    def key(self) -> str:
        """Its name in the ledger."""
        return f"{self.kind} {self.name}"


class Shared:
    """A factory of what all workers have in common; `os_servers_shared` and its siblings.

    `create_async` takes what the factory's own does, with a name: whoever asks for the same name
    and the same arguments gets the same resource.
    """

    def __init__(self, factory: Factory, scope: SharedScope) -> None:
        self._factory: Any = factory
        self._scope = scope
        self._kind, self._read = KINDS[type(factory).__name__]

    def create_async(self, *args: Any, **kwargs: Any) -> Future:
        """The future of the resource of that name, which the first worker that asks creates.

        The arguments are those of the factory's own `create_async`, with `name`. Raises
        InvalidArgument without a name, and if the name was asked for with other arguments before.
        """
        bound = inspect.signature(self._factory.create_async).bind(*args, **kwargs)
        given = dict(bound.arguments, **bound.arguments.get("more", {}))
        given.pop("more", None)
        name = given.pop("name", None)
        if not name:
            raise InvalidArgument(
                f"a shared {self._kind} has no name; give it one (name=...), "
                "by which all workers know it"
            )
        tries, tout = given.pop("try_count", None), given.pop("tout", None)
        settings = self._factory.settings
        tries = Retry.of(settings.try_count if tries is None else tries).tries
        request = SharedRequest(
            self._kind,
            name,
            {each: _digest(value) for each, value in given.items()},
            partial(self._factory.create_async, *args, **kwargs),
            partial(self._read, self._factory.cloud),
            # Twice: each try may have to be taken back.
            2 * tries * (tout or settings.tout or ANSWER_TIMEOUT),
        )
        return self._scope.here().share(request)


def _digest(value: Any) -> str:
    """What tells a value from others, and not what it is: it may be a secret."""
    return hashlib.sha256(repr(_plain(value)).encode()).hexdigest()[:8]


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return sorted((str(key), _plain(each)) for key, each in value.items())
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return getattr(value, "id", value)


class SharedFuture(OperationFuture[Any]):
    """The future of a shared resource, in the worker that creates it and in the others."""

    def __init__(self, cloud: Cloud, kind: str) -> None:
        super().__init__(cloud.engine)
        self._kind = kind
        self.creation: Future | None = None
        self.shared_id: str | None = None

    @property
    def operation(self) -> str:
        return f"{self._kind}.create"

    @property
    def resource_id(self) -> str | None:
        return self.shared_id or (self.creation.resource_id if self.creation is not None else None)

    def undo(self) -> Future:
        """Raises InvalidArgument: others may need it."""
        raise InvalidArgument(
            f"a shared {self._kind} goes when the last worker that asked for it is done"
        )


class SharedResource:
    """One shared resource as this worker sees it: created here, or waited for."""

    def __init__(self, cloud: Cloud, holders: SharedResources, request: SharedRequest) -> None:
        self.engine = cloud.engine
        self.pause = cloud.poll.fastest
        self.holders = holders
        self.request = request
        self.future = SharedFuture(cloud, request.kind)
        self.promise = Promise(self.engine, self.future)
        self.promise.start()
        self.creation: Future | None = None
        self.over = False
        self.began_at = self.engine.clock.now()

    def go_on(self, share: SharedState) -> None:
        """Do what is to be done now that the ledger says `share`; raises what the creation does."""
        if share.state == "yours":
            self._create()
        elif share.state == "there":
            assert share.id is not None
            self.future.shared_id = share.id
            self.promise.follow(self.request.read(share.id))
        elif share.state == "failed":
            assert share.error is not None
            self.promise.set_exception(load_error(share.error))
        elif self.engine.clock.now() - self.began_at > self.request.deadline:
            self.promise.set_exception(self._late(share))
        else:
            look = partial(self.engine.submissions.submit, self._look)
            self.engine.call_later(self.pause, look)

    def _look(self) -> None:
        if self.over:
            return
        try:
            self.go_on(self.holders.claim(self.request.key, self.request.arguments))
        except BaseException as error:
            self.promise.set_exception(error)

    def _late(self, share: SharedState) -> OperationTimeout:
        details = OperationDetails(
            self.future.operation, None, self.request.name, seconds=self.request.deadline
        )
        return OperationTimeout(f"process {share.creator}, which creates it, is not done", details)

    def _create(self) -> None:
        try:
            with self.holders.creating(self.request.key):
                self.creation = self.request.create()
        except BaseException:
            self.holders.release([self.request.key])
            raise
        self.future.creation = self.creation
        created = partial(self._created, self.creation)
        link(self.creation, lambda _: self.engine.own_calls.submit(created))

    def _created(self, creation: Any) -> None:
        """Tell the others, and then whoever waits here."""
        try:
            error = creation.exception()
            if error is None:
                self.future.shared_id = creation.resource_id
                self.holders.created(self.request.key, creation.resource_id)
            elif not self.over:
                self.holders.failed(self.request.key, error)
        finally:
            self.promise.follow(creation)

    def stop(self, deadline: Deadline) -> None:
        """Wait no longer; what is being created here is taken back, unless others wait for it."""
        self.over = not self.holders.others(self.request.key)
        if self.creation is not None and not self.future.done():
            if self.over:
                deadline.wait({self.request.key: self.creation.undo()})
            deadline.wait({self.request.key: self.future})
        self.over = True
        self.promise.set_exception(CancelledError())


class SharedScope:
    """What this worker shares with the others, until its session ends."""

    def __init__(self, cloud: Cloud, run_session: RunSession, owner: str) -> None:
        self.cloud = cloud
        self.run_session = run_session
        self.owner = owner
        self.holders = SharedResources(run_session.ledger)
        self._lock = threading.Lock()
        self._shared: dict[str, SharedResource] = {}
        self._forked: SharedScope | None = None

    def here(self) -> SharedScope:
        """The scope of this process, as of `Scope`."""
        run_session = run_session_of(self.run_session.config)
        if run_session is self.run_session:
            return self
        if self._forked is None or self._forked.run_session is not run_session:
            self._forked = SharedScope(run_session.cloud, run_session, self.owner)
        return self._forked

    def share(self, request: SharedRequest) -> Future:
        """The future of what was asked for.

        Raises InvalidArgument, and what its creation raises.
        """
        with self._lock:
            share = self.holders.claim(request.key, request.arguments)
            known = self._shared.get(request.key)
            if known is None:
                known = SharedResource(self.cloud, self.holders, request)
                known.go_on(share)
                self._shared[request.key] = known
        return known.future

    def own(self, kind: str, future: Future) -> Future:
        """What the factories create here is the ledger's to own."""
        del kind
        return future

    def keep(self) -> None:
        """Note that somebody wants what there is, whoever is the last to hold it."""
        for each in self._shared.values():
            if each.future.shared_id is not None:
                self.run_session.keep(each.request.kind, each.future.shared_id)
        self.close()

    def close(self) -> None:
        """Hold it no longer, and delete what nobody else holds; CleanupError names what stays."""
        shared, self._shared = self._shared, {}
        deadline = Deadline(options.Settings.of(self.run_session.config).teardown_timeout)
        text = f"the end of the session waits for at most {deadline.seconds:.0f} s for"
        with progress_messages(
            partial(say, self.run_session.config), f"{text} {', '.join(shared)}"
        ):
            for each in shared.values():
                each.stop(deadline)
            rows = self.holders.release(shared)
            left = list(self._delete(rows, deadline)) if rows else []
        if left:
            text = f"{len(left)} of {len(rows)} shared resources could not be deleted"
            raise CleanupError("\n  ".join([text, *left]), left)

    def _delete(self, rows: list[LedgerRow], deadline: Deadline) -> Iterator[str]:
        ledger, fake = self.run_session.ledger, self.cloud.fake
        clock = fake.clock if fake is not None else SystemClock()
        sweep_rows(self.cloud.api_client, ledger, rows, clock, ledger.note, deadline.left())
        operations = {row.operation for row in rows}
        for row in ledger.rows("intent", "bound"):
            if row.operation in operations:
                yield f"{row}: {row.note or 'it is still there'}"
