"""One plain call of a client, what the cloud answered to it, and the watch that comes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from pytest_osfutures.calls.context import ClientContext, Record
from pytest_osfutures.calls.generic import Followed, Unfollowed, last_found, watching
from pytest_osfutures.engine import Completion, Engine, ReadRequest, Watch
from pytest_osfutures.errors import OperationDetails, UnusableAnswerError, without_frames
from pytest_osfutures.operations import Body, Operation, Succeeded, Variables
from pytest_osfutures.redaction import secrets_in, without_secrets
from pytest_osfutures.stamp import Stamp
from pytest_osfutures.transport import (
    BeforeSending,
    Exchange,
    ResolvedUrl,
    captured_exchanges,
    is_overloaded,
    microversion_of,
)

__tracebackhide__ = True  # pytest: an error belongs to the line of the test


@dataclass(frozen=True, slots=True)
class Submission:
    """A plain call that was accepted: its result, and the operation that it has started.

    `members` are the names of each of many things that it has made, once they were looked for.
    """

    context: ClientContext
    plain: Any
    operation: Operation | None = None
    variables: Variables | None = None
    exchange: Exchange | None = None
    unfollowed: Unfollowed | None = None
    members: list[Variables] = field(default_factory=list, compare=False)

    @property
    def resource_id(self) -> str | None:
        """The id of the resource that the operation is about."""
        if self.operation is None or self.variables is None:
            return None
        return self.operation.resource_id(self.variables)

    @property
    def ids(self) -> set[str]:
        """The ids of all resources that the operation is about, as far as they are known."""
        members = (self.variables or {}).get("members", "").split(",")
        return {each for each in (self.resource_id, *members) if each}

    @property
    def is_identified(self) -> bool:
        """Whether the answer names the resource that the operation is about."""
        return self.operation is None or self.operation.is_identified(self.variables or {})

    @property
    def title(self) -> str:
        """What the call has done, for messages."""
        if self.operation is not None:
            return self.operation.name
        return self.unfollowed.name if self.unfollowed is not None else "this call"

    @property
    def microversion(self) -> str:
        """The microversion at which the operation was asked for; empty if none was."""
        if self.operation is None or self.exchange is None:
            return ""
        return microversion_of(self.operation.route.service, self.exchange.request_headers)

    def watch(self, tout: float | None, on_end: Callable[[Completion], None]) -> Watch:
        """The watch of the operation; `tout` in seconds, None for the table's own deadline."""
        assert self.operation is not None
        assert self.variables is not None
        assert self.exchange is not None
        return Watch(
            operation=self.operation,
            variables={**self.variables, "request_id": self.exchange.request_id or ""},
            reader=self.context.api_client,
            accepted_at=self.exchange.answered_at,
            sent_at=self.exchange.sent_at,
            tout=self.operation.tout if tout is None else tout,
            on_end=on_end,
            request_id=self.exchange.request_id,
            resource_name=name_of(self.exchange.request, self.plain),
            action_kind=self.context.action_kind,
            versions={self.operation.route.service: self.microversion},
        )

    def result(self, ending: Succeeded) -> Any:
        """The client's own object, as the last sight of the resource has it; None if it is gone."""
        assert self.operation is not None
        if self.operation.deletes:
            return None
        if ending.body is None:
            return self.plain
        if self.operation.members is not None and self.variables is not None:
            members = self.operation.members(ending.body, self.variables)
            return [
                self.context.to_client_object(self.operation.type, body, None) for body in members
            ]
        return self.context.to_client_object(self.operation.type, ending.body, self.plain)


