"""How often to try and to look."""

from __future__ import annotations

import dataclasses
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_osfutures.errors import InvalidArgument
from pytest_osfutures.policy import Poll, Retry, seconds

amounts = st.floats(0, 1e6)


@given(
    st.builds(
        Retry,
        tries=st.integers(1, 10**6),
        backoff=amounts,
        factor=amounts,
        longest=amounts,
        jitter=st.floats(0, 1),
    ),
    st.integers(1, 10**6),
    st.integers(),
)
def test_a_pause_is_never_negative_nor_too_long(retry: Retry, failed: int, seed: int) -> None:
    pause = retry.pause(failed, Random(seed))
    assert 0 <= pause <= retry.longest


@given(st.floats(0.01, 10), st.floats(1, 5), st.integers(1, 60))
def test_pauses_grow_without_jitter(backoff: float, factor: float, failed: int) -> None:
    retry = Retry(backoff=backoff, factor=factor, jitter=0)
    assert retry.pause(failed, Random(1)) <= retry.pause(failed + 1, Random(1))


@given(st.integers(1, 20), st.integers())
def test_jitter_only_shortens(failed: int, seed: int) -> None:
    full = Retry(jitter=0).pause(failed, Random(seed))
    assert full / 2 <= Retry(jitter=0.5).pause(failed, Random(seed)) <= full


@pytest.mark.parametrize(
    "wrong",
    [
        {"tries": 0},
        {"tries": -1},
        {"tries": True},
        {"tries": 2.5},
        {"backoff": -1},
        {"factor": -1},
        {"longest": -1},
        {"longest": float("nan")},
        {"longest": 10**400},
        {"backoff": "1"},
        {"factor": True},
        {"jitter": None},
        {"within": 10**400},
        {"jitter": 1.1},
        {"jitter": -0.1},
    ],
)
def test_a_retry_that_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument):
        Retry(**wrong)


def test_a_number_of_tries_is_a_policy() -> None:
    usual = Retry(backoff=9)
    assert Retry.of(None, usual) is usual
    assert Retry.of(None) == Retry()
    assert Retry.of(7, usual) == Retry(tries=7, backoff=9)
    given_one = Retry(2)
    assert Retry.of(given_one, usual) is given_one
    with pytest.raises(InvalidArgument, match="try_count"):
        Retry.of(0)


def test_retry_on_takes_classes_and_predicates() -> None:
    error = KeyError("x")
    assert Retry().allows(error) is None
    assert Retry(retry_on=LookupError).allows(error) is True
    assert Retry(retry_on=(OSError, ValueError)).allows(error) is False
    assert Retry(retry_on=lambda e: e is error).allows(error) is True
    assert Retry(retry_on=lambda _: False).allows(error) is False


@pytest.mark.parametrize("kind", [Retry, Poll])
def test_policies_are_values(kind: type[Any]) -> None:
    assert kind() == kind()
    assert hash(kind()) == hash(kind())
    with pytest.raises(dataclasses.FrozenInstanceError):
        kind().tries = 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_rate": 0},
        {"burst": 0},
        {"burst": 0.5},
        {"fastest": -1},
        {"slowest": 0},
        {"read_timeout": 0},
        {"read_timeout": 10**400},
        {"max_rate": "2"},
        {"burst": True},
        {"slowest": None},
    ],
)
def test_a_poll_that_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument, match=next(iter(wrong))):
        Poll(**wrong)


@given(st.floats(0, 1e5), st.floats(0, 1e5))
def test_intervals_stay_within_their_bounds(age: float, expected: float) -> None:
    poll = Poll()
    assert poll.fastest <= poll.interval(age, expected) <= poll.slowest


@given(st.floats(0, 1e4), st.floats(0, 1e4), st.floats(0, 1e4))
def test_looks_get_rarer_with_age(age: float, more: float, expected: float) -> None:
    poll = Poll()
    assert poll.interval(age, expected) <= poll.interval(age + more, expected)


def test_an_invalid_number_of_seconds_is_named() -> None:
    assert seconds("tout", None, 7.0) == 7.0
    assert seconds("tout", 3, 7.0) == 3.0
    for wrong in (0, -1, "5", True, float("nan"), 10**400):
        with pytest.raises(InvalidArgument, match="tout="):
            seconds("tout", wrong, 7.0)  # type: ignore[arg-type]
