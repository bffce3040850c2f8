"""Resources that all workers of pytest-xdist share.

The first worker that asks for a resource creates it, the last worker whose session ends deletes it.
The ledger holds the requests, the results and the workers that hold a resource.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import CancelledError
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from pytest_osfutures.cleanup import (
    LedgerRow,
    SharedResources,
    SharedState,
    SweepContext,
    load_error,
    sweep_rows,
)
from pytest_osfutures.clock import SystemClock
from pytest_osfutures.cloud import Cloud
from pytest_osfutures.errors import (
    CleanupError,
    InvalidArgument,
    OperationDetails,
    OperationTimeout,
)
from pytest_osfutures.futures import OperationFuture, Promise, error_of, link, undo_of
from pytest_osfutures.operations import ResourceType
from pytest_osfutures.scopes.deadline import Deadline
from pytest_osfutures.scopes.run import Run

__tracebackhide__ = True  # pytest: an error belongs to the line of the test

Future = OperationFuture[Any]
F = TypeVar("F", bound=OperationFuture[Any])


@dataclass(frozen=True)
class SharedRequest:
    """A request for a shared resource."""

    #: Type of the resource.
    type: ResourceType
    #: Name by which all workers know the resource.
    name: str
    #: Hashes of the arguments: all workers have to ask with the same arguments.
    arguments: Mapping[str, str]
    #: Creates the resource.
    create: Callable[[], Future]
    #: Reads the resource with an id.
    read: Callable[[str], Future]
    #: Seconds for which a worker waits for the worker that creates the resource.
    timeout: float

    @property
    def key(self) -> str:
        """The key of the resource in the ledger."""
        return f"{self.type.name} {self.name}"


class SharedFuture(OperationFuture[Any]):
    """The future of a shared resource, in the worker that creates it and in all others."""

    def __init__(self, cloud: Cloud, resource_type: ResourceType) -> None:
        super().__init__(cloud.engine, cloud.settings.observer)
        self._type = resource_type
        #: The future of the creation, if this worker creates the resource.
        self.creation: Future | None = None
        #: The id of the resource.
        self.shared_id: str | None = None

    @property
    def operation(self) -> str:
        return f"{self._type.name}.create"

    @property
    def resource_id(self) -> str | None:
        return self.shared_id or (self.creation.resource_id if self.creation is not None else None)

    def undo(self) -> Future:
        """Refuse: other workers may need the resource.

        Raises:
            InvalidArgument: always.
        """
        raise InvalidArgument(
            f"a shared {self._type.name} goes when the last worker that asked for it is done"
        )


class SharedResource:
    """A shared resource as this worker sees it: created here, or awaited.

    Args:
        cloud: the cloud.
        holders: the shared resources in the ledger.
        request: the request for the resource.
    """

    def __init__(self, cloud: Cloud, holders: SharedResources, request: SharedRequest) -> None:
        self.engine = cloud.engine
        self.pause = cloud.poll.fastest
        self.holders = holders
        self.request = request
        self.future = SharedFuture(cloud, request.type)
        self.promise = Promise(self.engine, self.future)
        if self.future.observer is not None:
            self.future.observer.derived(self.future)
        self.promise.start()
        self.creation: Future | None = None
        #: True when this worker has stopped waiting.
        self.over = False
        self.began_at = self.engine.clock.now()

    def proceed(self, share: SharedState) -> None:
        """Do the next step: create, take over, fail, or look again later.

        Args:
            share: the state of the resource in the ledger.

        Raises:
            Exception: the creation cannot be started.
        """
        if share.state == "yours":
            self._create()
        elif share.state == "there":
            assert share.id is not None
            self.future.shared_id = share.id
            self.promise.set_hold("")
            self.promise.follow(self.request.read(share.id))
        elif share.state == "failed":
            assert share.error is not None
            self.promise.set_exception(load_error(share.error))
        elif self.engine.clock.now() - self.began_at > self.request.timeout:
            self.promise.set_exception(self._timeout_error(share))
        else:
            self.promise.set_hold("the worker that creates it")
            look = partial(self.engine.submissions.submit, self._look)
            self.engine.call_later(self.pause, look)

    def _look(self) -> None:
        if self.over:
            return
        try:
            self.proceed(self.holders.claim(self.request.key, self.request.arguments))
        except BaseException as error:
            self.promise.set_exception(error)

    def _timeout_error(self, share: SharedState) -> OperationTimeout:
        details = OperationDetails(
            self.future.operation, None, self.request.name, seconds=self.request.timeout
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
        self.promise.set_hold("")
        if self.future.observer is not None:
            self.future.observer.followed(self.future, self.creation)
        created = partial(self._created, self.creation)
        link(self.creation, lambda _: self.engine.own_calls.submit(created))

    def _created(self, creation: Any) -> None:
        """Write the result of the creation into the ledger, then end this worker's future."""
        try:
            error = error_of(creation)
            if error is None:
                self.future.shared_id = creation.resource_id
                self.holders.created(self.request.key, creation.resource_id)
            elif not self.over:
                self.holders.failed(self.request.key, error)
        finally:
            self.promise.follow(creation)

    def stop(self, deadline: Deadline) -> None:
        """Stop waiting; undo a creation in progress unless other workers wait for the resource."""
        self.over = not self.holders.others(self.request.key)
        if self.creation is not None and not self.future.done():
            if self.over:
                deadline.wait({self.request.key: undo_of(self.creation)})
            deadline.wait({self.request.key: self.future})
        self.over = True
        self.promise.set_exception(CancelledError())


