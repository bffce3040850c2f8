"""What the background operations of OpenStack are: a row for each, and how it is judged."""

from pytest_osfutures.operations.judge import (
    ENOUGH_FAILURES,
    Case,
    Failed,
    Running,
    Succeeded,
    Verdict,
    events,
    verdict_of,
)
from pytest_osfutures.operations.model import (
    Body,
    Expect,
    Names,
    Operation,
    Ref,
    ResourceType,
    Route,
    Sight,
    Table,
    Undo,
)
from pytest_osfutures.operations.resource_types import ACTION
from pytest_osfutures.operations.status_words import (
    is_at_rest,
    is_done,
    is_under_way,
    learned,
    remembered,
    status_field,
)
from pytest_osfutures.operations.table import TABLE

__all__ = [
    "ACTION",
    "ENOUGH_FAILURES",
    "TABLE",
    "Body",
    "Case",
    "Expect",
    "Failed",
    "Names",
    "Operation",
    "Ref",
    "ResourceType",
    "Route",
    "Running",
    "Sight",
    "Succeeded",
    "Table",
    "Undo",
    "Verdict",
    "events",
    "is_at_rest",
    "is_done",
    "is_under_way",
    "learned",
    "remembered",
    "status_field",
    "verdict_of",
]
