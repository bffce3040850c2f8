"""Submit: make one plain call of a client and recognise the operation that it starts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from pytest_osfutures.calls.context import ClientContext, Record
from pytest_osfutures.calls.generic import Followed, Unfollowed, last_found, watching
from pytest_osfutures.calls.recognise import recognise
from pytest_osfutures.engine import Completion, Engine, ReadRequest, Watch
from pytest_osfutures.errors import OperationDetails, UnusableAnswerError, without_frames
from pytest_osfutures.operations import Body, Operation, Succeeded, Variables
from pytest_osfutures.redaction import secrets_in, without_secrets
from pytest_osfutures.stamp import Stamp
from pytest_osfutures.transport import (
    BeforeSending,
    Exchange,
    captured_exchanges,
    microversion_of,
)

__tracebackhide__ = True  # pytest: an error belongs to the line of the test


@dataclass(frozen=True, slots=True)
class Submission:
    """An accepted plain call and the operation that the call has started."""

    #: The context of the client.
    context: ClientContext
    #: The result of the plain call.
    plain: Any
    #: The operation; None if the call was done when it was answered, or cannot be followed.
    operation: Operation | None = None
    #: The values of the operation's variables, as the id of the resource.
    variables: Variables | None = None
    #: The request that started the operation, with the answer.
    exchange: Exchange | None = None
    #: The request that may have started work, if that work cannot be followed.
    unfollowed: Unfollowed | None = None
    #: The variables of each resource of an operation on many, once an undo has listed them.
    members: list[Variables] = field(default_factory=list, compare=False)
    #: The ids of created resources that have no children, as their last bodies tell.
    childless: list[str] = field(default_factory=list, compare=False)

    @property
    def resource_id(self) -> str | None:
        """The id of the operation's main resource."""
        if self.operation is None or self.variables is None:
            return None
        return self.operation.resource_id(self.variables)

    @property
    def ids(self) -> set[str]:
        """The known ids of all resources of the operation."""
        members = (self.variables or {}).get("members", "").split(",")
        return {each for each in (self.resource_id, *members) if each}

    @property
    def is_identified(self) -> bool:
        """True if the answer names the operation's main resource."""
        return self.operation is None or self.operation.is_identified(self.variables or {})

    @property
    def title(self) -> str:
        """The name of the operation or of the request, for messages."""
        if self.operation is not None:
            return self.operation.name
        return self.unfollowed.name if self.unfollowed is not None else "this call"

    @property
    def label(self) -> str:
        """The title with the id of the resource, for the log."""
        ident = self.resource_id
        return f"{self.title} ({ident})" if ident else self.title

    @property
    def microversion(self) -> str:
        """The microversion of the request; empty if the request named none."""
        if self.operation is None or self.exchange is None:
            return ""
        return microversion_of(self.operation.route.service, self.exchange.request_headers)

    def watch(self, tout: float | None, on_end: Callable[[Completion], None]) -> Watch:
        """Return the watch of the operation; `tout` in seconds (None: the operation's own)."""
        assert self.operation is not None
        assert self.variables is not None
        assert self.exchange is not None
        return Watch(
            operation=self.operation,
            variables=self.variables,
            reader=self.context.api_client,
            accepted_at=self.exchange.answered_at,
            sent_at=self.exchange.sent_at,
            tout=self.operation.tout if tout is None else tout,
            on_end=on_end,
            request_id=self.exchange.request_id,
            resource_name=name_of(self.exchange.request, self.plain),
            action_kind=self.context.action_kind,
            versions=_versions(self.operation.route.service, self.microversion),
            secrets=tuple(secrets_in([self.exchange.request, self.exchange.response])),
        )

    def result(self, ending: Succeeded) -> Any:
        """Return the client's object of the resource as read last; None after a deletion."""
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
    """Make the plain call, in this thread, and recognise the operation that the call starts.

    Args:
        context: The context of the client.
        call: The plain call, with all arguments.
        before: Called with each changing request that is about to leave; may return another body.
        sent: Receives the requests, also those of a call that raises.

    Raises:
        UnusableAnswerError: An accepted answer does not name the resource of the operation.
        Exception: The errors of the plain call.
    """
    context.api_client.catalog()
    there: dict[str, str] = {}
    old: dict[str, Body | None] = {}
    before = before or _listing(context, there)
    hook = watching(context, before, old)
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
    exchange, found = last_found(context, exchanges, old)
    if isinstance(found, Followed):
        return Submission(context, plain, found.operation, found.variables, exchange)
    return Submission(context, plain, exchange=exchange, unfollowed=found)


