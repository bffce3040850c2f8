"""The limit of reads per second: a token bucket (https://en.wikipedia.org/wiki/Token_bucket)."""

from __future__ import annotations

from pytest_osfutures.policy import Poll

#: The rounding error of a sum of fractions of tokens.
EPSILON = 1e-9


class TokenBucket:
    """A bucket of `poll.burst` tokens, refilled with `poll.max_rate` tokens a second.

    A read takes one token. Times are seconds on the engine's clock.
    """

    def __init__(self, poll: Poll, now: float) -> None:
        self.poll = poll
        self.level = float(poll.burst)
        self.filled_at = now
        #: Until when each service is left alone, by the Retry-After of its last refusal.
        self._backoff_until: dict[str, float] = {}

    def wait(self, now: float, service: str) -> float:
        """Return the seconds until a read of `service` may leave; 0 if it may leave now."""
        backoff_until = self._backoff_until.get(service, now)
        if backoff_until > now:
            return backoff_until - now
        refill = (now - self.filled_at) * self.poll.max_rate
        self.level = min(self.poll.burst, self.level + refill)
        self.filled_at = now
        return 0.0 if self.allowed else (1 - self.level) / self.poll.max_rate

    @property
    def allowed(self) -> int:
        """The number of reads that may leave at once, as of the last `wait` or `take`."""
        return int(self.level + EPSILON)

    def take(self, now: float, service: str) -> float:
        """Take a token if `wait` returns 0; return the result of `wait`."""
        wait = self.wait(now, service)
        if not wait:
            self.level -= 1
        return wait

    def back_off(self, service: str, until: float) -> None:
        """Let no read of `service` leave before `until`."""
        self._backoff_until[service] = max(self._backoff_until.get(service, until), until)
