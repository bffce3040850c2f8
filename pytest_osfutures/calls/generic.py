"""Generic operations: follow a request that has no row in the tables.

The request's resource is named by the answer's `Location` header, by its `self` link, by its id
below the request's path, or by the request's own path. The resource's status tells whether work is
under way (`operations/status_words.py`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pytest_osfutures.calls.context import ClientContext
from pytest_osfutures.calls.recognise import recognise
from pytest_osfutures.calls.resource_paths import ID, candidates, resource_path, unwrapped
from pytest_osfutures.operations import (
    Body,
    Expectation,
    Operation,
    ResourceType,
    Route,
    UndoRequest,
    Variables,
    is_busy,
    is_done,
    is_idle_yet,
    is_synchronous,
    progress_variables,
    resource_type,
    saved_state,
    status_field,
)
from pytest_osfutures.transport import (
    ApiClient,
    BeforeSending,
    Exchange,
    ResolvedUrl,
    is_missing,
    is_success,
    microversion_of,
)

__tracebackhide__ = True  # pytest: an error belongs to the line of the test

#: Services that have done all of a request's work when they answer.
_SYNCHRONOUS = frozenset({"identity", "placement", "object-store"})
#: The greatest number of paths that are read to find the resource of one request.
_TRIES = 4
#: The keys of an answer that names a resource without its status.
_NAMING = re.compile(r"id|uuid|name|stack_name|links?|href|self|location|\w+_(ref|id|uuid)")
#: The resources of a load balancer's tree. While any part changes, the root shows PENDING_UPDATE:
#: https://docs.openstack.org/api-ref/load-balancer/v2/#provisioning-status-codes
_TREE = ("pool", "listener", "loadbalancer")


@dataclass(frozen=True)
class Followed:
    """The operation of a request, and the values of the operation's variables."""

    operation: Operation
    variables: Variables


@dataclass(frozen=True)
class Unfollowed:
    """A request that may have started work, and why that work cannot be followed."""

    name: str
    why: str


def look_before(api_client: ApiClient, exchange: Exchange, resolved: ResolvedUrl) -> Body | None:
    """Read a resource before a request changes it; None if that is not possible."""
    path = resource_path(resolved.path)
    if (
        path is None
        or _is_synchronous(exchange, resolved)
        or (exchange.method == "POST" and path == resolved.path)
    ):
        return None
    try:
        version = microversion_of(resolved.service, exchange.request_headers)
        answer = api_client.send("GET", resolved.service, path, None, version)
        return unwrapped(answer.json())[1] if is_success(answer.status_code) else None
    except Exception:  # only useful, and no reason to fail a call
        return None


def watching(
    context: ClientContext, before: BeforeSending, old: dict[str, Body | None]
) -> BeforeSending:
    """Return a hook that reads, into `old` by URL, each resource before an unknown request."""

    def hook(exchange: Exchange) -> Any:
        found = recognise(context, exchange)
        if found.operation is None:
            old[exchange.url] = look_before(context.api_client, exchange, found.url)
        return before(exchange)

    return hook


def last_found(
    context: ClientContext, exchanges: Sequence[Exchange], old: Mapping[str, Body | None]
) -> tuple[Exchange | None, Followed | Unfollowed | None]:
    """Return the last request of a call that has started work, and the operation."""
    for exchange in reversed(exchanges):
        if not exchange.accepted:
            continue
        url = recognise(context, exchange).url
        found = find(context.api_client, exchange, url, old.get(exchange.url))
        if found is not None:
            return exchange, found
    return None, None


def find(
    api_client: ApiClient, exchange: Exchange, resolved: ResolvedUrl, old: Body | None
) -> Followed | Unfollowed | None:
    """Return the operation of an accepted request; None if the answer was the end of the work."""
    if _is_synchronous(exchange, resolved) or not _shows_work(exchange, resolved):
        return None
    deletes = exchange.method == "DELETE" and resource_path(resolved.path) in (None, resolved.path)
    why = "nothing that it answers with can be read"
    version = microversion_of(resolved.service, exchange.request_headers)
    for service, path in list(dict.fromkeys(candidates(api_client, exchange, resolved)))[:_TRIES]:
        try:
            answer = api_client.send("GET", service, path, None, version)
        except Exception as error:
            why = f"GET {service} {path} failed: {error}"
            continue
        if is_missing(answer.status_code) and deletes and path == resolved.path:
            return _deleted(exchange, resolved, old)
        if not is_success(answer.status_code):
            why = f"GET {service} {path} answered {answer.status_code}"
            continue
        name, body = unwrapped(_json(answer))
        if body is None or status_field(body) is None:
            why = f"GET {service} {path} shows no status"
            continue
        return _followed(exchange, resolved, _Shown(service, path, name, body), old)
    if exchange.may_continue:
        return Unfollowed(name_of(exchange, resolved), why)
    return None


def name_of(exchange: Exchange, resolved: ResolvedUrl) -> str:
    """Return the name of an operation without a row: method, service and path without ids."""
    parts = ["{id}" if ID.fullmatch(part) else part for part in resolved.path.split("/")]
    request = exchange.request
    key = next(iter(request), "") if isinstance(request, Mapping) and len(request) == 1 else ""
    verb = ""
    if parts[-1] in ("action", "actions"):
        verb = f" {key}"
    elif parts[-1] in ("provision", "power") and isinstance(request, Mapping):
        verb = f" {request.get('target')}"
    return f"{exchange.method} {resolved.service} {'/'.join(parts)}{verb}"


