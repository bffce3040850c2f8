"""Reconciliation of a request whose answer was lost: search the cloud for the request's stamp."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise

from pytest_osfutures.calls.context import ClientContext
from pytest_osfutures.calls.recognise import recognise
from pytest_osfutures.calls.submit import Submission
from pytest_osfutures.calls.task import InPool, Pause, Steps
from pytest_osfutures.engine import ReadRequest
from pytest_osfutures.operations import Body, Operation, Variables
from pytest_osfutures.stamp import Stamp
from pytest_osfutures.transport import Exchange, microversion_of

__tracebackhide__ = True  # pytest: an error belongs to the line of the test

#: The moments of the search after the answer was lost, in multiples of `Poll.slowest`. An accepted
#: request may become visible late; after the last moment it counts as not arrived.
MOMENTS = (0.0, 0.2, 0.6, 1.2, 2.0, 3.0, 4.4)


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """The result of the search for a request whose answer was lost."""

    #: The operation that the request was to start; None if it is not in the table.
    operation: Operation | None = None
    #: The resources that the request has created, the oldest first.
    bodies: Sequence[Body] = ()
    #: Why nobody can tell whether the request arrived; empty if `bodies` tells.
    unknown: str = ""


def reconciled(
    context: ClientContext, exchange: Exchange, stamp: Stamp, known: Collection[str]
) -> Steps[Reconciliation]:
    """Search the cloud for the resources that carry `stamp`, until the settling time is over.

    `known` are the ids of resources that other requests of the call have created: lists may still
    show them.
    """
    recognised = recognise(context, exchange).operation
    if recognised is None:
        return Reconciliation(unknown="nothing is known about it that could be searched for")
    operation, variables = recognised
    request = _read_request(operation, variables, exchange)
    if operation.stamp_field is None or request is None:
        return Reconciliation(operation, unknown="it leaves no stamp that could be searched for")
    for before, moment in pairwise((0.0, *MOMENTS)):
        yield Pause((moment - before) * context.api_client.poll.slowest)
        result = yield InPool(partial(context.api_client.read, request, context.engine.clock))
        mine = [
            body for ident, body in result.found.items() if stamp.is_on(body) and ident not in known
        ]
        if mine:
            return Reconciliation(operation, sorted(mine, key=_created))
    if result.error is not None:
        return Reconciliation(operation, unknown=f"the cloud cannot be searched: {result.error}")
    return Reconciliation(operation)


def _read_request(
    operation: Operation, variables: Variables, exchange: Exchange
) -> ReadRequest | None:
    """Return the read that shows the resources of a request; None if none does."""
    kind = operation.type
    version = microversion_of(kind.service, exchange.request_headers)
    if operation.members is None:  # the request itself may name the resource
        ref = operation.main.ref(operation.identify(variables, exchange.request, None))
        if ref is not None:
            return ReadRequest(kind, version, (ref,), ref.path)
    if kind.list_path is None:
        return None
    return ReadRequest(kind, version, (), kind.list_path, listing=True)


def _created(body: Body) -> str:
    return str(body.get("created") or body.get("created_at") or "")


def adopted(context: ClientContext, exchange: Exchange, found: Reconciliation) -> list[Submission]:
    """Return the submissions that the request would have been answered with.

    One for each resource; but one for all of them if the operation creates many.
    """
    operation, bodies = found.operation, found.bodies
    if operation is None or not bodies:
        return []
    if operation.members is None:
        return [_adopted(context, exchange, operation, body) for body in bodies]
    first = min(bodies, key=lambda body: (len(str(body.get("name"))), str(body.get("name"))))

    def finds_the_others(same: Operation) -> bool:  # without the answer that was lost
        variables = same.identify({"id": str(first["id"])}, exchange.request, None)
        return same.name == operation.name and same.main.ref(variables) is not None

    chosen = next(filter(finds_the_others, context.table.operations), operation)
    made = _adopted(context, exchange, chosen, first)
    members = ",".join(str(body["id"]) for body in bodies)
    return [replace(made, variables={**(made.variables or {}), "members": members})]


def _adopted(
    context: ClientContext, sent: Exchange, operation: Operation, body: Body
) -> Submission:
    exchange = Exchange(
        sent.method,
        sent.url,
        sent.request_headers,
        sent.request,
        sent.sent_at,
        answered_at=context.engine.clock.now(),
    )
    plain = context.to_client_object(operation.type, body, None)
    variables = operation.identify({"id": str(body["id"])}, sent.request, None)
    return Submission(context, plain, operation, variables, exchange)
