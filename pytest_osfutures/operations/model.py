"""The types of the operation tables.

An `Operation` is one row: the request that starts it, what to expect of which resource, and how
to undo it. It is written against the REST API and knows no client library.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from pytest_osfutures.parsing import identifier

Body = Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class ResourceType:
    """A type of resource: how it is read, listed, recognised as the run's own, and deleted.

    All paths are relative to the endpoint of the service. Types are compared by identity.
    """

    #: The type's name in messages, in the ledger and in names of operations ("server.create").
    name: str
    #: The official service type (https://service-types.openstack.org).
    service: str
    #: Path of one resource, with the variables that identify it in braces.
    path: str
    #: Key of the resource in the response body; empty if the body itself is the resource.
    member: str
    #: Path of the list with the status of all resources; None if there is no such list.
    list_path: str | None = None
    #: Key of the list in the response body.
    collection: str | None = None
    #: Microversion of every read; empty for that of the caller's own request.
    version: str = ""
    #: True if the list can be limited to resources that changed since a moment.
    changes_since: bool = False
    #: Name of the status field; None if the type has none.
    status: str | None = "status"
    #: Name of the field that is set while Nova works on the resource.
    task_state: str | None = None
    #: Statuses that mean that the resource no longer exists.
    gone: frozenset[str] = frozenset()
    #: Statuses during which the service works on the resource.
    busy: frozenset[str] = frozenset()
    #: Statuses in which nothing is under way.
    steady: frozenset[str] = frozenset()
    #: True for resources that only explain failures: a 404 or 403 on them is no failure.
    explains_only: bool = False
    #: Type of the resource that explains failures of this one.
    explained_by: ResourceType | None = None
    #: Seconds for which a new resource may answer 404.
    visible_within: float = 0.0
    #: True if neither the wrapping of the response body nor its fields are known in advance.
    loose: bool = False

    #: Path of the list of the project's own resources, "{project}" standing for the project's id;
    #: empty for types that carry no stamp.
    owned_path: str = ""
    #: Field that identifies a resource in its path.
    id_field: str = "id"
    #: True if the stamp may stand in the description.
    stamp_in_description: bool = False
    #: Lowest microversion whose responses show the metadata that carries the stamp.
    stamp_version: str = ""
    #: Alias of the Neutron extension without which the type does not exist.
    extension: str = ""

    #: Attribute of the novaclient or cinderclient Client whose manager makes the objects.
    manager: str = ""
    #: Class of openstacksdk that represents a resource, below the package `openstack`.
    sdk_class: str = ""

    @property
    def collection_path(self) -> str:
        """Path to which create requests are sent."""
        return self.path.rpartition("/")[0]

    def ref(self, **variables: str) -> ResourceRef:
        """The resource of this kind that `variables` (those in `path`) identify."""
        path = self.path.format_map(variables)
        return ResourceRef(self, path, re.split(r"[/=]", path)[-1])


@dataclass(frozen=True, slots=True)
class ResourceRef:
    """One resource: its kind, the path that reads it, and its id in lists."""

    type: ResourceType
    path: str
    id: str


@dataclass(frozen=True, slots=True)
class Observation:
    """What one read said about one resource; `body` None says that it is not there.

    `asked_at` is when the request for it STARTED, on the engine's clock. `confirmed` says that
    this very resource was asked for; else it was looked up in a list.
    """

    requested_at: float
    body: Body | None
    confirmed: bool = True


@dataclass(frozen=True)
class Route:
    """The request that starts an operation: method, path and, for actions, the body's key."""

    service: str
    method: str
    path: str
    action: str | None = None

    def match(self, method: str, path: str, request: Any) -> dict[str, str] | None:
        """The names in the path if this is such a request, else None."""
        if method != self.method:
            return None
        if self.action is not None and not (
            isinstance(request, Mapping) and self.action in request
        ):
            return None
        found = self._pattern.match(path)
        return found.groupdict() if found else None

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", self.path) + r"/?\Z")


Variables = Mapping[str, str]
#: Looks at a whole resource: True it is as it should be at the end, False it is not (a failure if
#: nothing is under way), None it is on its way, a text says why it never will be.
Predicate = Callable[[Body, Variables], bool | str | None]
#: What a resource tells the operation for what is looked at later: more names. The number is how
#: many seconds after the accept it was asked for.
Extractor = Callable[[Body, Variables, float], Variables]
#: Where a name is found: in the request, the response or the answer's headers.
VariableSource = str | tuple[str, ...] | Callable[[Any, Any], str | None]


