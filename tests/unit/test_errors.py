"""The errors of this package: one tree, details as attributes, picklable."""

from __future__ import annotations

import copy
import inspect
import pickle

import pytest

from pytest_osfutures import errors
from pytest_osfutures.errors import (
    Attempt,
    CleanupError,
    Event,
    InvalidArgument,
    ObjectCreationError,
    OperationDetails,
    OperationError,
    OperationFailed,
    OperationTimeout,
    OSFuturesError,
    StatusSample,
)

DETAILS = OperationDetails(
    operation="server.create",
    resource_id="s1",
    resource_name="web",
    request_id="req-1",
    status="ERROR",
    task_state=None,
    seconds=12.34,
    fault={"code": 500, "message": "No valid host was found. "},
    events=(Event("conductor_schedule", "Error", "no host"), Event("next", None)),
    messages=("quota",),
    history=(StatusSample(1.0, "BUILD", "scheduling"), StatusSample(2.0, "ERROR")),
    attempts=(Attempt(1, "s0", 3.0, "no host"),),
)
CLASSES = [
    each
    for _, each in inspect.getmembers(errors, inspect.isclass)
    if issubclass(each, BaseException) and each.__module__ == errors.__name__
]


def example(kind: type[BaseException]) -> BaseException:
    """One error of a class, with all that it can carry."""
    if issubclass(kind, OperationError):
        return kind("it broke", DETAILS)
    if issubclass(kind, CleanupError):
        return kind("left behind", ["server s1: busy"])
    return kind("a sentence")


@pytest.mark.parametrize("kind", CLASSES)
def test_all_have_one_root_and_a_contract(kind: type[BaseException]) -> None:
    assert issubclass(kind, OSFuturesError)
    assert kind.__doc__


@pytest.mark.parametrize("kind", CLASSES)
@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_all_can_be_pickled_with_their_facts(kind: type[BaseException], protocol: int) -> None:
    error = example(kind)
    again = pickle.loads(pickle.dumps(error, protocol))
    assert type(again) is kind
    assert str(again) == str(error)
    assert vars(again) == vars(error)
    assert str(copy.copy(error)) == str(error)


@pytest.mark.parametrize("kind", CLASSES)
def test_all_can_be_raised_and_told(kind: type[BaseException]) -> None:
    with pytest.raises(kind) as caught:
        raise example(kind)
    assert str(caught.value)


def test_an_operations_error_has_its_facts_as_attributes() -> None:
    error = ObjectCreationError("no host", DETAILS)
    assert isinstance(error, OperationFailed)
    for name in vars(DETAILS):
        assert getattr(error, name) == getattr(DETAILS, name)
    assert error.why == "no host"


def test_the_text_has_all_the_evidence() -> None:
    text = str(ObjectCreationError("it broke", DETAILS))
    for part in (
        "server.create of 'web' (s1) failed after 12.3 s: it broke",
        "status ERROR",
        "fault 500: No valid host was found.",
        "event conductor_schedule: Error: no host",
        "event next: not finished",
        "message of the cloud: quota",
        "request id req-1",
        "try 1 (3.0 s): no host",
    ):
        assert part in text


def test_without_facts_the_text_is_one_line() -> None:
    assert str(OperationFailed("it broke")) == "the operation failed: it broke"


def test_facts_can_be_replaced() -> None:
    error = OperationTimeout("late", DETAILS)
    error.__cause__ = KeyError("x")
    other = error.with_details(attempts=())
    assert type(other) is OperationTimeout
    assert other.attempts == ()
    assert other.resource_id == "s1"
    assert other.__cause__ is error.__cause__
    assert error.attempts == DETAILS.attempts


def test_a_timeout_is_a_timeout_error_and_bad_input_a_value_error() -> None:
    assert isinstance(OperationTimeout("late"), TimeoutError)
    assert isinstance(InvalidArgument("no"), ValueError)


def test_a_cleanup_error_names_the_remaining_resources() -> None:
    error = CleanupError("2 are left", ["a", "b"])
    assert error.left == ("a", "b")
    assert str(error) == "2 are left"
