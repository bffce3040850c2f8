"""A create request whose answer got lost: did it arrive? Its stamp tells."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from functools import partial

from pytest_osfutures.calls.submit import ClientContext, Submission, recognise
from pytest_osfutures.engine import ReadRequest, ReadResult
from pytest_osfutures.operations import Body, Operation, Ref
from pytest_osfutures.stamp import Stamp
from pytest_osfutures.transport import Exchange, microversion_of

#: The cloud is searched at these moments after the request was lost, in multiples of
#: `Poll.slowest`: what was taken may become visible only later. Then it is taken for not arrived.
MOMENTS = (0.0, 0.2, 0.6, 1.2, 2.0, 3.0, 4.4)


class Search:
    """Looks for what a request of unknown fate has made; ends by calling one of two functions.

    `found(operation, bodies)` with everything that carries the stamp, oldest first (nothing, if
    there is none after the settling time), or `unknown(why)` if the cloud cannot be searched.
    `past` are the ids of what earlier tries have made: lists may still show it.
    """

    def __init__(
        self,
        context: ClientContext,
        sent: Exchange,
        stamp: Stamp,
        past: Collection[str],
        found: Callable[[Operation, Sequence[Body]], None],
        unknown: Callable[[str, str], None],
    ) -> None:
        self.context = context
        self.engine = context.engine
        self.sent = sent
        self.stamp = stamp
        self.past = past
        self.found = found
        self.unknown = unknown
        self.ref: Ref | None = None

    def begin(self) -> None:
        """Start searching; call it in the loop."""
        recognised = recognise(self.context, self.sent)
        if recognised is None:
            self.unknown("", "nothing is known about it that could be searched for")
            return
        operation, names, _ = recognised
        if operation.members is None:  # whoever asks may name what is to be made
            self.ref = operation.main.ref(operation.identify(names, self.sent.request, None))
        if operation.stamp is None or (self.ref is None and operation.type.list_path is None):
            self.unknown(operation.name, "it leaves no stamp that could be searched for")
            return
        self._plan(operation, 0)

    def _plan(self, operation: Operation, number: int) -> None:
        wait = MOMENTS[number] - (MOMENTS[number - 1] if number else 0.0)
        request = partial(self._look, operation, number)
        self.engine.call_later(
            wait * self.context.api_client.poll.slowest,
            partial(self.engine.submissions.submit, request),
        )

    def _look(self, operation: Operation, number: int) -> None:
        kind = operation.type
        version = microversion_of(kind.service, self.sent.request_headers)
        request = ReadRequest(kind, version, (), kind.list_path or "", listing=True)
        if self.ref is not None:
            request = ReadRequest(kind, version, (self.ref,), self.ref.path)
        result = self.context.api_client.read(request, self.engine.clock)
        self.engine.call_soon(partial(self._looked, operation, number, result))

    def _looked(self, operation: Operation, number: int, result: ReadResult) -> None:
        mine = [
            body
            for ident, body in result.found.items()
            if self.stamp.is_on(body) and ident not in self.past
        ]
        if mine:
            ordered = sorted(mine, key=_created)
            self.found(operation, ordered)
        elif number + 1 < len(MOMENTS):
            self._plan(operation, number + 1)
        elif result.error is not None:
            self.unknown(operation.name, f"the cloud cannot be searched: {result.error}")
        else:
            self.found(operation, ())


def _created(body: Body) -> str:
    return str(body.get("created") or body.get("created_at") or "")


def adopted(
    context: ClientContext, sent: Exchange, operation: Operation, bodies: Sequence[Body]
) -> list[Submission]:
    """The submissions that would have come of the request, had its answer not been lost.

    One for each resource; but one for all of them if the operation makes many.
    """
    if operation.members is None:
        return [_adopted(context, sent, operation, body) for body in bodies]
    first = min(bodies, key=lambda body: (len(str(body.get("name"))), str(body.get("name"))))
    for same in context.table.operations:  # one that needs no answer to find the others
        names = same.identify({"id": str(first["id"])}, sent.request, None)
        if same.name == operation.name and same.main.ref(names) is not None:
            made = _adopted(context, sent, same, first)
            members = ",".join(str(body["id"]) for body in bodies)
            return [replace(made, names={**(made.names or {}), "members": members})]
    return []


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
    names = operation.identify({"id": str(body["id"])}, sent.request, None)
    return Submission(context, plain, operation, names, exchange)
