"""The tables of a cloud, one for each resource type; each keeps its deleted resources."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

from pytest_osfutures.fakecloud.kernel.resource import ResourceRecord
from pytest_osfutures.fakecloud.kernel.schedule import Schedule

R = TypeVar("R", bound=ResourceRecord)


class RecordDatabase:
    """All tables of one cloud, and the delay with which lists show changes."""

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule
        self.tables: list[ResourceTable[Any]] = []
        self.stale_seconds = 0.0  #: lists answer as of this many seconds ago
        self.hide_new_seconds = 0.0  #: a new resource is missing from lists for so long

    @contextmanager
    def delayed_lists(self, stale_seconds: float, hide_new_seconds: float) -> Iterator[None]:
        """Apply both delays to the request that is handled inside the `with` block."""
        self.stale_seconds, self.hide_new_seconds = stale_seconds, hide_new_seconds
        try:
            yield
        finally:
            self.stale_seconds = self.hide_new_seconds = 0.0

    def rows(self, deleted: bool = False) -> list[dict[str, Any]]:
        """Return a row for each resource of each table, in order of creation within a table."""
        return [row for table in self.tables for row in table.rows(deleted)]


class ResourceTable(Generic[R]):
    """All resources of one type, with the deleted resources."""

    def __init__(self, database: RecordDatabase, kind: str) -> None:
        self._database = database
        self.kind = kind
        self._alive: dict[str, R] = {}
        self._gone: dict[str, R] = {}
        self._forgotten: list[R] = []
        database.tables.append(self)

    def add(self, resource: R) -> R:
        """Add `resource`; the present time is its `created_at`."""
        now = self._database.schedule.time()
        resource.created_at = now
        hidden = self._database.schedule.in_dates(self._database.hide_new_seconds)
        resource.listed_from = now + hidden
        resource.remember(self._database.schedule)
        self._alive[resource.id] = resource
        return resource

    def remove(self, resource: R) -> None:
        """Delete `resource` and end its lifecycle."""
        if self._alive.pop(resource.id, None) is not None:
            resource.deleted_at = self._database.schedule.time()
            resource.activity = None
            self._gone[resource.id] = resource

    def forget(self, resource: R) -> None:
        """Delete `resource` without a trace in the API; only `rows` still returns it."""
        self.remove(resource)
        self._gone.pop(resource.id, None)
        self._forgotten.append(resource)

    def get(self, resource_id: str) -> R | None:
        """Return the resource with that id; None if it is deleted or unknown."""
        return self._alive.get(resource_id)

    def gone(self, resource_id: str) -> R | None:
        """Return the deleted resource with that id, or None."""
        return self._gone.get(resource_id)

    def __iter__(self) -> Iterator[R]:
        return iter(list(self._alive.values()))

    def __len__(self) -> int:
        return len(self._alive)

    def listed(self, deleted: bool = False) -> list[R]:
        """Return the resources of a list request, with the deleted resources if `deleted`.

        A fault rule may delay the list (effect `stale`) or hide new resources (effect `slow`).
        """
        now = self._database.schedule.time()
        if age := self._database.stale_seconds:
            return self._listed_at(now - self._database.schedule.in_dates(age), deleted)
        found = [resource for resource in self._alive.values() if resource.listed_from <= now]
        return found + list(self._gone.values()) if deleted else found

    def _listed_at(self, when: float, deleted: bool) -> list[R]:
        then: list[R] = []
        for resource in (*self._alive.values(), *self._gone.values()):
            if resource.created_at > when or resource.listed_from > when:
                continue
            gone = resource.deleted_at is not None and resource.deleted_at <= when
            if not gone or deleted:
                then.append(resource.as_of(when))
        return then

    def rows(self, gone: bool = False) -> list[dict[str, Any]]:
        """Return a row for each resource in order of creation; with `gone` also deleted ones."""
        past = (*self._gone.values(), *self._forgotten) if gone else ()
        everything = (*self._alive.values(), *past)
        return [
            {
                "kind": self.kind,
                "id": resource.id,
                "name": resource.name,
                "project_id": resource.project_id,
                "status": resource.shown_status,
                "metadata": dict(resource.metadata),
                "created_at": resource.created_at,
                "updated_at": resource.updated_at,
                "deleted_at": resource.deleted_at,
            }
            for resource in sorted(everything, key=lambda resource: resource.created_at)
        ]
