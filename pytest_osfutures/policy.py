"""How often to try, how often to look, how long to wait: immutable values, safe to share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random

from pytest_osfutures.errors import InvalidArgument

__tracebackhide__ = True  # pytest: an error belongs to the line of the test

#: Share of the time by which an operation is older than expected that a pause between looks lasts.
#: Up to 75 s over, the end of a straggler is noticed within a second.
GROWTH = 0.01
RetryOn = Callable[[BaseException], bool]


def seconds(name: str, value: float | None, default: float) -> float:
    """`value` as a number of seconds greater than 0, or `default` for None.

    Raises InvalidArgument, which names the argument and what would have been accepted.
    """
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        raise InvalidArgument(f"{name}={value!r} is not a number of seconds greater than 0")
    return float(value)


@dataclass(frozen=True)
class Retry:
    """How an operation is tried again: up to `tries` times in all, with growing pauses.

    The pause after try n is `backoff * factor**(n-1)` seconds, at most `longest`, shortened by a
    random part of up to `jitter` (0 to 1), so that many operations do not come back together.
    `retry_on` decides about an error: a predicate (which may block: it runs in a thread for users'
    functions), or the exception classes to retry on; None leaves it to the kind of failure (a
    wrong request is never repeated). `within` is the deadline of all tries together, in seconds:
    then the operation ends, and what is left is taken back.

    `a | b` tries again where one of the two would, after the shorter pause; `a & b` where both
    would, after the longer one.
    """

    tries: int = 3
    backoff: float = 1.0
    factor: float = 2.0
    longest: float = 30.0
    jitter: float = 0.5
    retry_on: RetryOn | type[BaseException] | tuple[type[BaseException], ...] | None = None
    within: float | None = None

    def __post_init__(self) -> None:
        if isinstance(self.tries, bool) or not isinstance(self.tries, int) or self.tries < 1:
            raise InvalidArgument(f"try_count={self.tries!r} is not a whole number of 1 or more")
        for name in ("backoff", "factor", "longest"):
            if not getattr(self, name) >= 0:
                raise InvalidArgument(f"{name}={getattr(self, name)!r} is less than 0")
        if not 0 <= self.jitter <= 1:
            raise InvalidArgument(f"jitter={self.jitter!r} is not between 0 and 1")
        if self.within is not None:
            seconds("within", self.within, 0.0)

    def __or__(self, other: Retry) -> Retry:
        withins = [each.within for each in (self, other)]
        within = None if None in withins else max(each for each in withins if each is not None)
        return Either(max(self.tries, other.tries), within=within, parts=(self, other))

    def __and__(self, other: Retry) -> Retry:
        withins = [each.within for each in (self, other) if each.within is not None]
        within = min(withins, default=None)
        return Both(min(self.tries, other.tries), within=within, parts=(self, other))

    @classmethod
    def of(cls, value: int | Retry | None, usual: Retry | None = None) -> Retry:
        """The policy that `value` stands for: itself, or `usual` with that number of tries."""
        if isinstance(value, Retry):
            return value
        usual = usual or cls()
        return usual if value is None else replace(usual, tries=value)

    def allows(self, error: BaseException) -> bool | None:
        """Whether `retry_on` wants another try after `error`; None if it has no opinion."""
        if self.retry_on is None:
            return None
        if isinstance(self.retry_on, type | tuple):
            return isinstance(error, self.retry_on)
        return bool(self.retry_on(error))

    @property
    def has_predicate(self) -> bool:
        """Whether a function of the user's takes part in the decision."""
        return self.retry_on is not None and not isinstance(self.retry_on, type | tuple)

    def asked(self, error: BaseException) -> Retry:
        """The same policy with the answers of the user's functions about `error`.

        Raises InvalidArgument, which names the function, if one raises.
        """
        if not self.has_predicate:
            return self
        try:
            wanted = self.allows(error)
        except BaseException as raised:  # also a SystemExit: it must not take the thread along
            name = getattr(self.retry_on, "__qualname__", None) or repr(self.retry_on)
            why = f"{type(raised).__name__}: {raised}" if str(raised) else type(raised).__name__
            raise InvalidArgument(
                f"retry_on={name} raised {why}; it was asked about {type(error).__name__}: {error}"
            ) from raised
        return replace(self, retry_on=BaseException if wanted else ())

    def wants(self, error: BaseException, failed: int) -> bool | None:
        """Whether to try again after the `failed`-th failure; None: as the kind of failure is."""
        return False if failed >= self.tries else self.allows(error)

    def pause(self, failed: int, random: Random) -> float:
        """Seconds to wait after the `failed`-th try."""
        try:
            full = min(self.longest, self.backoff * self.factor ** (failed - 1))
        except OverflowError:
            full = self.longest if self.backoff else 0.0
        return full * (1 - self.jitter * random.random())


