"""The facts that explain the failure of a test: its resources and their operations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pytest_osfutures.errors import Attempt, Event, StatusSample
from pytest_osfutures.operations import ResourceType


@dataclass(frozen=True)
class Target:
    """A resource about which the cloud is asked."""

    type: ResourceType
    id: str
    name: str = ""
    #: Values that are hidden wherever they stand.
    secrets: frozenset[str] = field(default=frozenset(), repr=False)

    def __str__(self) -> str:
        name = f" {self.name!r}" if self.name else ""
        return f"{self.type.name}{name} ({self.id})"


@dataclass(frozen=True)
class ActionEvidence:
    """An instance action of a server that has failed or is not finished."""

    #: Name of the action, as "create".
    action: str
    request_id: str
    #: Start of the action, as Nova writes it.
    started: str
    events: tuple[Event, ...] = ()


@dataclass(frozen=True)
class ResourceEvidence:
    """Everything that the cloud told about one resource."""

    target: Target
    #: False if the cloud says that there is no such resource.
    exists: bool = True
    #: None if the state could not be read.
    status: str | None = None
    task_state: str | None = None
    #: Nova's fault: `code`, `message` and perhaps `details`.
    fault: Mapping[str, Any] | None = None
    actions: tuple[ActionEvidence, ...] = ()
    #: Cinder's messages for users, oldest first.
    messages: tuple[str, ...] = ()
    #: The end of the console of a server, without secrets; None if it was not read.
    console: str | None = None
    #: Facts that could not be read, with the reason; one line for each reason.
    gaps: tuple[str, ...] = ()


@dataclass(frozen=True)
class OperationEvidence:
    """A call of the test, or of a fixture of the test."""

    #: Name of the operation, as "server.create".
    operation: str
    #: The end of the operation, or the time for which it has been running.
    state: str
    resource_id: str | None = None
    resource_name: str | None = None
    request_id: str | None = None
    #: The states that were read, oldest first.
    history: tuple[StatusSample, ...] = ()
    #: The failed tries, oldest first.
    attempts: tuple[Attempt, ...] = ()
    #: One line for each fact of the operation's error.
    error: tuple[str, ...] = ()
    #: Values that are hidden wherever they stand.
    secrets: frozenset[str] = field(default=frozenset(), repr=False)


@dataclass(frozen=True)
class TestEvidence:
    """The evidence about one test."""

    __test__ = False  # no test case for pytest

    #: One sentence for each future that the test was waiting for when it failed.
    waits: tuple[str, ...] = ()
    resources: tuple[ResourceEvidence, ...] = ()
    operations: tuple[OperationEvidence, ...] = ()
    #: Sentences about facts that were left out.
    notes: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.waits or self.resources or self.operations or self.notes)