@dataclass(frozen=True)
class Expectation:
    """What one resource looks like when the operation is done, under way, or has failed.

    `variables` tells which resource: the names in its kind's path, as templates over the operation's
    names; while one of these is unknown, nothing is expected. `gone=True` expects that it
    disappears. `success` are the statuses of the end (empty: that it exists is enough), together
    with `predicate`, which looks at the whole resource; `running` those on the way; `failure` those
    that end it badly at once; `accepted_with_event` are an end too if the operation's event has succeeded.
    `after_previous` says that it is only looked at when everything before it is as it should be. `extract`
    finds more names in it; the first word about a name counts.
    """

    type: ResourceType
    success: frozenset[str] = frozenset()
    running: frozenset[str] = frozenset()
    failure: frozenset[str] = frozenset()
    gone: bool = False
    predicate: Predicate | None = None
    variables: Mapping[str, str] = field(default_factory=lambda: {"id": "{id}"})
    accepted_with_event: frozenset[str] = frozenset()
    after_previous: bool = False
    extract: Extractor | None = None

    def ref(self, variables: Variables) -> ResourceRef | None:
        """The resource that this is about; None while that is not known."""
        try:
            found = {key: text.format_map(variables) for key, text in self.variables.items()}
        except KeyError:
            return None
        return self.type.ref(**found)


@dataclass(frozen=True)
class UndoRequest:
    """The request that takes an operation back; the table knows it as an operation itself.

    `nothing_to_undo` are the answers which say that there is nothing to take back. `per_member` says that
    every member of what the operation makes needs such a request.
    """

    service: str
    method: str
    path: str
    body: Body | None = None
    nothing_to_undo: frozenset[int] = frozenset({404})
    per_member: bool = False