@dataclass(frozen=True)
class Either(Retry):
    """Tries again where one of `parts` would."""

    parts: tuple[Retry, ...] = ()

    @property
    def has_predicate(self) -> bool:
        return any(part.has_predicate for part in self.parts)

    def asked(self, error: BaseException) -> Retry:
        return replace(self, parts=tuple(part.asked(error) for part in self.parts))

    def wants(self, error: BaseException, failed: int) -> bool | None:
        if failed >= self.tries:
            return False
        wishes = [part.wants(error, failed) for part in self.parts]
        return True if True in wishes else None if None in wishes else False

    def pause(self, failed: int, random: Random) -> float:
        return min(part.pause(failed, random) for part in self.parts)


@dataclass(frozen=True)
class Both(Retry):
    """Tries again where all of `parts` would."""

    parts: tuple[Retry, ...] = ()

    @property
    def has_predicate(self) -> bool:
        return any(part.has_predicate for part in self.parts)

    def asked(self, error: BaseException) -> Retry:
        return replace(self, parts=tuple(part.asked(error) for part in self.parts))

    def wants(self, error: BaseException, failed: int) -> bool | None:
        if failed >= self.tries:
            return False
        wishes = [part.wants(error, failed) for part in self.parts]
        return False if False in wishes else None if None in wishes else True

    def pause(self, failed: int, random: Random) -> float:
        return max(part.pause(failed, random) for part in self.parts)


@dataclass(frozen=True)
class Poll:
    """How often the cloud is asked about what is under way.

    Never more than `max_rate` reads a second in total, but for up to `burst` that were saved
    before. The first look comes when the operation is likely to be done; then every `fastest`
    seconds, twice as often while many operations end at a time, and slower as the operation gets
    older than anything known, down to every `slowest` seconds. A read is given up after
    `read_timeout` seconds and repeated later.
    """

    max_rate: float = 2.0
    burst: int = 8
    fastest: float = 0.5
    slowest: float = 5.0
    read_timeout: float = 30.0

    def __post_init__(self) -> None:
        for name in ("max_rate", "fastest", "slowest", "read_timeout", "burst"):
            if not getattr(self, name) > 0:
                raise InvalidArgument(f"{name}={getattr(self, name)!r} is not greater than 0")
        if self.burst < 1:
            raise InvalidArgument(
                f"burst={self.burst!r} would never let a read through; 1 or more does"
            )

    def interval(self, age: float, expected: float) -> float:
        """Seconds from one look to the next at an operation that is `age` seconds old.

        `expected` is how long operations of its kind take at most, as far as is known.
        """
        overdue = max(0.0, age - expected)
        return min(self.slowest, max(self.fastest, GROWTH * overdue))


def one_of(name: str, value: str, words: tuple[str, ...]) -> str:
    """`value`, if it is one of `words`; else InvalidArgument says so."""
    if value not in words:
        raise InvalidArgument(f"{name}={value!r}: accepted are {', '.join(map(repr, words))}")
    return value
