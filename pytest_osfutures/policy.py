"""Policies for retries and for polling: immutable values that threads can share."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random
from typing import ClassVar, Literal

from pytest_osfutures.errors import InvalidArgument

__tracebackhide__ = True  # pytest: an error belongs to the line of the test

#: The pause between two reads of an overdue operation, per second overdue. An operation that ends
#: up to 75 s late is noticed within a second.
GROWTH = 0.01
#: Answers to an operation that cannot be followed: an `osf.UnknownOperation` as a warning or error.
Unknown = Literal["warn", "error"]
RetryOn = Callable[[BaseException], bool]


def seconds(name: str, value: float | None, default: float) -> float:
    """Return `value`, a number of seconds greater than 0; None gives `default`.

    Raises InvalidArgument, with the name of the argument, for any other value.
    """
    if value is None:
        return default
    if not _is_number(value) or not value > 0:
        raise InvalidArgument(f"{name}={value!r} is not a number of seconds greater than 0")
    return float(value)


def _is_number(value: object) -> bool:
    """Return True for a number that the arithmetic of floats accepts; a bool is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return isinstance(value, float) or abs(value) <= sys.float_info.max


@dataclass(frozen=True)
class Retry:
    """How a call is tried again: the number of tries, the pauses, the errors, the deadline.

    `a | b` tries again if `a` or `b` would, after the shorter pause. `a & b` tries again if both
    would, after the longer pause. `try_count` arguments accept a `Retry` or a number of tries.

    Raises:
        InvalidArgument: A value is out of its range.

    Example:
        >>> import pytest_osfutures as osf
        >>> retry = osf.Retry(tries=2, backoff=0.5, retry_on=osf.ObjectCreationError)
        >>> cloud = osf.connect("fake")
        >>> future = cloud.cinder.volumes.create_async_r(1, name="data", try_count=retry)
        >>> future.result(timeout=60).name
        'data'
        >>> (retry | osf.Retry(tries=5)).tries
        5
        >>> osf.Retry(tries=0)
        Traceback (most recent call last):
        ...
        pytest_osfutures.errors.InvalidArgument: try_count=0 is not a whole number of 1 or more
    """

    #: The number of tries, the first included.
    tries: int = 3
    #: The pause after the first try, in seconds.
    backoff: float = 1.0
    #: Each further pause is this many times as long.
    factor: float = 2.0
    #: The longest pause, in seconds.
    longest: float = 30.0
    #: The share of the pause (0 to 1) that a random part shortens, so that many calls do not
    #: retry at the same moment.
    jitter: float = 0.5
    #: Which errors to retry on: exception classes, or a predicate, which may block. None leaves
    #: the decision to the kind of failure: a malformed request is never repeated, for example.
    retry_on: RetryOn | type[BaseException] | tuple[type[BaseException], ...] | None = None
    #: The deadline of all tries together, in seconds. The future ends then, and the clean-up of
    #: the last try goes on in the background.
    within: float | None = None

    def __post_init__(self) -> None:
        if isinstance(self.tries, bool) or not isinstance(self.tries, int) or self.tries < 1:
            raise InvalidArgument(f"try_count={self.tries!r} is not a whole number of 1 or more")
        for name in ("backoff", "factor", "longest"):
            value = getattr(self, name)
            if not _is_number(value) or not value >= 0:
                raise InvalidArgument(f"{name}={value!r} is not a number of 0 or more")
        if not _is_number(self.jitter) or not 0 <= self.jitter <= 1:
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
    def of(cls, value: int | Retry | None, default: Retry | None = None) -> Retry:
        """Return `value` if it is a policy, else `default` with `value` as the number of tries."""
        if isinstance(value, Retry):
            return value
        default = default or cls()
        return default if value is None else replace(default, tries=value)

    def allows(self, error: BaseException) -> bool | None:
        """Return the decision of `retry_on` about `error`; None if `retry_on` is None."""
        if self.retry_on is None:
            return None
        if isinstance(self.retry_on, type | tuple):
            return isinstance(error, self.retry_on)
        return bool(self.retry_on(error))

    @property
    def has_predicate(self) -> bool:
        """True if a function of the user takes part in the decision."""
        return self.retry_on is not None and not isinstance(self.retry_on, type | tuple)

    def asked(self, error: BaseException) -> Retry:
        """Return a policy that has the answers of the user's functions about `error` built in.

        Raises InvalidArgument, which names the function, if one raises.
        """
        if not self.has_predicate:
            return self
        try:
            wanted = self.allows(error)
        except BaseException as raised:  # also SystemExit, which would end the thread
            name = getattr(self.retry_on, "__qualname__", None) or repr(self.retry_on)
            why = f"{type(raised).__name__}: {raised}" if str(raised) else type(raised).__name__
            raise InvalidArgument(
                f"retry_on={name} raised {why}; it was asked about {type(error).__name__}: {error}"
            ) from raised
        return replace(self, retry_on=BaseException if wanted else ())

    def wants(self, error: BaseException, failed: int) -> bool | None:
        """Return True to try again after failure number `failed`, None if the failure decides."""
        return False if failed >= self.tries else self.allows(error)

    def pause(self, failed: int, random: Random) -> float:
        """Return the seconds to wait after the `failed`-th try."""
        try:
            full = min(self.longest, self.backoff * self.factor ** (failed - 1))
        except OverflowError:
            full = self.longest if self.backoff else 0.0
        return full * (1 - self.jitter * random.random())


