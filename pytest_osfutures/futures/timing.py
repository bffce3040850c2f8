"""How long the phases of an operation have taken."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_osfutures.errors import StatusSample


def phases_of(history: Sequence[StatusSample], end: float) -> dict[str, float]:
    """Return the seconds in each state of a history; a state that came again has the sum.

    Args:
        history: the states, oldest first.
        end: end of the last state in seconds since 1970.

    Example:
        >>> samples = [StatusSample(10, "BUILD", "spawning"), StatusSample(14, "ACTIVE")]
        >>> phases_of(samples, 15)
        {'BUILD/spawning': 4, 'ACTIVE': 1}
    """
    found: dict[str, float] = {}
    ends = [*(each.time for each in history[1:]), end]
    for sample, until in zip(history, ends, strict=bool(history)):
        name = f"{sample.status}/{sample.task_state}" if sample.task_state else sample.status
        found[name] = found.get(name, 0) + max(0, until - sample.time)
    return found
