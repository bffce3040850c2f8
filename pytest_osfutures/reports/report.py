"""The report of a run: its spans and resources as one value, and as a JSON document.

The document is described in docs/report.md, and by `report.schema.json` beside this module.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from pytest_osfutures.redaction import redact
from pytest_osfutures.reports.documents import DocumentError, from_document, to_document
from pytest_osfutures.reports.spans import OperationSpan, PhaseSpan, Span, WaitSpan

FORMAT = "pytest-osfutures report"
#: The version of the document; it grows when a field changes its meaning or goes.
VERSION = 1


@dataclass(frozen=True, kw_only=True)
class RunInfo:
    """The run of a report; times are in seconds since 1970."""

    id: str
    #: The name of the cloud in clouds.yaml; "" if no process has connected to a cloud.
    cloud: str = ""
    host: str = ""
    #: `ended`; `running`, `killed` or `reaped` (killed, and cleaned up) if read from a ledger.
    state: str = "ended"
    began: float | None = None
    ended: float | None = None
    #: The number of API requests of the run; None if not known.
    requests: int | None = None


@dataclass(frozen=True, kw_only=True)
class ResourceRow:
    """One resource of a run, as the ledger knows it; times are in seconds since 1970."""

    #: The type of the resource, like `server`.
    type: str
    id: str | None
    name: str | None
    #: The id of the process, and the worker of pytest-xdist that have made the resource.
    process: str
    worker: str
    #: The id of the test, class, module or session that the resource belongs to.
    test: str
    #: `intent` (requested, no id known), `bound` (exists), `gone` or `kept`.
    state: str
    tries: int
    #: When the request was about to leave, when the id was known, when the deletion was confirmed.
    began: float
    bound: float | None = None
    gone: float | None = None
    #: The reason of the state.
    note: str | None = None


@dataclass(frozen=True, kw_only=True)
class Report:
    """Everything that is known about a run."""

    run: RunInfo
    operations: tuple[OperationSpan, ...] = ()
    waits: tuple[WaitSpan, ...] = ()
    phases: tuple[PhaseSpan, ...] = ()
    resources: tuple[ResourceRow, ...] = ()

    @property
    def moments(self) -> tuple[float, float] | None:
        """The first and the last moment of the report; None if nothing has happened."""
        spans: tuple[Span, ...] = (*self.operations, *self.waits, *self.phases)
        times = [time for each in spans for time in (each.began, each.ended)]
        times += [time for each in self.resources for time in (each.began, each.bound, each.gone)]
        known = [time for time in (*times, self.run.began, self.run.ended) if time is not None]
        return (min(known), max(known)) if known else None


def report_of(run: RunInfo, spans: Iterable[Span], resources: Iterable[ResourceRow]) -> Report:
    """Return the report of a run.

    An operation that was recorded twice, before its end and after, counts once.
    """
    found = list(spans)
    operations = {
        (each.worker, each.process, each.number): each
        for each in found
        if isinstance(each, OperationSpan)
    }
    return Report(
        run=run,
        operations=tuple(sorted(operations.values(), key=lambda each: each.began)),
        waits=tuple(each for each in found if isinstance(each, WaitSpan)),
        phases=tuple(each for each in found if isinstance(each, PhaseSpan)),
        resources=tuple(resources),
    )


def redacted(report: Report) -> Report:
    """Return the report with the values of secret fields in its texts replaced by `***`."""
    operations = (
        replace(
            each,
            resource_name=_redact(each.resource_name),
            error=redact(each.error),
            attempts=tuple(tried._replace(why=redact(tried.why)) for tried in each.attempts),
        )
        for each in report.operations
    )
    resources = (
        replace(each, name=_redact(each.name), note=_redact(each.note)) for each in report.resources
    )
    return replace(report, operations=tuple(operations), resources=tuple(resources))


def _redact(text: str | None) -> str | None:
    return None if text is None else redact(text)


def report_document(report: Report) -> dict[str, Any]:
    """Return a report as a JSON document, with secrets hidden; `parse_report` is the inverse."""
    return {"format": FORMAT, "version": VERSION, **to_document(redacted(report))}


def parse_report(text: str) -> Report:
    """Return the report of a JSON text.

    Raises:
        DocumentError: the text is not that of a report of this version; the text says why.
    """
    try:
        document = json.loads(text)
    except RecursionError:
        raise DocumentError("it is no JSON: nested too deep") from None
    except ValueError as error:
        raise DocumentError(f"it is no JSON: {error}") from None
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise DocumentError(f'it is JSON without `"format": "{FORMAT}"`')
    if document.get("version") != VERSION:
        raise DocumentError(
            f"it has version {document.get('version')!r} of the format, and this "
            f"pytest-osfutures reads version {VERSION}"
        )
    return from_document(Report, document, "the report")
