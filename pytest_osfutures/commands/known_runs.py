"""What is known here of the runs whose stamps are in a project: the same for `ls` and `reap`."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from pytest_osfutures.cleanup import Ledger, is_dead, ledgers, living_runs
from pytest_osfutures.ownership import StampedResource
from pytest_osfutures.parsing import moment

ALIVE = "alive"
OVER = "over"
DEAD = "dead"
REAPING = "being reaped"
UNKNOWN = "unknown here"
EXPIRED = "expired"
COPY = "not its own"
#: Of several ledgers of one run, the state that counts comes first.
_RANKS = (ALIVE, UNKNOWN, REAPING, DEAD, OVER)


@dataclass(frozen=True)
class KnownRuns:
    """What the ledgers of a directory say: of runs, and of what their operations have made."""

    states: dict[str, str] = field(default_factory=dict)
    where: dict[str, str] = field(default_factory=dict)
    kept: set[str] = field(default_factory=set)
    notes: dict[str, str] = field(default_factory=dict)
    ids: set[str] = field(default_factory=set)

    def state(self, resource: StampedResource, now: float) -> str:
        """How the run of a resource is, or that its stamp has expired by the cloud's time `now`."""
        if self.is_copy(resource):
            return COPY
        known = self.states.get(resource.stamp.run, UNKNOWN)
        return EXPIRED if resource.stamp.expires < now and known != ALIVE else known

    def is_copy(self, resource: StampedResource) -> bool:
        """Whether nothing but the copy of a stamp tells that somebody here has made it."""
        return bool(resource.copied) and resource.id not in self.ids

    def reason(self, resource: StampedResource, now: float) -> str:
        """Why `osfutures reap` leaves a resource, or why its last deletion failed; else empty."""
        if self.is_copy(resource):
            return f"its stamp is a copy of the one of {resource.copied}, so it is left alone"
        state, good = self.state(resource, now), span(resource.stamp.expires - now)
        where = self.where.get(resource.stamp.run, "")
        said = {
            ALIVE: "its run is alive",
            REAPING: "a reaper is at it",
            OVER: f"its stamp is good for another {good}",
            UNKNOWN: f"{where or 'no ledger of its run'}; its stamp is good for another {good}",
        }.get(state, "")
        if resource.stamp.operation in self.kept and state != EXPIRED:
            said = f"kept for another {good}"
        note = self.notes.get(resource.stamp.operation, "")
        return "; ".join(text for text in (said, note) if text)


def look(place: Path) -> KnownRuns:
    """What the ledgers in a directory say."""
    known = KnownRuns(dict.fromkeys(living_runs(place), ALIVE))
    for ledger in ledgers(place):
        state, where = _state(ledger)
        before = known.states.get(ledger.run, OVER)
        known.states[ledger.run] = min(before, state, key=_RANKS.index)
        if known.states[ledger.run] == UNKNOWN and where:
            known.where[ledger.run] = where
        rows = ledger.rows()
        known.ids.update(row.id for row in rows if row.id and row.state != "gone")
        known.kept.update(row.operation for row in rows if row.state == "kept")
        known.notes.update({row.operation: row.note for row in rows if row.note})
        ledger.close()
    return known


def _state(ledger: Ledger) -> tuple[str, str]:
    """How a run is, and why that cannot be known."""
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
    """What tells whether a run may be alive: the age of its newest resource, and its stamps."""
    everything = list(found)
    ages = [age for each in everything if (age := seconds_old(each.created, now)) is not None]
    newest = f", the newest of them made {span(min(ages))} ago" if ages else ""
    good = span(max(each.stamp.expires for each in everything) - now)
    count = "1 resource carries" if len(everything) == 1 else f"{len(everything)} resources carry"
    return f"{count} its stamp{newest}; it is good for another {good}"


def seconds_old(created: str, now: float) -> float | None:
    """The age of what was created then, as its API shows it; None for what is no date."""
    since = moment(created)
    return None if since is None else now - since


def span(seconds: float) -> str:
    """A time in words: 45m, 5h07m."""
    minutes = max(0, int(seconds // 60))
    return f"{minutes // 60}h{minutes % 60:02}m" if minutes >= 60 else f"{minutes}m"