def _listing(context: ClientContext, there: dict[str, str]) -> BeforeSending:
    """Return a hook that notes in `there` the servers of the names that a request will use again.

    Without a stamp, only these ids tell other servers of the same names from the new ones.
    """

    def hook(exchange: Exchange) -> None:
        found = recognise(context, exchange).operation
        if found is None or found[0].are_identified is None:
            return
        operation, variables = found
        variables = operation.identify(variables, exchange.request, None)
        version = microversion_of(operation.route.service, exchange.request_headers)
        listed = _listed(context, operation, {**variables, "id": ""}, version)
        if listed is not None and "op" not in variables:
            there["before"] = ",".join(listed)

    return hook


def _with_members(submission: Submission, there: Variables) -> Submission:
    """Return the submission with the ids of all servers, if the request creates many.

    Nova's answer comes after all of them are created (`min_count` in
    https://docs.openstack.org/api-ref/compute/#create-multiple-servers), so a list shows them
    before another request can create servers of the same names. If the list cannot be read, only
    the stamp identifies them later.
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
    """Return the resources of a request for many by their ids; None if no list shows them."""
    ref = operation.main.ref(variables)
    if ref is None or operation.members is None:
        return None
    request = ReadRequest(ref.type, version, (ref,), ref.path)
    body = context.api_client.read(request, context.engine.clock).found.get(ref.id)
    try:
        return None if body is None else {e["id"]: e for e in operation.members(body, variables)}
    except (AttributeError, LookupError, TypeError):  # malformed
        return None


def note_made(record: Record, submission: Submission) -> None:
    """Note in the ledger the known ids of the resources that a request has created."""
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
    """Raise UnusableAnswerError if an accepted answer does not name the operation's resource.

    `cause` is the client's own error about the answer, as a KeyError. The message leaves the body
    out, because the body may hold a password.
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
    """Return a submission for each accepted request that the table knows."""
    started = []
    for exchange in exchanges:
        if exchange.accepted and (found := recognise(context, exchange).operation):
            operation, variables = found
            exchange.recognised = None  # thousands of calls that wait keep their exchange
            variables = {
                **operation.identify(
                    variables, exchange.request, exchange.response, exchange.headers
                ),
                "request_id": exchange.request_id or "",
            }
            started.append(Submission(context, plain, operation, variables, exchange))
    return started


def made_by(context: ClientContext, exchanges: Iterable[Exchange]) -> Submission | None:
    """Return the first submission that has created a resource with a known id, if any."""
    for each in accepted(context, None, exchanges):
        if each.operation is not None and each.operation.creates and each.is_identified:
            return each
    return None


def _joined(started: Sequence[Submission]) -> Submission:
    """Return the last submission; merge in undo and stamp of the request that created the resource.

    As one request creates an image and another one uploads the data.
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
    """Tell the concurrency limit how long each request took and whether the API is overloaded."""
    for exchange in exchanges:
        if exchange.status:
            parts = exchange.url.partition("?")[0].rstrip("/").split("/")
            kind = f"{exchange.method} {parts[-1 if exchange.method == 'POST' else -2]}"
            took = exchange.answered_at - exchange.sent_at
            engine.concurrency_limit.observe(kind, took, exchange.overloaded)


def submit_stamped(
    context: ClientContext,
    call: Callable[[], Any],
    stamp: Stamp,
    record: Record | None = None,
    sent: list[Exchange] | None = None,
) -> Submission:
    """Submit a call, stamp the resources that the call creates and note them in `record`."""
    sent = [] if sent is None else sent
    try:
        submission = submit(context, call, stamping(context, stamp, record), sent)
    except Exception:
        if record is not None and sent and all(each.rejected for each in sent):
            record.gone()  # nothing was ever created
        raise
    if record is not None:
        note_made(record, submission)
    return submission


def stamping(context: ClientContext, stamp: Stamp, record: Record | None = None) -> BeforeSending:
    """Return a hook that stamps each creating request, after a note of the intent."""

    def before(exchange: Exchange) -> Any:
        found = recognise(context, exchange).operation
        if found is None:
            return None
        (operation, variables), request = found, exchange.request
        where = operation.stamp_at(
            microversion_of(operation.route.service, exchange.request_headers)
        )
        if where is None and not operation.ledger_only:
            return None
        if record is not None:
            many = operation.identify(variables, request, None).get("most", "1")
            count = int(many) if operation.members is not None else 1
            record.intended(operation.type.name, name_of(request), count, where is not None)
        return None if where is None else stamp.put_on(request, where, variables.get("server"))

    return before


def name_of(request: Any, plain: Any = None) -> str | None:
    """Return the resource's name, from the request or from the plain call's result."""
    if isinstance(request, Mapping):
        for value in (request, *request.values()):
            if isinstance(value, Mapping) and isinstance(value.get("name"), str):
                return str(value["name"])
    # Not getattr: a lazy resource of a client would read missing attributes from the cloud.
    name = getattr(plain, "__dict__", {}).get("name")
    return name if isinstance(name, str) else None


@lru_cache
def _versions(service: str, microversion: str) -> Mapping[str, str]:
    """Return one mapping for all operations, as thousands may run at a time."""
    return MappingProxyType({service: microversion})