@dataclass(frozen=True, eq=False)
class Operation:
    """One row of the table: one kind of background work.

    `variables` adds to the names in the route's path: where in the request, the response or the
    headers another one is found. `main_index` is the place in `expects` of the resource that the
    operation is about; where it makes many, `members` finds them, each of the kind `member`, and
    `are_identified` says whether those that a list showed right after the request can be no others.

    `action` names the server whose instance actions tell about this operation, `event` the event
    in it that does the work; `event_required` says that success needs this event's success too.
    `marks_busy` says that the cloud marks the resource as busy before it answers, so that one which is
    not busy and not as it should be has failed.

    `creates` says that something new comes to life. `must_be_idle` are other resources that must not be
    busy. `tout` is the usual deadline and `usual_duration` the usual duration, both in seconds; `stamp_field` is
    where in the request the metadata of a new resource stands, `stamp_since` the microversion that
    brought it: before, the description has to do. `ledger_only` says that no request can carry a stamp,
    but that the ledger takes note of what is made. `multi_request` says that calls may go on with other
    requests: what a lost one has made is then taken back, and the call made again.
    """

    name: str
    route: Route
    expects: tuple[Expectation, ...]
    variables: Mapping[str, VariableSource] = field(default_factory=dict)
    main_index: int = 0
    members: Callable[[Body, Variables], list[Body]] | None = None
    are_identified: Callable[[list[Body], Variables], bool] | None = None
    member_type: ResourceType | None = None
    action: str | None = None
    event: str | None = None
    event_required: bool = False
    marks_busy: bool = True
    creates: bool = False
    must_be_idle: tuple[Expectation, ...] = ()
    undo: UndoRequest | None = None
    tout: float = 300.0
    usual_duration: float = 5.0
    stamp_field: str | None = None
    stamp_since: str = ""
    ledger_only: bool = False
    multi_request: bool = False
    applies_to: Callable[[Any, Variables], bool] | None = None

    def recognise(self, service: str, method: str, path: str, request: Any) -> Variables | None:
        """The operation's names if this request starts it, else None."""
        if service != self.route.service:
            return None
        variables = self.route.match(method, path, request)
        if variables is None or (
            self.applies_to is not None and not self.applies_to(request, variables)
        ):
            return None
        return variables

    def identify(
        self,
        variables: Variables,
        request: Any,
        response: Any,
        headers: Mapping[str, str] | None = None,
    ) -> Variables:
        """All names of the operation, once it was answered."""
        sources = {"request": request, "response": response, "headers": dict(headers or {})}
        found: dict[str, Any] = {}
        for key, where in self.variables.items():
            if callable(where):
                found[key] = where(request, response)
                continue
            places = (where,) if isinstance(where, str) else where
            values = (_told(sources, place) for place in places)
            found[key] = next((value for value in values if value is not None), None)
        return {
            **variables,
            **{key: str(value) for key, value in found.items() if value is not None},
        }

    def is_identified(self, variables: Variables) -> bool:
        """Whether `variables`, found in an answer, tell which resource the operation is about."""
        told = (key for key, where in self.variables.items() if _is_in_response(where))
        return self.main.ref(variables) is not None and all(key in variables for key in told)

    def stamp_at(self, microversion: str) -> str | None:
        """Where the stamp stands in a request at `microversion` (empty: the oldest)."""
        if not self.stamp_field or not self.stamp_since or microversion == "latest":
            return self.stamp_field
        if _numbers(microversion or "0") >= _numbers(self.stamp_since):
            return self.stamp_field
        return f"{self.main.type.member}.description"

    @property
    def main(self) -> Expectation:
        """What is expected of the resource that the operation is about."""
        return self.expects[self.main_index]

    @property
    def type(self) -> ResourceType:
        """The kind of what the operation ends with."""
        return self.member_type or self.main.type

    def resource_id(self, variables: Variables) -> str:
        """The id of what the operation is about; of many that it makes, the first one's."""
        main = self.main.ref(variables)
        ident = main.id if main is not None else ""
        return variables.get("id", ident) if self.members else ident

    @property
    def status_type(self) -> ResourceType:
        """The kind whose statuses tell how the operation goes on."""
        kinds = (self.main.type, *(expect.type for expect in self.expects))
        return next((kind for kind in kinds if kind.status), self.main.type)

    @property
    def deletes(self) -> bool:
        """Whether the operation ends with its resource gone."""
        return self.main.gone

    def until_idle(self, variables: Variables) -> Operation | None:
        """Waiting until nothing is under way on the resources that the operation works on."""
        made = self.main if self.creates else None
        works_on = [each for each in (*self.expects, *self.must_be_idle) if each is not made]
        free = {
            (each.type, *sorted(each.variables.items())): Expectation(
                each.type,
                running=each.type.busy,
                predicate=_is_free(each.type),
                variables=each.variables,
            )
            for each in works_on
            if each.type.busy and each.ref(variables) is not None
        }
        if not free:
            return None
        return Operation(f"{self.name}, waiting", self.route, tuple(free.values()))


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def _is_free(kind: ResourceType) -> Predicate:
    def is_free(body: Body, _: Variables) -> bool | None:
        return None if body.get(kind.status or "") in kind.busy else True

    return is_free


def _is_in_response(where: VariableSource) -> bool:
    places = () if callable(where) else (where,) if isinstance(where, str) else where
    return any(place.startswith("response.") for place in places)


def _told(sources: Any, place: str) -> Any:
    """What stands at `place`; of an answer only what can be an id."""
    value = _dig(sources, place)
    return value if place.startswith("request.") else identifier(value)


def _dig(document: Any, path: str) -> Any:
    """The value at `path` (`server.name`); of a header only what follows its last slash."""
    source, *way = path.split(".")
    if source == "headers":
        lower = {key.lower(): value for key, value in document[source].items()}
        return lower.get(way[0], "").rstrip("/").rpartition("/")[-1] or None
    for key in (source, *way):
        if not isinstance(document, Mapping):
            return None
        document = document.get(key)
    return document


class OperationTable:
    """All operations that are known, and which of them a request starts."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        self.operations = tuple(operations)
        self._by_place: dict[tuple[str, str], list[Operation]] = {}
        for operation in self.operations:
            place = (operation.route.service, operation.route.method)
            self._by_place.setdefault(place, []).append(operation)

    def find(
        self, service: str, method: str, path: str, request: Any
    ) -> tuple[Operation, Variables] | None:
        """The operation that this request starts, with the names in its path."""
        for operation in self._by_place.get((service, method), ()):
            variables = operation.recognise(service, method, path, request)
            if variables is not None:
                return operation, variables
        return None
