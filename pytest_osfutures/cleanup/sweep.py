"""Deleting what runs have left behind, in the order in which it can be deleted, and confirming it.

It speaks to the cloud in the caller's thread: for the reaper, the command and a run's two ends.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Container, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from pytest_osfutures.cleanup import orphans as orphans
from pytest_osfutures.cleanup import unblock as unblock
from pytest_osfutures.cleanup.ledger import Ledger, LedgerError, LedgerRow, ledgers, reaper_lock
from pytest_osfutures.cleanup.orphans import expired
from pytest_osfutures.cleanup.process_lock import ProcessLock
from pytest_osfutures.clock import Clock
from pytest_osfutures.operations import DELETION_ORDER, OWNED_TYPES, Body, ResourceType
from pytest_osfutures.ownership import (
    CredentialsRefusedError,
    StampedResource,
    UnreadableError,
    resource_of_row,
    stamp_children,
    unstamped_operations,
)
from pytest_osfutures.parsing import MalformedResponseError
from pytest_osfutures.stamp import Stamp
from pytest_osfutures.transport import ApiClient, Pages

#: Seconds that everything has to be gone after its deletion. What comes after that which took too
#: long has this part of them.
PATIENCE, GRACE = 300.0, 0.1
#: After so many refusals, which may pass by themselves, what may keep the resource is removed.
INSISTENT = (4, 8)
#: After so many refusals nothing more is expected of waiting.
HOPELESS = 12
#: Seconds between two looks at what is being deleted: the first, and the longest.
SOONEST, LATEST = 0.3, 5.0
#: What is to be deleted without its run's own ledger must be seen twice, so many seconds apart.
TWICE = 2.0
#: A request that was under way when its sender died may take effect within so many seconds.
SETTLING = 30.0
#: What cannot be deleted is tried again for so long, with pauses that grow up to the second.
PERSISTENCE, LONGEST_PAUSE = 3600.0, 60.0
#: Refused credentials are tried again after so many seconds, and then no more.
REFUSAL_PAUSES = (10.0, 60.0, 300.0)
WORKERS = 8
#: What is said of a request that could carry no stamp, and whose sender was killed.
UNTOLD = (
    "its request was cut off before the answer, and could carry no stamp: if it was made, "
    "it cannot be told from those of others, so it is left alone"
)
#: So often a page of a list is asked for before the whole look is given up, and tried again later.
READ_TRIES = 6

T = TypeVar("T")
Wanted = Callable[[Stamp], bool]
Note = Callable[[str], None]


class Sweep:
    """Finds and deletes what carries a wanted stamp; each step is told to `note`."""

    def __init__(
        self,
        api: ApiClient,
        wanted: Wanted,
        clock: Clock,
        note: Note,
        patience: float = PATIENCE,
    ) -> None:
        self.api = api
        self.wanted = wanted
        self.clock = clock
        self.note = note
        self.patience = patience
        self.end = 0.0
        self.refusals: dict[StampedResource, int] = {}
        self.spared: list[StampedResource] = []
        self.copies: list[StampedResource] = []
        self.children: list[StampedResource] = []
        self.ledger: Ledger | None = None

    def find(self) -> list[StampedResource]:
        """What there is. Raises UnreadableError, unless it is known completely.

        `copies` is what carries a copy of such a stamp, and is left alone.
        """
        self.copies = []
        everything = [
            each for resource_type in OWNED_TYPES.values() for each in self._list(resource_type)
        ]
        self.copies = [each for each in self.copies if self.wanted(each.stamp)]
        return [each for each in everything if self.wanted(each.stamp)]

    def _list(self, resource_type: ResourceType) -> list[StampedResource]:
        """One list, page by page: all of them have to be there, however long the list is."""
        found: list[StampedResource] = []
        path: str | None = self._insist(partial(orphans.first_page, self.api, resource_type))
        pages = Pages()
        while path is not None:
            try:
                pages.enter(path)
            except MalformedResponseError as error:
                raise UnreadableError(f"GET {path}: {error}") from error
            some, path = self._insist(
                partial(orphans.page, self.api, resource_type, path, self.copies)
            )
            found += some
        return found

    def _insist(self, read: Callable[[], T]) -> T:
        for number in range(READ_TRIES - 1):
            try:
                return read()
            except CredentialsRefusedError:
                raise
            except UnreadableError as error:
                self.note(str(error))
                self.clock.sleep(SOONEST * 2**number)
        return read()

    def find_twice(self) -> list[StampedResource]:
        """What was there at both of two looks. Raises UnreadableError."""
        first = {(each.type, each.id) for each in self.find()}
        if not first:
            return []
        self.clock.sleep(TWICE)
        return [each for each in self.find() if (each.type, each.id) in first]

    def remove(self, found: Iterable[StampedResource]) -> dict[StampedResource, str]:
        """Delete all of it and wait until it is gone; what is not, with the reason."""
        everything = list(found)
        left: dict[StampedResource, str] = {}
        self.end = self.clock.now() + self.patience
        with ThreadPoolExecutor(WORKERS, "osfutures-sweep") as pool:
            for stage in DELETION_ORDER:
                left.update(self._remove_stage(pool, stage, everything))
        return left

    def _remove_stage(
        self,
        pool: ThreadPoolExecutor,
        stage: tuple[ResourceType, ...],
        everything: list[StampedResource],
    ) -> dict[StampedResource, str]:
        found = (each for each in (*everything, *self.children) if each.type in stage)
        left = dict.fromkeys(found, "")
        seen, pause = set(left), SOONEST
        end = max(self.end, self.clock.now() + self.patience * GRACE)
        while left:
            for each, why in zip(list(left), pool.map(self._step, list(left)), strict=True):
                if why == orphans.NOT_OURS:
                    left.pop(each)
                    self.spared.append(each)
                    self.note(f"{each}: {why}")
                elif why is None:
                    begun = left.pop(each)  # else somebody else was quicker
                    self.note(f"{each} is gone" if begun else f"{each} was gone already")
                elif left[each] != why:
                    left[each] = why
                    self.note(f"{each}: {why}")
            beside = [each for each in self.children if each.type in stage and each not in seen]
            left.update(dict.fromkeys(beside, ""))
            seen.update(beside)
            if not left or self.clock.now() >= end or self._is_hopeless(left):
                break
            self.clock.sleep(pause)
            pause = min(LATEST, 1.5 * pause)
        return left

    def _is_hopeless(self, left: Iterable[StampedResource]) -> bool:
        """Whether all of these are refused again and again: time alone will not help."""
        return all(self.refusals.get(each, 0) >= HOPELESS for each in left)

    def _step(self, resource: StampedResource) -> str | None:
        try:
            why = orphans.step(self.api, resource, self._adopt)
            if why is None or why in orphans.UNDER_WAY:
                self.refusals.pop(resource, None)
                return why
            self.refusals[resource] = count = self.refusals.get(resource, 0) + 1
            if count in INSISTENT and (done := unblock.free(self.api, resource)):
                self.note(f"{resource}: {done}")
            return why
        except CredentialsRefusedError:
            raise
        except UnreadableError as error:
            return str(error)

    def _adopt(self, parent: StampedResource, body: Body) -> None:
        """Take in what the cloud has made for this by itself: it goes after it, or besides."""
        found = stamp_children(self.api, parent, body, self.ledger)
        self.children += [each for each in found if each not in self.children]


def sweep_rows(
    api: ApiClient,
    ledger: Ledger,
    rows: list[LedgerRow],
    clock: Clock,
    note: Note,
    patience: float = PATIENCE,
) -> bool:
    """Delete what these rows of a ledger have made, once; say whether all of it is gone.

    A row whose id is not known is only closed when its request can no longer take effect.
    """
    operations = {row.operation: row for row in rows}
    sweep = Sweep(api, lambda stamp: stamp.operation in operations, clock, note, patience)
    sweep.ledger = ledger
    readable, found = True, []
    try:
        found = sweep.find()
    except CredentialsRefusedError:
        raise
    except UnreadableError as error:  # what has an id can be deleted all the same
        note(str(error))
        readable = False
    seen = {(each.type.name, each.id) for each in found}
    ids = {(row.kind, row.id) for row in rows}
    found = [replace(each, known=(each.type.name, each.id) in ids) for each in found]
    without = unstamped_operations(ledger)
    for row in rows:  # a list may be older than the resource
        if row.id and row.kind in OWNED_TYPES and (row.kind, row.id) not in seen:
            found.append(resource_of_row(ledger, row, row.operation in without))
    left = sweep.remove(found)
    complete = _settle(ledger, rows, sweep, found, left, clock, readable)
    for each in sweep.children:
        if each not in left:
            ledger.gone(each.type.name, each.id)
    return complete


def _settle(
    ledger: Ledger,
    rows: list[LedgerRow],
    sweep: Sweep,
    found: list[StampedResource],
    left: dict[StampedResource, str],
    clock: Clock,
    readable: bool,
) -> bool:
    """Write down what became of the rows; whether nothing of them is left."""
    without = unstamped_operations(ledger)
    spared = {each.id for each in sweep.spared}
    with_id = {row.id for row in rows}
    ones = {each.id: why for each, why in left.items()}
    # What no row has the id of is of all rows of its operation.
    strays = {each.stamp.operation: why for each, why in left.items() if each.id not in with_id}
    carried = {each.stamp.operation for each in found}
    complete = readable
    for row in rows:
        settled = readable and clock.time() > row.intended + SETTLING
        why = ones.get(row.id or "", strays.get(row.operation))
        if why is not None:
            ledger.set_state(row.operation, row.state, why, row.part)
            complete = False
        elif row.id or row.operation in carried or settled:
            left_alone = orphans.NOT_OURS if row.id in spared else None
            if not row.id and row.operation in without and row.operation not in carried:
                left_alone = UNTOLD
                sweep.note(f"{row.kind} of operation {row.operation}: {UNTOLD}")
            ledger.set_state(row.operation, "gone", left_alone, row.part)
        else:
            complete = False
    return complete


def clean_up(
    api: ApiClient,
    ledger: Ledger,
    clock: Clock,
    note: Note,
    processes: Iterable[str] = (),
    persistence: float = PERSISTENCE,
    patience: float = PATIENCE,
) -> bool:
    """Delete what dead processes have left (default: the whole run), trying for so many seconds.

    Without `processes` everything goes that carries the run's stamp and is not kept; but if the
    ledger is only a part of the run's, others may need what it does not know. `patience` is how
    long one try waits for everything to be gone. Returns whether all of it is gone.
    """
    named = list(processes)

    def once() -> bool:
        rows = ledger.rows("intent", "bound", processes=named)
        done = not rows or sweep_rows(api, ledger, rows, clock, note, patience)
        if done and not named and not ledger.part:
            kept = {row.operation for row in ledger.rows("kept")}
            done = _by_stamp(api, of_run(ledger.run, kept), clock, note, patience)
        return done

    return persist(once, clock, note, persistence)


def clean_up_by_stamp(
    api: ApiClient,
    wanted: Wanted,
    clock: Clock,
    note: Note,
    persistence: float = PERSISTENCE,
) -> bool:
    """Delete whatever carries a wanted stamp, where no ledger can tell more; whether all is gone.

    It goes on until a request that was under way at the beginning can no longer take effect.
    """
    began = clock.now()

    def once() -> bool:
        settled = clock.now() > began + SETTLING
        return _by_stamp(api, wanted, clock, note, PATIENCE) and settled

    return persist(once, clock, note, persistence)


def persist(once: Callable[[], bool], clock: Clock, note: Note, persistence: float) -> bool:
    """Try until it is done, for so many seconds, with growing pauses; whether it is done.

    Credentials that are refused are tried a few times only: more might lock the user out.
    """
    end = clock.now() + persistence
    pause = 1.0
    refusals = list(REFUSAL_PAUSES)
    while True:
        try:
            if once():
                return True
            wait = pause
            pause = min(LONGEST_PAUSE, 2 * pause)
        except CredentialsRefusedError as error:
            if not refusals:
                note(f"{error}; not tried again, as more tries might lock the user out")
                return False
            wait = refusals.pop(0)
            note(f"{error}; tried again in {wait:.0f} s")
        if clock.now() >= end:
            return False
        clock.sleep(min(wait, max(0.1, end - clock.now())))


def of_run(run: str, kept: Container[str]) -> Wanted:
    """Who carries the stamp of a run, but for the operations whose resources are kept."""
    return lambda stamp: stamp.run == run and stamp.operation not in kept


def _by_stamp(api: ApiClient, wanted: Wanted, clock: Clock, note: Note, patience: float) -> bool:
    """Whatever carries a wanted stamp: duplicates, and what the ledger does not know."""
    sweep = Sweep(api, wanted, clock, note, patience)
    try:
        return not sweep.remove(sweep.find_twice())
    except CredentialsRefusedError:
        raise
    except UnreadableError as error:
        note(str(error))
        return False


def clean_up_dead(
    api: ApiClient, ledger: Ledger, clock: Clock, note: Note, persistence: float = 0.0
) -> bool:
    """Finish what the reaper of a dead run did not; whether all of it is gone.

    Somebody else who is at it already is left to it, and counts as a no.
    """
    assert ledger.path is not None
    lock = ProcessLock(reaper_lock(ledger.path))
    if not lock.take():
        return False
    kept = {row.operation for row in ledger.rows("kept")}
    try:
        ledger.change_run_state(["running"], "reaping")
        complete = clean_up(api, ledger, clock, note, persistence=persistence)
        if complete:
            ledger.change_run_state(["reaping"], "reaped")
        return complete
    except LedgerError as error:
        note(f"{error}; going by the stamps in the cloud")
        whole = not ledger.part
        return whole and _by_stamp(api, of_run(ledger.run, kept), clock, note, PATIENCE)
    finally:
        lock.release()


def sweep_expired(
    api: ApiClient, spared: Iterable[str], clock: Clock, note: Note, patience: float = PATIENCE
) -> dict[StampedResource, str]:
    """Delete what has outlived its stamp, but not what is of the runs `spared`; what is left."""
    alive = set(spared)
    sweep = Sweep(api, lambda stamp: stamp.run not in alive, clock, note, patience)
    first = expired(sweep.find(), api.cloud_time.time(clock))
    if not first:
        return {}
    clock.sleep(TWICE)
    seen = {(each.type, each.id) for each in first}
    again = expired(sweep.find(), api.cloud_time.time(clock))
    return sweep.remove([each for each in again if (each.type, each.id) in seen])


def dead_runs(
    place: Path,
    auth_url: str,
    project: str,
    note: Note = lambda _: None,
    runs: Container[str] = (),
) -> list[Ledger]:
    """The ledgers of this host's runs in a project that died, and that nobody cleans up.

    Close them after use. `note` is told which ledgers cannot be read; of `runs` something was
    found in the project, by whatever name the ledger calls the cloud.
    """
    dead = []
    for ledger in ledgers(place, note):
        run = ledger.info()
        here = run is not None and (run.auth_url.rstrip("/"), run.project) == (
            auth_url.rstrip("/"),
            project,
        )
        ours = run is not None and run.host == socket.gethostname() and (here or run.run in runs)
        if run is not None and ours and run.state in ("running", "reaping") and is_dead(ledger):
            dead.append(ledger)
        else:
            ledger.close()
    return dead


def is_dead(ledger: Ledger) -> bool:
    """Whether no process of the run lives, and its reaper neither."""
    assert ledger.path is not None
    return not ledger.living() and ProcessLock(reaper_lock(ledger.path)).is_free()
