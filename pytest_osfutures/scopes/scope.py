"""The resources of a test, class, module or session, and their deletion in the right order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import nullcontext, suppress
from functools import partial
from typing import Any, TypeVar

from pytest_osfutures.cleanup import (
    UNDER_WAY,
    LedgerRow,
    Sweep,
    SweepContext,
    disconnect,
    sweep_rows,
)
from pytest_osfutures.clock import SystemClock
from pytest_osfutures.cloud import Cloud
from pytest_osfutures.errors import CleanupError, OperationError, StatusSample
from pytest_osfutures.futures import OperationFuture, error_of, on_status, undo_of, value_of
from pytest_osfutures.operations import (
    ATTACHMENT,
    BACKUP,
    DELETION_ORDER,
    KEYPAIR,
    PORT,
    ROUTER,
    SERVER,
    SUBNET,
    VOLUME,
    ResourceType,
)
from pytest_osfutures.ownership import (
    CHILDREN,
    StampedResource,
    UnreadableError,
    read_resource,
    resource_of_row,
    unreadable_errors,
)
from pytest_osfutures.parsing import identifier, mappings
from pytest_osfutures.scopes.deadline import Deadline
from pytest_osfutures.scopes.run import Run
from pytest_osfutures.scopes.ssh_command import keep_login
from pytest_osfutures.transport import may_be_attached

F = TypeVar("F", bound=OperationFuture[Any])
#: Seconds after which a teardown removes obstacles to the deletion of a resource.
UNBLOCK_AFTER = 15.0
#: Nova's status of a server whose deletion is done.
DELETED = "DELETED"
#: Seconds within which a keypair is gone after its deletion.
KEYPAIR_TIMEOUT = 10.0
#: The types of resources and the futures of their creations.
Created = list[tuple[ResourceType, OperationFuture[Any]]]


class Scope:
    """The owner of the resources that are deleted together.

    Args:
        cloud: the cloud.
        run_session: this process's part in the run.
        owner: node id of the test, class, module or session.
    """

    def __init__(self, cloud: Cloud, run_session: Run, owner: str) -> None:
        self.cloud = cloud
        self.run_session = run_session
        self.owner = owner
        self.created: Created = []
        self.keypairs: list[StampedResource] = []
        self.closed = False
        #: Returns the default arguments of a factory by the name of its class.
        self.arguments: Callable[[str], Mapping[str, Any]] = lambda _: {}
        #: Called with the future of each creation whose resource is gone.
        self.gone: Callable[[OperationFuture[Any]], None] | None = None
        self._forked: Scope | None = None

    def in_this_process(self) -> Scope:
        """Return this scope, or in a fork a scope with a connection of its own.

        Nobody closes the scope of a fork: the reaper deletes the resources of processes that have
        ended.
        """
        run_session = self.run_session.in_this_process()
        if run_session is self.run_session:
            return self
        if self._forked is None or self._forked.run_session is not run_session:
            self._forked = Scope(run_session.cloud, run_session, self.owner)
        return self._forked

    def given_arguments(self, factory: str) -> Mapping[str, Any]:
        """Return the default arguments of a factory, by the name of its class.

        Raises:
            InvalidArgument: the user has given arguments that are not valid.
        """
        __tracebackhide__ = True
        return self.arguments(factory)

    def own(self, resource_type: ResourceType, future: F) -> F:
        """Own the resource that a future creates; a closed scope undoes the creation at once.

        Args:
            resource_type: type of the resource.
            future: future of the creation.

        Returns:
            The same future.
        """
        self.created.append((resource_type, future))
        self.run_session.note_owner(future, self.owner)
        if self.closed:
            undo_of(future)
        return future

    def own_keypair(self, keypair: StampedResource) -> None:
        """Own a keypair."""
        self.keypairs.append(keypair)

    def keep(self) -> None:
        """Note in the ledger that the resources are kept, and undo creations that have failed."""
        kept = [
            each for each in self.created if each[1].resource_id and not creation_failed(each[1])
        ]
        keys = self.run_session.keys
        for resource_type, future in kept:
            for resource_id in _resource_ids(future):
                is_server = resource_type is SERVER
                note = keep_login(self.cloud, keys, resource_id) if is_server else None
                self.run_session.keep(resource_type.name, resource_id, note)
        self.created = [each for each in self.created if each not in kept]
        for keypair in self.keypairs:
            self.run_session.keep(KEYPAIR.name, keypair.id)
            keys.keep(keypair.id)
        self.keypairs = []
        self.close()

    def close(self) -> None:
        """Delete all resources and wait until they are gone.

        Attachments to servers that stay go first, then one stage of types after another. The
        reaper deletes resources that are left after the teardown's deadline.

        Raises:
            CleanupError: some resources could not be deleted; the text names them.
        """
        deadline = Deadline(self.run_session.settings.teardown_timeout)
        most = f"for at most {deadline.seconds:.0f} s"
        text = f"the teardown of {self.owner or 'the session'} waits {most} for deletions"
        messages = self.run_session.progress_messages(text, lambda: deadline.waiting)
        with nullcontext() if self.run_session.deletes_in_background else messages:
            count, left = self._close(deadline)
        if left:
            text = f"{len(left)} of {count} resources could not be deleted"
            raise CleanupError("\n  ".join([text, *left]), left)

    def _close(self, deadline: Deadline) -> tuple[int, list[str]]:
        """Delete all resources; return their number, and those that stay with the reasons."""
        self.closed = True
        created, self.created = self.created, []
        keypairs, self.keypairs = self.keypairs, []
        deadline.waiting = [_label(*each) for each in created]
        left = self._undo(_separate_attachments(created), deadline)
        self._detach(created, deadline)
        for types in DELETION_ORDER:
            if PORT in types:
                self._disconnect(created)
            stage = [each for each in created if each[0] in types]
            for incremental in reversed([each for each in stage if _is_incremental(each)]):
                stage.remove(incremental)
                left += self._undo([incremental], deadline)
            left += self._undo(stage, deadline)
            if SERVER in types:
                left += self._delete_children(created, deadline)
        left += self._delete_keypairs(keypairs)
        return len(created) + len(keypairs), left

    def _undo(self, created: Created, deadline: Deadline) -> list[str]:
        """Undo creations at the same time; return the resources that stay, with the reasons."""
        undone = [(each, future, undo_of(future)) for each, future in created]
        for _, future, undo in undone:
            undo.add_done_callback(partial(self._note_gone, future))
            on_status(undo, partial(self._note_status, future))
        deadline.wait({_label(each, future): undo for each, future, undo in undone}, UNBLOCK_AFTER)
        blocked = {future.resource_id for _, future, undo in undone if not _has_succeeded(undo)}
        # An unanswered request has no id yet: its row is not to be told from those of others.
        rows = [row for row in self._rows() if row.id is not None and row.id in blocked]
        if rows and deadline.remaining():
            self._unblock(rows, deadline)
        swept = {row.id for row in rows}
        deadline.wait(
            {
                _label(each, future): undo
                for each, future, undo in undone
                if future.resource_id not in swept
            }
        )
        notes = {row.id: row.note for row in self._rows()}
        left = [
            (each, future, undo)
            for each, future, undo in undone
            if not _has_succeeded(undo)
            and (future.resource_id in notes or future.resource_id not in swept)
        ]
        states = self._states({str(future.resource_id) for _, future, undo in left})
        heir = "; the reaper goes on" if self.run_session.reaped else ""
        limit = self.run_session.option("teardown-timeout")
        late = f"after {deadline.seconds:.0f} s ({limit}){heir}"
        reasons = []
        for each, future, undo in left:
            note = notes.get(future.resource_id)
            why = _error_text(undo) or (note if note not in UNDER_WAY else None)
            state = states.get(future.resource_id, "being deleted")
            reasons.append(f"{_label(each, future)}: {why or f'still {state} {late}'}")
        return reasons

    def _note_status(self, creation: OperationFuture[Any], sample: StatusSample) -> None:
        """Note that a server is deleted; the quota counts it no more, though reads still show it.

        https://docs.openstack.org/nova/latest/user/quotas.html#usage
        """
        if self.gone is not None and sample.status == DELETED:
            self.gone(creation)

    def _note_gone(self, creation: OperationFuture[Any], undo: Future[None]) -> None:
        if self.gone is not None and _has_succeeded(undo):
            self.gone(creation)

    def _rows(self) -> list[LedgerRow]:
        return self.run_session.ledger.rows("intent", "bound")

    def _states(self, ids: set[str]) -> dict[str | None, str]:
        """Return the states of resources by their ids, but of those that are being deleted.

        The first resource that cannot be read ends the search: a teardown has a deadline.
        """
        states: dict[str | None, str] = {}
        with suppress(UnreadableError):
            for row in self._rows():
                if row.id not in ids:
                    continue
                resource = resource_of_row(self.run_session.ledger, row)
                body = read_resource(self.cloud.api_client, resource) or {}
                status = body.get("OS-EXT-STS:task_state") or body.get("status") or "deleting"
                if status != "deleting":
                    states[row.id] = f"in status {status}"
        return states

    def _unblock(self, rows: list[LedgerRow], deadline: Deadline) -> None:
        """Delete resources again, and remove obstacles such as locks and dependent resources."""
        api_client, ledger, clock = self.cloud.api_client, self.run_session.ledger, SystemClock()
        deadline.waiting = [f"{row.kind} {row.id}" for row in rows]
        context = SweepContext(api_client, clock, ledger.note, deadline.remaining())
        sweep_rows(context, ledger, rows)

    def _delete_keypairs(self, keypairs: list[StampedResource]) -> list[str]:
        """Delete keypairs, which are gone at once; return those that stay, with the reasons."""
        ledger = self.run_session.ledger
        context = SweepContext(self.cloud.api_client, SystemClock(), ledger.note, KEYPAIR_TIMEOUT)
        sweep = Sweep(context, lambda _: True)
        left = sweep.remove(keypairs)
        for each in keypairs:
            self.run_session.keys.remove(each.id)
            if each not in left:
                ledger.set_state(each.stamp.operation, "gone")
        return [f"{each}: {why}" for each, why in left.items()]

    def _delete_children(self, created: Created, deadline: Deadline) -> list[str]:
        """Delete resources that Nova has created for servers, such as volumes of their disks.

        Returns:
            The resources that stay, with the reasons.
        """
        ledger, ids = self.run_session.ledger, {future.resource_id for _, future in created}
        operations = {row.operation for row in ledger.rows() if row.id in ids}
        rows = {
            row.id: row
            for row in ledger.rows("bound")
            if row.operation in operations and row.part and row.kind in CHILDREN
        }
        if not rows:
            return []
        context = SweepContext(
            self.cloud.api_client, SystemClock(), ledger.note, deadline.remaining()
        )
        sweep = Sweep(context, lambda _: True)
        left = sweep.remove(resource_of_row(ledger, row) for row in rows.values())
        gone = {str(resource_id) for resource_id in rows} - {each.id for each in left}
        for resource_id in gone:
            row = rows[resource_id]
            ledger.set_state(row.operation, "gone", part=row.part)
        return [f"{each}: {why}" for each, why in left.items()]

    def _disconnect(self, created: Created) -> None:
        """Disconnect routers from subnets; a failure shows when they are deleted."""
        for each, future in created:
            if each in (ROUTER, SUBNET) and future.resource_id:
                with suppress(UnreadableError):
                    disconnect(self.cloud.api_client, each, {"id": future.resource_id})

    def _detach(self, created: Created, deadline: Deadline) -> None:
        """Detach volumes from servers that stay; a failure shows when the volumes are deleted."""
        succeeded = [each for each in created if each[1].done() and not creation_failed(each[1])]
        volumes = [str(future.resource_id) for each, future in succeeded if each is VOLUME]
        servers = {future.resource_id for each, future in created if each is SERVER}
        detached = [
            self.cloud.nova.volumes.delete_server_volume_async_r(server, volume)
            for volume in volumes
            if may_be_attached(self.cloud.session, volume)
            for server in self._servers_of(volume)
            if server not in servers
        ]
        deadline.wait({f"detaching {number}": each for number, each in enumerate(detached)})

    def _servers_of(self, volume: str) -> list[str]:
        """Return the ids of the servers that a volume is attached to, if Cinder shows it."""
        with suppress(UnreadableError), unreadable_errors(f"GET volume {volume}"):
            attachments = mappings(self.cloud.cinder.volumes.get(volume).attachments)
            found = (identifier(each.get("server_id")) for each in attachments)
            return [server for server in found if server is not None]
        return []


def merged(scopes: Sequence[Scope]) -> Scope:
    """Return one scope that owns the resources of several, which are closed.

    A resource whose creation begins after this is undone at once, as in any closed scope.
    """
    first = scopes[0]
    whole = Scope(first.cloud, first.run_session, first.owner)
    for scope in scopes:
        scope.closed = True
        whole.created += scope.created
        whole.keypairs += scope.keypairs
    return whole


def _resource_ids(future: OperationFuture[Any]) -> list[str]:
    """Return the ids of the created resources: one, or those of all servers of one request."""
    result = value_of(future) if future.done() else None
    return [each.id for each in result] if isinstance(result, list) else [str(future.resource_id)]


def creation_failed(future: OperationFuture[Any]) -> bool:
    """Return True if a future is done and has created nothing."""
    return future.done() and error_of(future) is not None


def _has_succeeded(future: Future[Any]) -> bool:
    return future.done() and error_of(future) is None


def _separate_attachments(created: Created) -> Created:
    """Return the attachments that do not end with their server, which stays or is unknown."""
    servers = {future.resource_id for each, future in created if each is SERVER}
    return [
        (each, future)
        for each, future in created
        if each is ATTACHMENT
        and not (
            future.done() and (creation_failed(future) or value_of(future).serverId in servers)
        )
    ]


def _is_over(attachment: OperationFuture[Any], servers: set[str | None]) -> bool:
    """Return True if there is no attachment, or if it ends with its server."""
    return creation_failed(attachment) or value_of(attachment).serverId in servers


def _is_incremental(each: tuple[ResourceType, OperationFuture[Any]]) -> bool:
    """Return True for an incremental backup: Cinder does not delete the backups before it."""
    resource_type, future = each
    if resource_type is not BACKUP or not future.done() or creation_failed(future):
        return False
    return bool(getattr(value_of(future), "is_incremental", False))


def _label(resource_type: ResourceType, future: OperationFuture[Any]) -> str:
    return f"{resource_type.name} {future.resource_id}"


def _error_text(undo: OperationFuture[Any]) -> str | None:
    """Return the reason for which an undo has failed; None while it runs."""
    if not undo.done():
        return None
    error = error_of(undo)
    return error.why if isinstance(error, OperationError) else str(error)
