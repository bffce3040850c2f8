"""Types of the operation tables.

An `Operation` is one row: the request that starts the operation, the expected state of each
resource that it changes, and the request that undoes it. Rows describe the REST API.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
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
    collection: str = ""
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
        """Return the resource whose path results from filling in `variables`."""
        path = self.path.format_map(variables)
        return ResourceRef(self, path, re.split(r"[/=]", path)[-1])


@dataclass(frozen=True, slots=True)
class ResourceRef:
    """A reference to one resource."""

    #: Type of the resource.
    type: ResourceType
    #: Path that reads the resource.
    path: str
    #: Id of the resource, as lists show it.
    id: str


@dataclass(frozen=True, slots=True)
class Observation:
    """The state of one resource, as one read has shown it."""

    #: Seconds on the engine's clock at which the read was STARTED: the state may be older than
    #: the response, but is no older than the request.
    requested_at: float
    #: The resource; None if it does not exist.
    body: Body | None
    #: True if the resource was read by its own path; False if it was looked up in a list.
    confirmed: bool = True


@dataclass(frozen=True)
class Route:
    """The pattern of requests that start an operation."""

    #: Official type of the service.
    service: str
    #: HTTP method.
    method: str
    #: Path with variables in braces, relative to the service's endpoint.
    path: str
    #: For action requests: the key that the request body must have.
    action: str | None = None

    def match(self, method: str, path: str, request: Any) -> dict[str, str] | None:
        """Return the variables in the path of a matching request; None for other requests."""
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


#: Values by the names of variables in path templates (RFC 6570), and what an operation has learned
#: besides, as text: `{"id": "4711", "size": "2"}`.
Variables = Mapping[str, str]
#: Judges a resource in a status of the end. True: the resource is as requested. False: it is not,
#: which is a failure if nothing is under way. None: work is under way. A text: the failure.
Predicate = Callable[[Body, Variables], bool | str | None]
#: Extracts further variables from a resource. The number is the age of the operation in seconds
#: when the resource was read.
Extractor = Callable[[Body, Variables, float], Variables]
#: Source of a variable: a dotted place ("response.server.id", "headers.location"), several places
#: of which the first with a value counts, or a function of the request and the response.
VariableSource = str | tuple[str, ...] | Callable[[Any, Any], str | None]


@dataclass(frozen=True)
class Expectation:
    """The state of one resource when the operation is done, under way, or has failed."""

    #: Type of the resource.
    type: ResourceType
    #: Statuses of a completed operation; empty if it is enough that the resource exists.
    success: frozenset[str] = frozenset()
    #: Statuses of an operation that is under way.
    running: frozenset[str] = frozenset()
    #: Statuses of a failed operation.
    failure: frozenset[str] = frozenset()
    #: True if the resource is to disappear.
    gone: bool = False
    #: Further condition on a resource in a status of `success`.
    predicate: Predicate | None = None
    #: Variables of the type's path, as templates over the operation's variables. As long as one of
    #: those is unknown, nothing is expected of the resource.
    variables: Mapping[str, str] = field(default_factory=lambda: {"id": "{id}"})
    #: Further statuses of a completed operation, which count once its event has succeeded.
    accepted_with_event: frozenset[str] = frozenset()
    #: True if the resource is only read when all expectations before it are met.
    after_previous: bool = False
    #: Extracts further variables from the resource; a variable keeps its first value.
    extract: Extractor | None = None

    def ref(self, variables: Variables) -> ResourceRef | None:
        """Return the expected resource; None while variables of its path are unknown."""
        try:
            found = {key: text.format_map(variables) for key, text in self.variables.items()}
        except KeyError:
            return None
        return self.type.ref(**found)


@dataclass(frozen=True)
class UndoRequest:
    """The request that undoes an operation; it starts an operation of the tables itself."""

    #: Official type of the service.
    service: str
    #: HTTP method.
    method: str
    #: Path as a template over the operation's variables.
    path: str
    #: Request body.
    body: Body | None = None
    #: HTTP status codes by which the service says that there is nothing to undo.
    nothing_to_undo: frozenset[int] = frozenset({404})
    #: True if each resource of an operation that creates many needs a request of its own.
    per_member: bool = False


@dataclass(frozen=True, eq=False)
class Operation:
    """One row of the operation tables: one kind of background work."""

    #: Name in messages: "server.create".
    name: str
    #: Requests that start the operation.
    route: Route
    #: Expected states of the resources that the operation changes, in the order of reading.
    expects: tuple[Expectation, ...]
    #: Variables beside those in the route's path, with their sources.
    variables: Mapping[str, VariableSource] = field(default_factory=dict)
    #: Index in `expects` of the operation's main resource.
    main_index: int = 0
    #: Finds the resources that the operation has created in a body of the main resource, which is
    #: a list then; None for operations on one resource.
    members: Callable[[Body, Variables], list[Body]] | None = None
    #: Returns True if members that a list showed right after the request can be no others.
    are_identified: Callable[[list[Body], Variables], bool] | None = None
    #: Type of the members.
    member_type: ResourceType | None = None
    #: Id, as a template over the variables, of the server whose instance action
    #: (https://docs.openstack.org/api-ref/compute/#servers-actions-servers-os-instance-actions)
    #: records the operation; None for operations without such a record.
    action: str | None = None
    #: Name of the event in the instance action that does the work.
    event: str | None = None
    #: True if the operation is only complete when `event` has succeeded.
    event_required: bool = False
    #: True if the service marks the resource as busy before it answers. A resource that is neither
    #: busy nor in a final status is a failure then.
    marks_busy: bool = True
    #: True if the operation creates a resource.
    creates: bool = False
    #: Other resources that must be idle before the request can be accepted.
    must_be_idle: tuple[Expectation, ...] = ()
    #: Request that undoes the operation.
    undo: UndoRequest | None = None
    #: Default deadline in seconds.
    tout: float = 300.0
    #: Usual duration in seconds, until which reads are rare.
    usual_duration: float = 5.0
    #: Shortest pause between two reads by id, as a multiple of `Poll.fastest`.
    pace: float = 1.0
    #: Dotted place of the new resource's metadata or description in the request, which takes the
    #: stamp; "." is the request itself.
    stamp_field: str | None = None
    #: Lowest microversion at which the request takes metadata; before, the description has the
    #: stamp.
    stamp_since: str = ""
    #: True if the request cannot carry a stamp, so that only the ledger knows the new resource.
    ledger_only: bool = False
    #: True if one call of a client continues with further requests. If the response to the first
    #: one is lost, its resource is deleted and the whole call repeated.
    multi_request: bool = False
    #: Further condition on the request and the variables in its path.
    applies_to: Callable[[Any, Variables], bool] | None = None

    def recognise(self, service: str, method: str, path: str, request: Any) -> Variables | None:
        """Return the variables in the path of a request that starts this operation, else None."""
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
        """Return `variables` with all further ones that the request and its response tell."""
        sources = {"request": request, "response": response, "headers": dict(headers or {})}
        found: dict[str, Any] = {}
        for key, where in self.variables.items():
            if callable(where):
                found[key] = where(request, response)
                continue
            places = (where,) if isinstance(where, str) else where
            values = (_value_at(sources, place) for place in places)
            found[key] = next((value for value in values if value is not None), None)
        return {
            **variables,
            **{key: str(value) for key, value in found.items() if value is not None},
        }

    def is_identified(self, variables: Variables) -> bool:
        """Return True if `variables`, found in a response, identify the main resource."""
        told = (key for key, where in self.variables.items() if _is_in_response(where))
        return self.main.ref(variables) is not None and all(key in variables for key in told)

    def stamp_at(self, microversion: str) -> str | None:
        """Return the place of the stamp in a request at `microversion` (empty: the lowest)."""
        if not self.stamp_field or not self.stamp_since or microversion == "latest":
            return self.stamp_field
        if _numbers(microversion or "0") >= _numbers(self.stamp_since):
            return self.stamp_field
        return f"{self.main.type.member}.description"

    @property
    def main(self) -> Expectation:
        """Expectation of the main resource."""
        return self.expects[self.main_index]

    @property
    def type(self) -> ResourceType:
        """Type of the operation's result."""
        return self.member_type or self.main.type

    def resource_id(self, variables: Variables) -> str:
        """Return the id of the main resource, or of the first of many new resources."""
        main = self.main.ref(variables)
        ident = main.id if main is not None else ""
        return variables.get("id", ident) if self.members else ident

    @property
    def status_type(self) -> ResourceType:
        """Type of the resource whose statuses make up the history of the operation."""
        kinds = (self.main.type, *(expect.type for expect in self.expects))
        return next((kind for kind in kinds if kind.status), self.main.type)

    @property
    def deletes(self) -> bool:
        """True if the operation deletes its main resource."""
        return self.main.gone

    def until_idle(self, variables: Variables) -> Operation | None:
        """Return the operation of waiting until all resources of this one are idle.

        None if no resource that this operation works on has statuses for being busy.
        """
        made = self.main if self.creates else None
        works_on = [each for each in (*self.expects, *self.must_be_idle) if each is not made]
        idle = {
            (each.type, *sorted(each.variables.items())): Expectation(
                each.type,
                running=each.type.busy,
                predicate=_is_idle(each.type),
                variables=each.variables,
            )
            for each in works_on
            if each.type.busy and each.ref(variables) is not None
        }
        if not idle:
            return None
        return Operation(f"{self.name}, waiting", self.route, tuple(idle.values()))


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def _is_idle(kind: ResourceType) -> Predicate:
    def is_idle(body: Body, _: Variables) -> bool | None:
        return None if body.get(kind.status or "") in kind.busy else True

    return is_idle


def _is_in_response(where: VariableSource) -> bool:
    places = () if callable(where) else (where,) if isinstance(where, str) else where
    return any(place.startswith("response.") for place in places)


def _value_at(sources: Any, place: str) -> Any:
    """Return the value at `place`; a value in a response counts only if it can be an id."""
    value = _dig(sources, place)
    return value if place.startswith("request.") else identifier(value)


def _dig(document: Any, path: str) -> Any:
    """Return the value at `path` (`server.name`); of a header, the text after the last slash."""
    source, *way = path.split(".")
    if source == "headers":
        lower = {key.lower(): value for key, value in document[source].items()}
        return lower.get(way[0], "").rstrip("/").rpartition("/")[-1] or None
    for key in (source, *way):
        if not isinstance(document, Mapping):
            return None
        document = document.get(key)
    return document
