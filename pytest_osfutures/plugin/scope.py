"""Everything that the factories of one scope have made, and its deletion in the right order."""

from __future__ import annotations

from concurrent.futures import CancelledError
from contextlib import nullcontext, suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from pytest_osfutures.cleanup import UNDER_WAY, LedgerRow, Sweep, disconnect, sweep_rows
from pytest_osfutures.clock import SystemClock
from pytest_osfutures.cloud import Cloud
from pytest_osfutures.errors import CleanupError, OperationError
from pytest_osfutures.future import OperationFuture
from pytest_osfutures.operations import DELETION_ORDER
from pytest_osfutures.ownership import CHILDREN, StampedResource, UnreadableError, resource_of_row
from pytest_osfutures.plugin import options
from pytest_osfutures.plugin.fixtures import run_session_of
from pytest_osfutures.plugin.run_id import say
from pytest_osfutures.plugin.wait_messages import Deadline, progress_messages

if TYPE_CHECKING:
    from pytest_osfutures.plugin.run import RunSession

#: Seconds after which a teardown looks what keeps the resources from being deleted.
BLOCKERS_AFTER = 15.0
#: Seconds that a keypair has to be gone after its deletion.
KEYPAIR_TIMEOUT = 10.0
Made = list[tuple[str, OperationFuture[Any]]]


