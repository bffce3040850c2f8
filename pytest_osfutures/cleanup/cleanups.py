"""Cleanups of a run: by the rows of the ledger, by the stamps in the cloud, or by expiry."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable
from dataclasses import replace
from typing import cast

from pytest_osfutures.cleanup.key_files import remove_key_files
from pytest_osfutures.cleanup.ledger import Ledger
from pytest_osfutures.cleanup.orphans import expired
from pytest_osfutures.cleanup.rows import NOT_OURS, LedgerRow
from pytest_osfutures.cleanup.sweep import SECOND_SIGHT_SECONDS, Sweep, SweepContext, Wanted
from pytest_osfutures.operations import OWNED_TYPES
from pytest_osfutures.ownership import (
    CredentialsRefusedError,
    RowState,
    StampedResource,
    UnreadableError,
    resource_of_row,
)

#: Seconds within which the request of a process that died may still take effect.
IN_FLIGHT_SECONDS = 30.0
#: Seconds for which a cleanup tries again to delete the remaining resources.
PERSIST_SECONDS = 3600.0
#: Longest pause between two tries, in seconds.
LONGEST_PAUSE = 60.0
#: Pauses in seconds before each further try with refused credentials. After the last one the
#: cleanup gives up: Keystone may lock the user out after too many failures.
#: https://docs.openstack.org/keystone/latest/admin/configuration.html#setting-an-account-lockout-threshold
REFUSED_LOGIN_PAUSES = (10.0, 60.0, 300.0)
#: Note on the row of a request that could carry no stamp and whose response was lost.
UNKNOWN_RESULT = (
    "its request was cut off before the answer, and could carry no stamp: if it was made, "
    "it cannot be told from those of others, so it is left alone"
)
#: Note on a row of another version of the package, whose stamp the sweep has not found.
UNKNOWN_TYPE = "this version of pytest-osfutures does not know its type, so it is left alone"


def sweep_rows(context: SweepContext, ledger: Ledger, rows: list[LedgerRow]) -> bool:
    """Delete the resources of these rows, in one sweep; return True if all of them are gone.

    A row without an id is closed only when the row's request can no longer take effect.
    """
    operations = {row.operation for row in rows}
    sweep = Sweep(context, lambda stamp: stamp.operation in operations, ledger)
    readable, found = True, []
    try:
        found = sweep.find()
    except CredentialsRefusedError:
        raise
    except UnreadableError as error:  # resources with a known id can be deleted nevertheless
        context.note(str(error))
        readable = False
    found = _with_rows(ledger, rows, found)
    left = sweep.remove(found)
    complete = readable
    for row, result in _results(rows, sweep, found, left).items():
        if result is None and not (readable and _is_settled(context, row)):
            complete = False
            continue
        state, note = result or ("gone", None)
        if not row.id and result is None and row.operation in ledger.unstamped_operations():
            note = UNKNOWN_RESULT
            context.note(f"{row.kind} of operation {row.operation}: {note}")
        ledger.set_state(row.operation, state, note, row.part)
        complete = complete and state == "gone"
    for child in sweep.children:
        if child not in left:
            ledger.gone(child.type.name, child.id)
    return complete


def _is_settled(context: SweepContext, row: LedgerRow) -> bool:
    """Return True if the request of a row can no longer take effect."""
    return context.clock.time() > row.intended + IN_FLIGHT_SECONDS


def _with_rows(
    ledger: Ledger, rows: list[LedgerRow], found: list[StampedResource]
) -> list[StampedResource]:
    """Add the resources that only the ledger knows: a list may be older than the resource."""
    seen = {(each.type.name, each.id) for each in found}
    known = {(row.kind, row.id) for row in rows}
    unstamped = ledger.unstamped_operations()
    return [
        *(replace(each, in_ledger=(each.type.name, each.id) in known) for each in found),
        *(
            resource_of_row(ledger, row, row.operation in unstamped)
            for row in rows
            if row.id and row.kind in OWNED_TYPES and (row.kind, row.id) not in seen
        ),
    ]


def _results(
    rows: list[LedgerRow],
    sweep: Sweep,
    found: list[StampedResource],
    left: dict[StampedResource, str],
) -> dict[LedgerRow, tuple[RowState, str | None] | None]:
    """Return the new state and the note of each row; None if no resource was found."""
    spared = {each.id for each in sweep.spared}
    row_ids = {row.id for row in rows}
    reason_by_id = {each.id: reason for each, reason in left.items()}
    # A resource whose id is in no row may belong to any row of its operation.
    reason_by_operation = {
        each.stamp.operation: reason for each, reason in left.items() if each.id not in row_ids
    }
    seen = {each.stamp.operation for each in found}
    results: dict[LedgerRow, tuple[RowState, str | None] | None] = {}
    for row in rows:
        state = cast("RowState", row.state)  # the rows were read by their states
        reason = reason_by_id.get(row.id or "", reason_by_operation.get(row.operation))
        if reason is not None:
            results[row] = state, reason
        elif row.operation in seen:
            results[row] = "gone", NOT_OURS if row.id in spared else None
        elif row.kind not in OWNED_TYPES:
            results[row] = state, UNKNOWN_TYPE
        else:
            results[row] = None
    return results


def clean_up(
    context: SweepContext,
    ledger: Ledger,
    processes: Iterable[str] = (),
    persist_seconds: float = PERSIST_SECONDS,
) -> bool:
    """Delete the resources of dead processes of a run; return True if all of them are gone.

    Args:
        ledger: Ledger of the run.
        processes: Names of the processes. Without them the cleanup deletes every resource with the
            stamp of the run that nobody wants to keep; but if the ledger is only one part of the
            run's, other parts may need the resources that this part does not have.
        persist_seconds: Seconds for which the cleanup tries again.
    """
    named = list(processes)

    def once() -> bool:
        rows = ledger.rows("intent", "bound", processes=named)
        done = not rows or sweep_rows(context, ledger, rows)
        if done and not named and not ledger.is_partial:
            kept = {row.operation for row in ledger.rows("kept")}
            done = sweep_stamps(context, stamps_of_run(ledger.run, kept))
        return done

    complete = persist(context, once, persist_seconds)
    remove_key_files(ledger)
    return complete


def clean_up_by_stamp(
    context: SweepContext, wanted: Wanted, persist_seconds: float = PERSIST_SECONDS
) -> bool:
    """Delete all resources with a wanted stamp, without a ledger; return True if they are gone.

    The cleanup goes on until a request that was under way at the start can no longer take effect.
    """
    clock = context.clock
    began = clock.now()

    def once() -> bool:
        settled = clock.now() > began + IN_FLIGHT_SECONDS
        return sweep_stamps(context, wanted) and settled

    return persist(context, once, persist_seconds)


def persist(context: SweepContext, once: Callable[[], bool], seconds: float) -> bool:
    """Call `once` until the result is True, for so many seconds, with growing pauses.

    Returns False if the result never was, or if Keystone refused the credentials several times.
    """
    clock, note = context.clock, context.note
    end = clock.now() + seconds
    pause = 1.0
    login_pauses = list(REFUSED_LOGIN_PAUSES)
    while True:
        try:
            if once():
                return True
            wait = pause
            pause = min(LONGEST_PAUSE, 2 * pause)
        except CredentialsRefusedError as error:
            if not login_pauses:
                note(f"{error}; not tried again, as more tries might lock the user out")
                return False
            wait = login_pauses.pop(0)
            note(f"{error}; tried again in {wait:.0f} s")
        if clock.now() >= end:
            return False
        clock.sleep(min(wait, max(0.1, end - clock.now())))


def stamps_of_run(run: str, kept: Container[str]) -> Wanted:
    """Return a test for the stamps of a run, without those of the operations in `kept`."""
    return lambda stamp: stamp.run == run and stamp.operation not in kept


def sweep_stamps(context: SweepContext, wanted: Wanted) -> bool:
    """Delete all resources with a wanted stamp, in one sweep; return True if they are gone."""
    sweep = Sweep(context, wanted)
    try:
        return not sweep.remove(sweep.find_twice())
    except CredentialsRefusedError:
        raise
    except UnreadableError as error:
        context.note(str(error))
        return False


def sweep_expired(context: SweepContext, spared_runs: Iterable[str]) -> dict[StampedResource, str]:
    """Delete the resources whose stamp has expired, but those of `spared_runs`.

    Returns the resources that still exist, with the reasons. Raises UnreadableError.
    """
    spared = set(spared_runs)
    sweep = Sweep(context, lambda stamp: stamp.run not in spared)
    first = expired(sweep.find(), context.cloud_time())
    if not first:
        return {}
    context.clock.sleep(SECOND_SIGHT_SECONDS)
    seen = {(each.type, each.id) for each in first}
    again = expired(sweep.find(), context.cloud_time())
    return sweep.remove([each for each in again if (each.type, each.id) in seen])
