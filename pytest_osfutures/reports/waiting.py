"""The text of the line about a wait: for how many resources, in which states, since when."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Waiting(NamedTuple):
    """The operations of one name for which a process waits. Plain values: they cross processes."""

    #: The operation's name, like `server.create`; "" before any request.
    operation: str
    #: Each state with the number of operations in it, as `BUILD/spawning`.
    states: tuple[tuple[str, int], ...]
    #: Seconds since the wait has begun.
    seconds: float
    #: The usual duration of the operation in seconds; None if that is unknown.
    usual: float | None = None


def merged(waits: Iterable[Waiting]) -> list[Waiting]:
    """Return the waits of several processes as those of one."""
    groups: dict[str, list[Waiting]] = {}
    for each in waits:
        groups.setdefault(each.operation, []).append(each)
    return [_sum(operation, members) for operation, members in groups.items()]


def _sum(operation: str, members: Sequence[Waiting]) -> Waiting:
    states: Counter[str] = Counter()
    for each in members:
        states.update(dict(each.states))
    usual = [each.usual for each in members if each.usual is not None]
    seconds = max(each.seconds for each in members)
    return Waiting(operation, tuple(states.items()), seconds, max(usual, default=None))


def waiting_text(waits: Sequence[Waiting]) -> str:
    """Return the line about waits.

    Example:
        >>> states = (("ACTIVE", 1), ("BUILD/spawning", 2))
        >>> waiting_text([Waiting("server.create", states, 14.2, 21.6)])
        'waiting for 3 servers: 1 ACTIVE, 2 BUILD/spawning, 14 s, usually 22 s'
    """
    groups = "; ".join(f"{_subject(each)}: {_states(each)}" for each in waits)
    parts = [f"waiting for {groups}", f"{max(each.seconds for each in waits):.0f} s"]
    usual = [each.usual for each in waits if each.usual is not None]
    if usual:
        parts.append(f"usually {_seconds(max(usual))}")
    return ", ".join(parts)


def _seconds(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds >= 1 else f"{seconds:.1f} s"


def _states(wait: Waiting) -> str:
    return ", ".join(f"{count} {state}" for state, count in sorted(wait.states))


def _subject(wait: Waiting) -> str:
    """Return what a wait is for: `3 servers`, `the deletion of 1 volume`, `2 x server.stop`."""
    count = sum(number for _, number in wait.states)
    resource, _, verb = wait.operation.partition(".")
    noun = f"{count} {resource.replace('_', ' ') or 'call'}{'' if count == 1 else 's'}"
    if verb in ("", "create"):
        return noun
    return f"the deletion of {noun}" if verb == "delete" else f"{count} x {wait.operation}"
