"""What users hold: the future of a background operation, and functions that wait for several."""

from pytest_osfutures.futures.declared import DeclaredFuture
from pytest_osfutures.futures.facts import (
    accepted_at,
    accepted_details,
    is_taken,
    refused_operation,
    secrets_of,
    state_of,
    title_of,
    type_of,
)
from pytest_osfutures.futures.future import (
    OperationFuture,
    error_of,
    link,
    undo_of,
    value_of,
)
from pytest_osfutures.futures.observer import Observer, waiting_for
from pytest_osfutures.futures.progress import on_status, progress_of
from pytest_osfutures.futures.promise import (
    Promise,
    begun_like,
    finished,
    joined,
    renewed,
    then,
)
from pytest_osfutures.futures.waiting import (
    ALL_COMPLETED,
    FIRST_COMPLETED,
    FIRST_EXCEPTION,
    as_completed,
    gather,
    wait,
)

__all__ = [
    "ALL_COMPLETED",
    "FIRST_COMPLETED",
    "FIRST_EXCEPTION",
    "DeclaredFuture",
    "Observer",
    "OperationFuture",
    "Promise",
    "accepted_at",
    "accepted_details",
    "as_completed",
    "begun_like",
    "error_of",
    "finished",
    "gather",
    "is_taken",
    "joined",
    "link",
    "on_status",
    "progress_of",
    "refused_operation",
    "renewed",
    "secrets_of",
    "state_of",
    "then",
    "title_of",
    "type_of",
    "undo_of",
    "value_of",
    "wait",
    "waiting_for",
]
