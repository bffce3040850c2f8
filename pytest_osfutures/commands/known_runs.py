"""The runs that the ledgers of a directory know, for `osfutures ls` and `osfutures reap`."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from pytest_osfutures.cleanup import Ledger, is_dead, ledgers, living_runs
from pytest_osfutures.ownership import StampedResource
from pytest_osfutures.parsing import moment

#: States of a run, as the commands print them.
ALIVE = "alive"
OVER = "over"
DEAD = "dead"
REAPING = "being reaped"
UNKNOWN = "unknown here"
#: States of a resource whose run does not matter.
EXPIRED = "expired"
COPY = "not its own"
#: Precedence of states, if a run has several ledgers.
_PRECEDENCE = (ALIVE, UNKNOWN, REAPING, DEAD, OVER)


@dataclass(frozen=True)
class KnownRuns:
    """The runs of a directory of ledgers, and the resources of their operations."""

    #: State of each run.
    states: dict[str, str] = field(default_factory=dict)
    #: Reason why the state of a run is unknown.
    where: dict[str, str] = field(default_factory=dict)
    #: Operations whose resources are kept.
    kept: set[str] = field(default_factory=set)
    #: Note of the last cleanup on each operation.
    notes: dict[str, str] = field(default_factory=dict)
    #: Ids of resources that may exist.
    ids: set[str] = field(default_factory=set)

    def state(self, resource: StampedResource, now: float) -> str:
        """Return the state of a resource's run, or that its stamp has expired, or is a copy.

        `now` is the cloud's time in seconds since 1970.
        """
        if self.is_copy(resource):
            return COPY
        known = self.states.get(resource.stamp.run, UNKNOWN)
        return EXPIRED if resource.stamp.expires < now and known != ALIVE else known

    def is_copy(self, resource: StampedResource) -> bool:
        """Return True if a resource has a copied stamp and no ledger knows the resource."""
        return bool(resource.copy_of) and resource.id not in self.ids

    def reason(self, resource: StampedResource, now: float) -> str:
        """Return the reason why `osfutures reap` leaves a resource; empty if there is none.

        The note of the last cleanup is a part of it. `now` is the cloud's time.
        """
        if self.is_copy(resource):
            return f"its stamp is a copy of the one of {resource.copy_of}, so it is left alone"
        state, lifetime = self.state(resource, now), span(resource.stamp.expires - now)
        where = self.where.get(resource.stamp.run, "") or "no ledger of its run"
        reason = {
            ALIVE: "its run is alive",
            REAPING: "a reaper is at it",
            OVER: f"its stamp is good for another {lifetime}",
            UNKNOWN: f"{where}; its stamp is good for another {lifetime}",
        }.get(state, "")
        if resource.stamp.operation in self.kept and state != EXPIRED:
            reason = f"kept for another {lifetime}"
        note = self.notes.get(resource.stamp.operation, "")
        return "; ".join(text for text in (reason, note) if text)


def read_ledgers(directory: Path) -> KnownRuns:
    """Return the runs of the ledgers in a directory."""
    known = KnownRuns(dict.fromkeys(living_runs(directory), ALIVE))
    for ledger in ledgers(directory):
        state, where = _state(ledger)
        before = known.states.get(ledger.run, OVER)
        known.states[ledger.run] = min(before, state, key=_PRECEDENCE.index)
        if known.states[ledger.run] == UNKNOWN and where:
            known.where[ledger.run] = where
        rows = ledger.rows()
        known.ids.update(row.id for row in rows if row.id and row.state != "gone")
        known.kept.update(row.operation for row in rows if row.state == "kept")
        known.notes.update({row.operation: row.note for row in rows if row.note})
        ledger.close()
    return known


def _state(ledger: Ledger) -> tuple[str, str]:
    """Return the state of a ledger's run, and the reason why the state is unknown."""
    run = ledger.info()
    if run is not None and run.state in ("ended", "reaped"):
        return OVER, ""
    if run is not None and run.host != socket.gethostname():
        return UNKNOWN, f"its run is of host {run.host}"
    if not ledger.locks_hold:
        return UNKNOWN, f"file locks do not hold beside {ledger.path}"
    if ledger.living():
        return ALIVE, ""
    return (DEAD if is_dead(ledger) else REAPING), ""


def evidence(found: Iterable[StampedResource], now: float) -> str:
    """Describe the resources of a run that may be alive: number, age of the newest, lifetime."""
    everything = list(found)
    ages = [age for each in everything if (age := seconds_old(each.created, now)) is not None]
    newest = f", the newest of them made {span(min(ages))} ago" if ages else ""
    lifetime = span(max(each.stamp.expires for each in everything) - now)
    count = "1 resource carries" if len(everything) == 1 else f"{len(everything)} resources carry"
    return f"{count} its stamp{newest}; it is good for another {lifetime}"


def seconds_old(created: str, now: float) -> float | None:
    """Return the age in seconds of a resource by its creation date; None for an invalid date."""
    since = moment(created)
    return None if since is None else now - since


def span(seconds: float) -> str:
    """Write a time in words.

    Example:
        >>> span(2700), span(18420)
        ('45m', '5h07m')
    """
    minutes = max(0, int(seconds // 60))
    return f"{minutes // 60}h{minutes % 60:02}m" if minutes >= 60 else f"{minutes}m"
