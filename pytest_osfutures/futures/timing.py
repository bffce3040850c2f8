"""How long an operation and its phases have taken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pytest_osfutures.engine import Engine
from pytest_osfutures.errors import StatusSample


class Timed:
    """The durations of a future."""

    _engine: Engine
    _began_at: float
    _ended_at: float | None

    @property
    def history(self) -> tuple[StatusSample, ...]:
        """The resource's states so far: (time, status, task_state), oldest first."""
        raise NotImplementedError

    @property
    def seconds(self) -> float:
        """The seconds from the call to its end, with all tries; the age while it is not done.

        For a call that waits for its turn, the time begins when it leaves the queue.

        Example:
            >>> future = cloud.cinder.volumes.create_async(1, name="data")
            >>> future.seconds <= future.seconds
            True
            >>> volume = future.result()
            >>> future.seconds == future.seconds
            True
        """
        ended_at = self._ended_at
        return (self._engine.clock.now() if ended_at is None else ended_at) - self._began_at

    @property
    def phases(self) -> Mapping[str, float]:
        """The seconds in each state of `history`, like `BUILD/spawning`, in order.

        A state lasts until the next one was seen, the last state until the end of the operation.
        The rest of `seconds` is the time before the first state was seen: requests, and earlier
        tries.

        Example:
            >>> future = cloud.cinder.volumes.create_async(1, name="data")
            >>> volume = future.result()
            >>> list(future.phases)
            ['creating', 'available']
        """
        clock = self._engine.clock
        end = clock.time()
        if self._ended_at is not None:
            end -= clock.now() - self._ended_at
        return phases_of(self.history, end)


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