class Scope:
    """What is deleted together: a test's resources, or those of a class, a module or a session.

    `owner` is the test (or class, module, session) that they are of.
    """

    def __init__(self, cloud: Cloud, run_session: RunSession, owner: str) -> None:
        self.cloud = cloud
        self.run_session = run_session
        self.owner = owner
        self.made: Made = []
        self.keypairs: list[StampedResource] = []
        self.closed = False
        self._forked: Scope | None = None

    def here(self) -> Scope:
        """The scope of this process: in a fork one of its own, whose cloud is connected to anew.

        Nobody closes that one: what is left of a process that has died is the reaper's.
        """
        run_session = run_session_of(self.run_session.config)
        if run_session is self.run_session:
            return self
        if self._forked is None or self._forked.run_session is not run_session:
            self._forked = Scope(run_session.cloud, run_session, self.owner)
        return self._forked

    def own(self, kind: str, future: OperationFuture[Any]) -> OperationFuture[Any]:
        """From now on this is deleted with all the rest; at once, if that has begun already."""
        self.made.append((kind, future))
        if self.closed:
            future.undo()
        return future

    def own_keypair(self, keypair: StampedResource) -> None:
        """From now on this keypair is deleted with all the rest."""
        self.keypairs.append(keypair)

    def keep(self) -> None:
        """Leave what there is where it is, and note that somebody wants it."""
        wanted = [each for each in self.made if each[1].resource_id and not _failed(each[1])]
        for kind, future in wanted:
            for ident in _idents(future):
                self.run_session.keep(kind, ident)
        self.made = [each for each in self.made if each not in wanted]
        for keypair in self.keypairs:
            self.run_session.keep("keypair", keypair.id)
        self.keypairs = []
        self.close()

    def close(self) -> None:
        """Delete everything and wait until it is gone; CleanupError names what is not.

        First what frees others: attachments to servers that stay; then stage by stage. It takes
        no longer than --os-teardown-timeout and says what it waits for; the rest is the reaper's.
        """
        settings = options.Settings.of(self.run_session.config)
        deadline = Deadline(settings.teardown_timeout)
        most = f"for at most {deadline.seconds:.0f} s"
        text = f"the teardown of {self.owner or 'the session'} waits {most} for deletions"
        told = progress_messages(
            partial(say, self.run_session.config), text, lambda: deadline.waiting
        )
        with nullcontext() if settings.background else told:  # what runs besides is not waited for
            count, left = self._close(deadline)
        if left:
            text = f"{len(left)} of {count} resources could not be deleted"
            raise CleanupError("\n  ".join([text, *left]), left)

    def _close(self, deadline: Deadline) -> tuple[int, list[str]]:
        """Delete everything; how much there was, and what is left, with the reasons."""
        self.closed = True
        made, self.made = self.made, []
        keypairs, self.keypairs = self.keypairs, []
        self._detach(made, deadline)
        left: list[str] = []
        for types in DELETION_ORDER:
            kinds = [each.name for each in types]
            if "port" in kinds:
                self._disconnect(made)
            stage = [each for each in made if each[0] in kinds]
            for built_on in reversed([each for each in stage if _is_built_on_another(each)]):
                stage.remove(built_on)
                left += self._undo([built_on], deadline)
            left += self._undo(stage, deadline)
            if "server" in kinds:
                left += self._delete_children(made, deadline)
        left += self._delete(keypairs)
        return len(made) + len(keypairs), left

    def _undo(self, made: Made, deadline: Deadline) -> list[str]:
        """Take everything back at the same time; what is left, with the reasons."""
        undone = [(kind, future, future.undo()) for kind, future in made]
        going = {_label(kind, future): gone for kind, future, gone in undone}
        deadline.wait(going, BLOCKERS_AFTER)
        stuck = {each[1].resource_id for each in undone if not _is_undone(each[2])}
        rows = [row for row in self.run_session.ledger.rows("intent", "bound") if row.id in stuck]
        if rows and deadline.left():
            self._insist(rows, deadline)
        known = {row.id for row in rows}
        deadline.wait(
            {
                _label(kind, each): gone
                for kind, each, gone in undone
                if each.resource_id not in known
            }
        )
        notes = {row.id: row.note for row in self.run_session.ledger.rows("intent", "bound")}
        return [
            f"{_label(kind, each)}: {self._why(gone, notes.get(each.resource_id), deadline)}"
            for kind, each, gone in undone
            if not _is_undone(gone) and (each.resource_id in notes or each.resource_id not in known)
        ]

    def _why(self, gone: OperationFuture[None], note: str | None, deadline: Deadline) -> str:
        """Why a resource is still there: refused, or late."""
        why = _why_not(gone) or (note if note not in UNDER_WAY else None)
        return why or self._late(deadline)

    def _late(self, deadline: Deadline) -> str:
        heir = "; the reaper goes on" if self.run_session.reaped else ""
        return f"still being deleted after {deadline.seconds:.0f} s (--os-teardown-timeout){heir}"

    def _insist(self, rows: list[LedgerRow], deadline: Deadline) -> None:
        """Delete these, and remove what may keep them from it."""
        api_client, ledger, clock = self.cloud.api_client, self.run_session.ledger, SystemClock()
        deadline.waiting = [f"{row.kind} {row.id}" for row in rows]
        sweep_rows(api_client, ledger, rows, clock, ledger.note, deadline.left())
        deadline.waiting = []

    def _delete(self, keypairs: list[StampedResource]) -> list[str]:
        """Delete keypairs, which go at once; what is left, with the reasons."""
        clock, note = SystemClock(), self.run_session.ledger.note
        sweep = Sweep(self.cloud.api_client, lambda _: True, clock, note, KEYPAIR_TIMEOUT)
        left = sweep.remove(keypairs)
        for each in keypairs:
            if each not in left:
                self.run_session.ledger.set_state(each.stamp.operation, "gone")
        return [f"{each}: {why}" for each, why in left.items()]

    def _delete_children(self, made: Made, deadline: Deadline) -> list[str]:
        """Delete what the cloud has made for these by itself; what is left, with the reasons."""
        ledger, idents = self.run_session.ledger, {future.resource_id for _, future in made}
        operations = {row.operation for row in ledger.rows() if row.id in idents}
        rows = {
            row.id: row
            for row in ledger.rows("bound")
            if row.operation in operations and row.part and row.kind in CHILDREN
        }
        if not rows:
            return []
        sweep = Sweep(
            self.cloud.api_client, lambda _: True, SystemClock(), ledger.note, deadline.left()
        )
        left = sweep.remove(resource_of_row(ledger, row) for row in rows.values())
        gone = {str(ident) for ident in rows} - {each.id for each in left}
        for ident in gone:
            ledger.set_state(rows[ident].operation, "gone", part=rows[ident].part)
        return [f"{each}: {why}" for each, why in left.items()]

    def _disconnect(self, made: Made) -> None:
        """Take routers and subnets off each other; what cannot be will show in its deletion."""
        for kind, future in made:
            if kind in ("router", "subnet") and future.resource_id:
                with suppress(UnreadableError):
                    disconnect(self.cloud.api_client, kind, {"id": future.resource_id})

    def _detach(self, made: Made, deadline: Deadline) -> None:
        """Detach volumes from servers that stay; what cannot be will show in its deletion."""
        created = [each for each in made if each[1].done() and not _failed(each[1])]
        volumes = [str(future.resource_id) for kind, future in created if kind == "volume"]
        servers = {future.resource_id for kind, future in made if kind == "server"}
        detached = [
            self.cloud.nova.volumes.delete_server_volume_async_r(each["server_id"], volume)
            for volume in volumes
            for each in self._attachments(volume)
            if each["server_id"] not in servers
        ]
        deadline.wait({f"detaching {number}": each for number, each in enumerate(detached)})

    def _attachments(self, volume: str) -> list[dict[str, Any]]:
        from cinderclient.exceptions import NotFound

        try:
            return self.cloud.cinder.volumes.get(volume).attachments
        except NotFound:
            return []


def _idents(future: OperationFuture[Any]) -> list[str]:
    """The ids of what a future has made: one, or those of all servers of one request."""
    made = future.result() if future.done() else None
    return [each.id for each in made] if isinstance(made, list) else [str(future.resource_id)]


def _failed(future: OperationFuture[Any]) -> bool:
    """Whether it is known already that a future has made nothing."""
    return future.done() and (future.cancelled() or future.exception() is not None)


def _is_built_on_another(each: tuple[str, OperationFuture[Any]]) -> bool:
    """Whether this is an incremental backup, which keeps those before it from being deleted."""
    kind, future = each
    wanted = kind == "backup" and future.done() and not _failed(future)
    return wanted and bool(getattr(future.result(), "is_incremental", False))


def _label(kind: str, future: OperationFuture[Any]) -> str:
    return f"{kind} {future.resource_id}"


def _is_undone(gone: OperationFuture[None]) -> bool:
    return gone.done() and not gone.cancelled() and gone.exception() is None


def _why_not(gone: OperationFuture[None]) -> str | None:
    """Why something could not be taken back; None if that is not known."""
    if not gone.done():
        return None
    error = CancelledError() if gone.cancelled() else gone.exception()
    return error.why if isinstance(error, OperationError) else str(error)
