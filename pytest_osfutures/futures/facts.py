"""Facts about a future that this package needs and users do not."""

from __future__ import annotations

from typing import Any

from pytest_osfutures.errors import OperationDetails
from pytest_osfutures.futures.future import OperationFuture
from pytest_osfutures.operations import ResourceType


def accepted_at(future: OperationFuture[Any]) -> float | None:
    """Return the time on the engine's clock at which the cloud accepted the last request."""
    return future._watch.accepted_at if future._watch else None


def refused_operation(future: OperationFuture[Any]) -> str:
    """Return the operation that a refused request would have started; "" without a refusal."""
    return future._refused


def title_of(future: OperationFuture[Any]) -> str:
    """Return the operation's name, or the name of the call before its request is accepted."""
    return future.operation or future._title()


def state_of(future: OperationFuture[Any]) -> str:
    """Return state, age and last status: `running for 3.0 s, last status BUILD (spawning)`."""
    return future._state_text()


def type_of(future: OperationFuture[Any]) -> ResourceType | None:
    """Return the type of the operation's resource; None before the request is accepted."""
    return future._watch.operation.type if future._watch else None


def secrets_of(future: OperationFuture[Any]) -> frozenset[str]:
    """Return the values of the secret fields of the request and of its answer."""
    return frozenset(future._watch.secrets) if future._watch else frozenset()


def is_taken(future: OperationFuture[Any]) -> bool:
    """Return True if a user has asked for the result, or has undone the operation."""
    return future._taken


def accepted_details(future: OperationFuture[Any]) -> OperationDetails:
    """Return the known facts about the operation of a future, for an error."""
    if future._watch is None:
        return OperationDetails()
    return future._watch.details(future._engine.clock.now())