def submit(
    context: ClientContext,
    call: Callable[[], Any],
    before: BeforeSending | None = None,
    sent: list[Exchange] | None = None,
) -> Submission:
    """Make the plain call and find out which operation it has started. Raises what it raises.

    `sent` receives the requests, for those who must know about them when the call raises.
    """
    context.api_client.catalog()
    there: dict[str, str] = {}
    old: dict[str, Body | None] = {}
    before = before or partial(_list_before, context, there)
    hook = watching(context.api_client, context.table, context.service, before, old)
    with captured_exchanges(context.engine.clock, hook, sent) as exchanges:
        try:
            plain = call()
        except Exception as error:
            secrets = [secret for each in exchanges for secret in secrets_in(each.request)]
            told = without_frames(without_secrets(error, secrets))
            _check_answers(accepted(context, None, exchanges), told)
            raise told  # noqa: B904
        finally:
            _pace(context.engine, exchanges)
    started = accepted(context, plain, exchanges)
    _check_answers(started)
    if started:
        return _with_members(_joined(started), there)
    exchange, found = last_found(context.api_client, context.service, exchanges, old)
    if isinstance(found, Followed):
        return Submission(context, plain, found.operation, found.variables, exchange)
    return Submission(context, plain, exchange=exchange, unfollowed=found)


def _list_before(
    context: ClientContext,
    there: dict[str, str],
    method: str,
    url: str,
    request: Any,
    headers: Mapping[str, str],
) -> None:
    """Note in `there` who has the names already that a request without a stamp gives to many."""
    resolved = context.api_client.resolve_url(url, context.service)
    found = resolved and context.table.find(resolved.service, method, resolved.path, request)
    if resolved is None or not found or found[0].are_identified is None:
        return
    operation, variables = found
    variables = operation.identify(variables, request, None)
    version = microversion_of(resolved.service, headers)
    listed = _listed(context, operation, {**variables, "id": ""}, version)
    if listed is not None and "op" not in variables:
        there["before"] = ",".join(listed)


def _with_members(submission: Submission, there: Variables) -> Submission:
    """The same, with the ids of all that the request has made, where it makes many.

    The cloud has them all when it answers, so they are listed before anybody else can have made
    some of the same names. If they cannot be listed, they are known later, by the stamp if at all.
    """
    operation, variables = submission.operation, {**(submission.variables or {}), **there}
    if operation is None or operation.are_identified is None:
        return submission
    listed = _listed(submission.context, operation, variables, submission.microversion)
    told = listed is not None and operation.are_identified(list(listed.values()), variables)
    members = {"members": ",".join(listed or ())} if told else {}
    return replace(submission, variables={**variables, **members})


def _listed(
    context: ClientContext, operation: Operation, variables: Variables, version: str
) -> dict[str, Body] | None:
    """What a request for many has made, by id, as a list shows it now; None if none does."""
    ref = operation.main.ref(variables)
    if ref is None or operation.members is None:
        return None
    request = ReadRequest(ref.type, version, (ref,), ref.path)
    body = context.api_client.read(request, context.engine.clock).found.get(ref.id)
    try:
        return None if body is None else {e["id"]: e for e in operation.members(body, variables)}
    except (LookupError, TypeError, ValueError):  # an odd answer
        return None


def note_made(record: Record, submission: Submission) -> None:
    """Note the ids of what a request has made, as far as they are known."""
    operation, variables = submission.operation, submission.variables
    if (
        operation is None
        or variables is None
        or not (operation.stamp_field or operation.ledger_only)
    ):
        return
    if operation.members is None:
        made = operation.main.ref(variables)
        idents = [made.id] if made is not None else []
    else:
        idents = [each for each in variables.get("members", "").split(",") if each]
    if idents:
        record.bound(*idents)


def _check_answers(started: Iterable[Submission], cause: Exception | None = None) -> None:
    """Raise UnusableAnswerError if an answer does not name the resource of the operation it
    accepted.

    A client may have raised `cause` because of it: a KeyError, say. The body itself is not told:
    it may hold a password.
    """
    for each in started:
        exchange, operation = each.exchange, each.operation
        if exchange is None or operation is None or each.is_identified:
            continue
        path = urlsplit(exchange.url).path
        keys = list(exchange.response) if isinstance(exchange.response, dict) else None
        shape = "no JSON object" if keys is None else f"a JSON object of the keys {keys!r:.100}"
        raise UnusableAnswerError(
            f"{exchange.method} {path} was answered {exchange.status} with {shape}, "
            f"which does not name the {operation.type.name}",
            OperationDetails(operation=operation.name, request_id=exchange.request_id),
        ) from cause


