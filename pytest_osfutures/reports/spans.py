"""The spans of a run: its operations, the waits of its tests, and the phases of its tests.

A span has a beginning and an end in seconds since 1970, as in
https://opentelemetry.io/docs/concepts/signals/traces/#spans
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from pytest_osfutures.errors import Attempt, StatusSample
from pytest_osfutures.reports.documents import DocumentError, from_document


@dataclass(frozen=True, kw_only=True)
class OperationSpan:
    """One call that became a future, until the future was done."""

    kind: ClassVar[str] = "operation"

    #: The number of the operation among those of its process.
    number: int
    #: The id of the process.
    process: str
    #: The worker of pytest-xdist; "" in other processes.
    worker: str
    #: The id of the test, class, module or session that the operation belongs to.
    test: str
    #: The operation's name, like `server.create`; "" if no request was accepted.
    operation: str
    resource_id: str | None
    resource_name: str | None
    request_id: str | None
    #: When the call began, when the cloud accepted its last request, and when the future was done;
    #: None if that has not happened.
    began: float
    accepted: float | None
    ended: float | None
    #: The resource's states, oldest first.
    history: tuple[StatusSample, ...] = ()
    #: The failed tries, oldest first.
    attempts: tuple[Attempt, ...] = ()
    #: The class and the text of the error; "" after a success.
    error_type: str = ""
    error: str = ""
    #: The number of the operation that this one undoes.
    undoes: int | None = None

    @property
    def resource_type(self) -> str:
        """The type of the resource, like `server`."""
        return self.operation.partition(".")[0]


@dataclass(frozen=True, kw_only=True)
class WaitSpan:
    """One wait of a test for futures."""

    kind: ClassVar[str] = "wait"

    process: str
    worker: str
    #: The id of the running test.
    test: str
    #: The phase of the test: `setup`, `call` or `teardown`; "" outside of tests.
    phase: str
    began: float
    ended: float
    #: The numbers of the operations among the futures.
    operations: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class PhaseSpan:
    """One phase of a test."""

    kind: ClassVar[str] = "phase"

    process: str
    worker: str
    test: str
    #: `setup`, `call` or `teardown`.
    phase: str
    #: `passed`, `failed` or `skipped`.
    outcome: str
    began: float
    ended: float


Span = OperationSpan | WaitSpan | PhaseSpan
_CLASSES: Mapping[str, type[Span]] = {
    each.kind: each for each in (OperationSpan, WaitSpan, PhaseSpan)
}


def span_document(span: Span) -> dict[str, Any]:
    """Return a span as a JSON document; `parse_span` is the inverse."""
    return {"kind": span.kind, **asdict(span)}


def parse_span(document: Mapping[str, Any]) -> Span:
    """Return the span of a document of `span_document`.

    Raises:
        DocumentError: The document is not that of a span; the text says why.
    """
    kind = _CLASSES.get(str(document.get("kind")))
    if kind is None:
        raise DocumentError(f"no span of a run: kind {document.get('kind')!r}")
    return from_document(kind, document, f"no span of a run: {kind.__name__}")


def latest(spans: Iterable[Span]) -> list[Span]:
    """Return the spans without those of operations that have a later span."""
    found: dict[object, Span] = {}
    for span in spans:
        key = (span.process, span.number) if isinstance(span, OperationSpan) else id(span)
        found[key] = span
    return list(found.values())