def _is_synchronous(exchange: Exchange, resolved: ResolvedUrl) -> bool:
    """Return True if the answer is the end of the request's work."""
    return resolved.service in _SYNCHRONOUS or is_synchronous(
        resolved.service, exchange.method, resolved.path, exchange.request
    )


def _shows_work(exchange: Exchange, resolved: ResolvedUrl) -> bool:
    """Return True if the answer allows that work is still under way."""
    if exchange.may_continue or exchange.method == "DELETE":
        return True
    body = unwrapped(exchange.response)[1]
    if body is not None and status_field(body) is not None:
        return is_busy(body, resolved.service)
    if exchange.method != "POST" or exchange.has_no_content:
        return False
    if body is None:
        return exchange.response is None and resource_path(resolved.path) is not None
    return all(_NAMING.fullmatch(key) for key in body)


def _json(answer: Any) -> Any:
    try:
        return answer.json()
    except (ValueError, RecursionError):
        return None


# The operation


@lru_cache(maxsize=1024)
def _kind(service: str, name: str, status: str | None, evidence: bool) -> ResourceType:
    """Return one type for all resources that look the same: their watches share a poll group.

    The objects of the clients are those of the listed type of the same name.
    """
    listed = resource_type(service, name)
    return ResourceType(
        name,
        service,
        "{path}",
        "",
        status=status,
        explains_only=evidence,
        loose=True,
        manager=listed.manager if listed else "",
        sdk_class=listed.sdk_class if listed else "",
    )


def _deleted(exchange: Exchange, resolved: ResolvedUrl, old: Body | None) -> Followed | None:
    """Return the operation of a finished deletion if the parent may still be busy."""
    name = resolved.path.split("/")[-2].removesuffix("s")
    shown = _Shown(resolved.service, resolved.path, name, old or {})
    found = _followed(exchange, resolved, shown, old)
    others = [each for each in found.operation.expects[1:] if each.ref(found.variables)]
    return found if others else None


@dataclass(frozen=True)
class _Shown:
    """A resource in one answer: where, under which key, and its fields."""

    service: str
    path: str
    name: str
    body: Body


def _followed(
    exchange: Exchange, resolved: ResolvedUrl, shown: _Shown, old: Body | None
) -> Followed:
    service, path, body = shown.service, shown.path, shown.body
    own_path = resolved.path.rstrip("/")
    deletes = exchange.method == "DELETE" and path == own_path
    creates = exchange.method == "POST" and path.startswith(f"{own_path}/")
    same = None if creates or path != resource_path(resolved.path) else old
    name = shown.name or path.split("/")[-2].removesuffix("s")
    variables = {"path": path, "service": service, **_asked(exchange), **_references(service, body)}
    if same is not None:
        variables["old"] = saved_state(same)
        variables |= _references(service, same)
    answered = unwrapped(exchange.response)[1] or {}
    if status_field(answered) and is_busy(answered, service):
        variables["was_busy"] = "yes"
    variables |= {"deletes": "yes"} if deletes else {}
    variables |= {"creates": "yes"} if creates else {}
    parent = resource_path(path.rpartition("/")[0])
    variables |= {"parent": parent} if parent else {}
    main = Expectation(
        _kind(service, name, status_field(body), False),
        gone=deletes or "denies" in variables,
        predicate=is_done,
        variables={"path": "{path}"},
        extract=_learns,
    )
    operation = Operation(
        name_of(exchange, resolved),
        Route(service, exchange.method, resolved.path),
        (main, *_others(service)),
        creates=creates,
        undo=UndoRequest(service, "DELETE", "{path}") if creates else None,
        tout=1800.0,
        usual_duration=3.0,
    )
    return Followed(operation, variables)


def _others(service: str) -> list[Expectation]:
    """Return the expectations about the resources that the main resource is a part of."""
    paths = ["{parent}"]
    if service == "load-balancer":
        paths += [f"/lbaas/{name}s/{{{name}}}" for name in _TREE]
    return [
        Expectation(
            _kind(service, "parent", None, True),
            predicate=is_idle_yet,
            variables={"path": path},
            after_previous=True,
            extract=_learns_references,
        )
        for path in paths
    ]


def _asked(exchange: Exchange) -> dict[str, str]:
    """Return the variables of the request that tell the requested end, as `new_size`."""
    request = exchange.request
    if not isinstance(request, Mapping):
        return {}
    found: dict[str, str] = {}
    verbs = [*request, request.get("target")]
    if any(isinstance(verb, str) and re.search("cancel|abort", verb) for verb in verbs):
        found["may_fail"] = "yes"
    if "deny_access" in request:
        found |= {"deletes": "yes", "denies": "yes"}
    for inner in (request, *request.values()):
        if not isinstance(inner, Mapping):
            continue
        for key in ("status", "state"):
            if isinstance(inner.get(key), str):
                found["asked"] = inner[key]
        if isinstance(inner.get("new_size"), int):
            found["new_size"] = str(inner["new_size"])
    return found


def _references(service: str, body: Body) -> dict[str, str]:
    """Return the ids of the load balancer's tree that `body` names."""
    found: dict[str, str] = {}
    for name in _TREE if service == "load-balancer" else ():
        ident = body.get(f"{name}_id")
        many = body.get(f"{name}s")
        if isinstance(many, list) and many and isinstance(many[0], Mapping):
            ident = many[0].get("id")
        if isinstance(ident, str):
            found[name] = ident
    return found


def _learns(body: Body, variables: Variables, age: float) -> Variables:
    service = variables.get("service", "")
    return {**progress_variables(body, variables, age), **_references(service, body)}


def _learns_references(body: Body, variables: Variables, age: float) -> Variables:
    del age
    return _references(variables.get("service", ""), body)