def accepted(context: ClientContext, plain: Any, exchanges: Iterable[Exchange]) -> list[Submission]:
    """What the requests of a call have started, one by one, as far as the table knows it."""
    started = []
    for exchange in exchanges:
        if exchange.accepted and (found := recognise(context, exchange)):
            operation, variables, _ = found
            variables = operation.identify(
                variables, exchange.request, exchange.response, exchange.headers
            )
            started.append(Submission(context, plain, operation, variables, exchange))
    return started


def made_by(context: ClientContext, exchanges: Iterable[Exchange]) -> Submission | None:
    """The first thing that the requests of a call have created, if its id is known."""
    for each in accepted(context, None, exchanges):
        if each.operation is not None and each.operation.creates and each.is_identified:
            return each
    return None


def _joined(started: Sequence[Submission]) -> Submission:
    """The last of what a call has started, which also undoes that the call has made it.

    A new image is made by one request and gets its data by another.
    """
    last = started[-1]
    for each in started[:-1]:
        made, operation = each.operation, last.operation
        if made is None or operation is None or not made.creates:
            continue
        if (made.type, each.resource_id) == (operation.type, last.resource_id):
            whole = replace(operation, creates=True, undo=made.undo, stamp_field=made.stamp_field)
            return replace(last, operation=whole)
    return last


def _pace(engine: Engine, exchanges: Iterable[Exchange]) -> None:
    """Let the engine learn how much the API can take."""
    for exchange in exchanges:
        if exchange.status:
            parts = exchange.url.partition("?")[0].rstrip("/").split("/")
            kind = f"{exchange.method} {parts[-1 if exchange.method == 'POST' else -2]}"
            took = exchange.answered_at - exchange.sent_at
            engine.concurrency_limit.observe(kind, took, is_overloaded(exchange.status))


def recognise(
    context: ClientContext, exchange: Exchange
) -> tuple[Operation, Variables, ResolvedUrl] | None:
    """The operation that a request was meant to start, whether or not it was answered."""
    resolved = context.api_client.resolve_url(exchange.url, context.service)
    if resolved is None:
        return None
    found = context.table.find(resolved.service, exchange.method, resolved.path, exchange.request)
    return (*found, resolved) if found else None


def submit_stamped(
    context: ClientContext,
    call: Callable[[], Any],
    stamp: Stamp,
    record: Record | None = None,
    sent: list[Exchange] | None = None,
) -> Submission:
    """Like `submit`, with the stamp on whatever the call creates, and a note of it in `record`."""
    sent = [] if sent is None else sent
    try:
        submission = submit(context, call, stamping(context, stamp, record), sent)
    except Exception:
        if record is not None and sent and all(_is_refused(each) for each in sent):
            record.gone()  # it never was
        raise
    if record is not None:
        note_made(record, submission)
    return submission


def _is_refused(exchange: Exchange) -> bool:
    """Whether the cloud has said that it did not do it. 408 is a proxy's, who cannot know."""
    return 400 <= exchange.status < 500 and exchange.status != 408


def stamping(context: ClientContext, stamp: Stamp, record: Record | None = None) -> BeforeSending:
    """Puts the stamp on whatever the call creates, and notes the intent before it leaves."""

    def before(method: str, url: str, request: Any, headers: Mapping[str, str]) -> Any:
        resolved = context.api_client.resolve_url(url, context.service)
        found = resolved and context.table.find(resolved.service, method, resolved.path, request)
        if resolved is None or not found:
            return None
        operation, variables = found
        where = operation.stamp_at(microversion_of(resolved.service, headers))
        if where is None and not operation.ledger_only:
            return None
        if record is not None:
            many = operation.identify(variables, request, None).get("most", "1")
            count = int(many) if operation.members is not None else 1
            record.intended(operation.type.name, name_of(request), count, where is not None)
        return None if where is None else stamp.put_on(request, where, variables.get("server"))

    return before


def name_of(request: Any, plain: Any = None) -> str | None:
    """The name of what the call is about, from its request or from its answer."""
    if isinstance(request, Mapping):
        for value in (request, *request.values()):
            if isinstance(value, Mapping) and isinstance(value.get("name"), str):
                return str(value["name"])
    # Not getattr: a lazy resource of a client would ask the cloud for what it does not have.
    name = getattr(plain, "__dict__", {}).get("name")
    return name if isinstance(name, str) else None
