"""How many reads a second may leave."""

from __future__ import annotations

from pytest_osfutures.policy import Poll

#: What sums of fractions may be short of a whole.
EPSILON = 1e-9


class TokenBucket:
    """Lets through `burst` reads at once and `max_rate` a second in the long run.

    `quiet` says until when a service does not want to be asked at all.
    """

    def __init__(self, poll: Poll, now: float) -> None:
        self.poll = poll
        self.level = float(poll.burst)
        self.at = now
        self.quiet: dict[str, float] = {}

    def wait(self, now: float, service: str) -> float:
        """0 if a read may leave now, else the seconds until the next one may."""
        if self.quiet.get(service, now) > now:
            return self.quiet[service] - now
        self.level = min(self.poll.burst, self.level + (now - self.at) * self.poll.max_rate)
        self.at = now
        return 0.0 if self.allowed else (1 - self.level) / self.poll.max_rate

    @property
    def allowed(self) -> int:
        """How many reads may leave at once, as of the last `wait` or `take`."""
        return int(self.level + EPSILON)

    def take(self, now: float, service: str) -> float:
        """As `wait`; where it is 0 a read leaves now."""
        wait = self.wait(now, service)
        if not wait:
            self.level -= 1
        return wait