class SharedScope:
    """The shared resources that this worker holds until its session ends.

    Args:
        cloud: the cloud.
        run_session: this process's part in the run.
        owner: node id of the session.
    """

    def __init__(self, cloud: Cloud, run_session: Run, owner: str) -> None:
        self.cloud = cloud
        self.run_session = run_session
        self.owner = owner
        self.holders = SharedResources(run_session.ledger)
        self._lock = threading.Lock()
        self._shared: dict[str, SharedResource] = {}
        self._forked: SharedScope | None = None

    def given_arguments(self, factory: str) -> Mapping[str, Any]:
        """Return no default arguments: all workers have to ask for the same resource."""
        del factory
        return {}

    def in_this_process(self) -> SharedScope:
        """Return this scope, or in a fork a scope with a connection of its own."""
        run_session = self.run_session.in_this_process()
        if run_session is self.run_session:
            return self
        if self._forked is None or self._forked.run_session is not run_session:
            self._forked = SharedScope(run_session.cloud, run_session, self.owner)
        return self._forked

    def share(self, request: SharedRequest) -> Future:
        """Return the future of a shared resource.

        Raises:
            InvalidArgument: a worker has asked for the name with other arguments.
            Exception: the creation cannot be started.
        """
        with self._lock:
            share = self.holders.claim(request.key, request.arguments)
            known = self._shared.get(request.key)
            if known is None:
                known = SharedResource(self.cloud, self.holders, request)
                known.proceed(share)
                self.run_session.note_owner(known.future, self.owner)
                self._shared[request.key] = known
        self.run_session.note_use(known.future)
        return known.future

    def own(self, resource_type: ResourceType, future: F) -> F:
        """Return `future` as it is: the ledger owns shared resources."""
        del resource_type
        return future

    def keep(self) -> None:
        """Note that the shared resources are kept, even if another worker holds them last."""
        for each in self._shared.values():
            if each.future.shared_id is not None:
                self.run_session.keep(each.request.type.name, each.future.shared_id)
        self.close()

    def close(self) -> None:
        """Release all resources, and delete those that no other worker holds.

        Raises:
            CleanupError: some resources could not be deleted; the text names them.
        """
        shared, self._shared = self._shared, {}
        deadline = Deadline(self.run_session.settings.teardown_timeout)
        text = f"the end of the session waits for at most {deadline.seconds:.0f} s for"
        with self.run_session.progress_messages(f"{text} {', '.join(shared)}"):
            for each in shared.values():
                each.stop(deadline)
            rows = self.holders.release(shared)
            left = list(self._delete(rows, deadline)) if rows else []
        if left:
            text = f"{len(left)} of {len(rows)} shared resources could not be deleted"
            raise CleanupError("\n  ".join([text, *left]), left)

    def _delete(self, rows: list[LedgerRow], deadline: Deadline) -> Iterator[str]:
        """Delete resources and yield those that stay, with the reasons."""
        ledger, fake = self.run_session.ledger, self.cloud.fake
        clock = fake.clock if fake is not None else SystemClock()
        context = SweepContext(self.cloud.api_client, clock, ledger.note, deadline.remaining())
        sweep_rows(context, ledger, rows)
        operations = {row.operation for row in rows}
        for row in ledger.rows("intent", "bound"):
            if row.operation in operations:
                yield f"{row}: {row.note or 'it is still there'}"
