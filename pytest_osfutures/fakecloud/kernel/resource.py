"""The base class of every resource: its fields, and their values of the last minutes."""

from __future__ import annotations

import copy
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Self

from pytest_osfutures.fakecloud.kernel.schedule import Schedule

HISTORY_SECONDS = 600.0  # how far back a stale answer can look


@dataclass(eq=False, kw_only=True)
class ResourceRecord:
    """One thing with an id. Replace the mappings in its fields, never change them in place:

    each assignment is remembered for a while, so that a list can be answered as of some seconds
    ago. Times are seconds since 1970.
    """

    id: str
    name: str | None = None
    project_id: str = ""
    user_id: str = ""
    status: str = ""
    metadata: dict[str, str] = field(default_factory=dict)
    created_at: float = 0.0
    updated_at: float | None = None
    deleted_at: float | None = None
    listed_from: float = 0.0
    activity: object = None  # the lifecycle that moves it now; a new one takes over

    def __setattr__(self, name: str, value: Any) -> None:
        past: deque[tuple[float, str, Any]] | None = self.__dict__.get("_past")
        if past is not None:
            now = self.__dict__["_schedule"].time()
            while past and past[0][0] < now - HISTORY_SECONDS:
                past.popleft()
            past.append((now, name, self.__dict__.get(name)))
        object.__setattr__(self, name, value)

    @property
    def shown_status(self) -> str:
        """The status as its API shows it."""
        return self.status

    def remember(self, schedule: Schedule) -> None:
        """Begin to record each change of a field with its time on `schedule`."""
        self.__dict__["_schedule"] = schedule
        self.__dict__["_past"] = deque()

    def touch(self) -> None:
        """It has changed just now."""
        self.updated_at = self.__dict__["_schedule"].time()

    def as_of(self, when: float) -> Self:
        """A copy with the fields as they were at `when`."""
        then = copy.copy(self)
        then.__dict__["_past"] = None
        for moment, name, value in reversed(self.__dict__["_past"]):
            if moment <= when:
                break
            then.__dict__[name] = value
        return then