@dataclass(frozen=True)
class Combination(Retry):
    """A policy that asks several others."""

    parts: tuple[Retry, ...] = ()

    #: The wish of one part that decides alone.
    decisive: ClassVar[bool]

    @property
    def has_predicate(self) -> bool:
        return any(part.has_predicate for part in self.parts)

    def asked(self, error: BaseException) -> Retry:
        return replace(self, parts=tuple(part.asked(error) for part in self.parts))

    def wants(self, error: BaseException, failed: int) -> bool | None:
        if failed >= self.tries:
            return False
        wishes = [part.wants(error, failed) for part in self.parts]
        if self.decisive in wishes:
            return self.decisive
        return None if None in wishes else not self.decisive

    def pause(self, failed: int, random: Random) -> float:
        chosen = min if self.decisive else max
        return chosen(part.pause(failed, random) for part in self.parts)


@dataclass(frozen=True)
class Either(Combination):
    """A policy that tries again if one of `parts` would."""

    decisive = True


@dataclass(frozen=True)
class Both(Combination):
    """A policy that tries again if all of `parts` would."""

    decisive = False


@dataclass(frozen=True)
class Poll:
    """How often the engine reads the state of running operations.

    The first read comes when the operation is likely to be done. Further reads come every
    `fastest` seconds, twice as often while many operations end at a time, and less often, down to
    every `slowest` seconds, the longer an operation takes beyond known durations.

    Raises:
        InvalidArgument: A value is not greater than 0.

    Example:
        >>> import pytest_osfutures as osf
        >>> cloud = osf.connect("fake", poll=osf.Poll(max_rate=20, fastest=0.05))
        >>> cloud.cinder.volumes.create_async(1).result(timeout=60).status
        'available'
    """

    #: The greatest number of reads per second in the long run, for each project.
    max_rate: float = 2.0
    #: The number of reads that may leave at once after a quiet time.
    burst: int = 8
    #: The shortest and the longest pause between two reads of a kind, in seconds.
    fastest: float = 0.5
    slowest: float = 5.0
    #: A read without an answer fails after this many seconds, and is repeated later.
    read_timeout: float = 30.0

    def __post_init__(self) -> None:
        for name in ("max_rate", "fastest", "slowest", "read_timeout", "burst"):
            value = getattr(self, name)
            if not _is_number(value) or not value > 0:
                raise InvalidArgument(f"{name}={value!r} is not a number greater than 0")
        if self.burst < 1:
            raise InvalidArgument(
                f"burst={self.burst!r} would never let a read through; 1 or more does"
            )

    def interval(self, age: float, expected: float) -> float:
        """Return the seconds between two reads of an operation that is `age` seconds old.

        Args:
            age: Seconds since the cloud accepted the operation.
            expected: The longest known duration of such operations, in seconds.
        """
        overdue = max(0.0, age - expected)
        return min(self.slowest, max(self.fastest, GROWTH * overdue))


def one_of(name: str, value: str, words: tuple[str, ...]) -> str:
    """Return `value` if it is one of `words`; raise InvalidArgument otherwise."""
    if value not in words:
        raise InvalidArgument(f"{name}={value!r}: accepted are {', '.join(map(repr, words))}")
    return value
