"""The evidence of a failed test: gathered before its resources are deleted, for its report."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from pytest_osfutures.cleanup import LedgerError, LedgerRow
from pytest_osfutures.clock import SystemClock
from pytest_osfutures.errors import OperationError
from pytest_osfutures.evidence import (
    ERROR,
    RESOURCES,
    SECONDS,
    OperationEvidence,
    ResourceEvidence,
    Target,
    TestEvidence,
    gather,
    text_of,
)
from pytest_osfutures.futures import (
    OperationFuture,
    error_of,
    secrets_of,
    state_of,
    title_of,
    type_of,
)
from pytest_osfutures.operations import OWNED_TYPES
from pytest_osfutures.plugin.artifacts import Attachments, folder_of, write_files
from pytest_osfutures.plugin.background import EVIDENCE
from pytest_osfutures.plugin.fixtures import ITEM

if TYPE_CHECKING:
    from pytest_osfutures.plugin.run import RunSession

__tracebackhide__ = True  # pytest: an error belongs to the line of the fixture

Future = OperationFuture[Any]
_log = logging.getLogger("osfutures")
#: Largest number of calls that are told whose resources are not.
CALLS = 20
#: Seconds without which no question is asked.
LEAST = 0.1
#: Largest number of futures of a wait that are named.
NAMED = 10
#: Evidence that was gathered before a teardown deleted the resources.
EARLY: pytest.StashKey[TestEvidence] = pytest.StashKey()


def add_evidence(
    run_session: RunSession,
    item: pytest.Item,
    report: pytest.TestReport,
    error: BaseException | None,
) -> None:
    """Add the evidence to the report of a failed phase, or of every test with --os-artifacts=on.

    A failure of this function costs the evidence only.

    Args:
        run_session: this process's part in the run.
        item: the test.
        report: the report of one phase.
        error: the exception that ended the phase.
    """
    settings = run_session.artifacts
    if not report.failed and not (settings.when == "on" and report.when == "call"):
        return
    try:
        early = item.stash.get(EARLY, None) if report.when == "teardown" else None
        evidence = early or evidence_of(run_session, item, error, is_asked=not settings.are_off)
        if evidence:
            where = None
            if not settings.are_off:
                folder = folder_of(settings, item.nodeid, run_session.usage.tries_of(item))
                where = write_files(folder, item.nodeid, str(report.when), evidence)
            Attachments(item, report).add(evidence, where, text_of(evidence, report.longreprtext))
    except Exception as problem:
        _log.warning("the evidence of %s is lost", item.nodeid, exc_info=True)
        report.sections.append((EVIDENCE, f"lost: {type(problem).__name__}: {problem}"))


def evidence_of_left(
    run_session: RunSession, owner: str, error: str, created: Sequence[Future]
) -> str:
    """Return the evidence about resources that a background deletion has left, as text.

    Args:
        run_session: this process's part in the run.
        owner: id of the test, class or module whose resources these are.
        error: the text of the error, which names the resources.
        created: the futures of the creations.
    """
    if run_session.artifacts.are_off:
        return ""
    try:
        rows = [each for each in run_session.ledger.rows("bound") if each.id and each.id in error]
        targets = [_target(each) for each in rows if each.kind in OWNED_TYPES]
        resources = gather(run_session.cloud.api_client, targets, SystemClock())
        ids = {each.id for each in targets}
        calls = [_operation(each) for each in created if each.resource_id in ids]
        evidence = TestEvidence(resources=tuple(resources), operations=tuple(calls))
        if not evidence:
            return ""
        where = write_files(folder_of(run_session.artifacts, owner), owner, "teardown", evidence)
        return f"{text_of(evidence, error)}\n{where}"
    except Exception as problem:
        _log.warning("the evidence of %s is lost", owner, exc_info=True)
        return f"lost: {type(problem).__name__}: {problem}"


def guard_teardown(run_session: RunSession, fixture: pytest.FixtureDef[Any]) -> None:
    """Gather the evidence as soon as the teardown of a fixture fails.

    pytest goes on with the other teardowns, which delete the resources, before it makes the report.
    """
    finalizers: list[Callable[[], object]] = getattr(fixture, "_finalizers", [])
    finalizers[:] = [partial(_guarded, run_session, each) for each in finalizers]


def _guarded(run_session: RunSession, finalizer: Callable[[], object]) -> None:
    try:
        finalizer()
    except (Exception, pytest.fail.Exception) as error:  # no interrupt, and no end of the run
        item = run_session.config.stash.get(ITEM, None)
        if item is not None and EARLY not in item.stash:
            _gather_early(run_session, item, error)
        raise


def _gather_early(run_session: RunSession, item: pytest.Item, error: BaseException) -> None:
    if not run_session.artifacts.are_off:
        try:
            item.stash[EARLY] = evidence_of(run_session, item, error)
        except Exception:
            _log.warning("the evidence of %s is lost", item.nodeid, exc_info=True)


def evidence_of(
    run_session: RunSession, item: pytest.Item, error: BaseException | None, is_asked: bool = True
) -> TestEvidence:
    """Return the evidence about a test.

    Args:
        run_session: this process's part in the run.
        item: the test.
        error: the exception that has ended the test; None if it goes on or has passed.
        is_asked: False to ask the cloud nothing, and to tell only the waits that the error ended.
    """
    waits = tuple(waits_of(run_session, error))
    if not is_asked:
        return TestEvidence(waits)
    usage = run_session.usage
    futures, notes = usage.futures_of(item), list[str]()
    try:
        rows = run_session.ledger.rows()
    except LedgerError as problem:
        rows, notes = [], [f"only the resources of the test's calls are known: {problem}"]
    targets = targets_of(rows, futures, item.nodeid, usage.began)
    resources = ask(run_session, targets, notes)
    calls = _calls(futures, {each.target.id for each in resources}, usage.told, notes)
    usage.told.update(futures)
    return TestEvidence(waits, tuple(resources), tuple(map(_operation, calls)), tuple(notes))


def _calls(
    futures: Sequence[Future], resources: set[str], told: set[Future], notes: list[str]
) -> list[Future]:
    """Return the calls to tell: those on the resources, then others, which failed first.

    Calls that were done when they were answered, and that have no resource, tell nothing.
    """
    calls = [each for each in futures if each.resource_id in resources]
    others = [
        each
        for each in futures
        if each not in told
        and each.resource_id not in resources
        and (each.operation or not _has_succeeded(each))
    ]
    others.sort(key=_has_succeeded)
    if len(others) > CALLS:
        notes.append(f"{len(others) - CALLS} more calls of this test are left out")
    return calls + others[:CALLS]


def ask(
    run_session: RunSession, targets: Sequence[Target], notes: list[str]
) -> list[ResourceEvidence]:
    """Ask the cloud about resources, for as long as the running test has left."""
    usage, began = run_session.usage, time.monotonic()
    if targets and usage.seconds < LEAST:
        notes.append(f"the cloud is asked no more: the {SECONDS:g} s of this test are over")
        return [ResourceEvidence(each) for each in targets[:RESOURCES]]
    if len(targets) > RESOURCES:
        notes.append(f"{len(targets) - RESOURCES} more resources of this test are left out")
    resources = gather(run_session.cloud.api_client, targets, SystemClock(), usage.seconds)
    usage.seconds = max(0.0, usage.seconds - (time.monotonic() - began))
    return resources


def targets_of(
    rows: Iterable[LedgerRow], futures: Sequence[Future], test: str, began: float
) -> list[Target]:
    """Return the resources that exist and that a test has used; those of failed calls come first.

    Args:
        rows: the rows of the ledger.
        futures: the calls of the test and of its fixtures.
        test: id of the test.
        began: seconds since 1970 at which the test began.
    """
    rows = [each for each in rows if each.id and each.kind in OWNED_TYPES]
    used = {each.resource_id for each in futures}
    operations = {
        row.operation
        for row in rows
        if row.id in used or (row.test == test and row.intended >= began)
    }
    secrets = frozenset(secret for each in futures for secret in secrets_of(each))
    found = {
        str(row.id): _target(row, secrets)
        for row in rows
        if row.operation in operations and row.state in ("intent", "bound", "kept")
    }
    known = {row.id for row in rows}
    for each in futures:
        kind = type_of(each)
        if each.resource_id in known or kind is None or OWNED_TYPES.get(kind.name) is not kind:
            continue
        if each.resource_id:
            name = each.resource_name or ""
            found.setdefault(each.resource_id, Target(kind, each.resource_id, name, secrets))
    order = [each.resource_id for each in sorted(futures, key=_has_succeeded)]
    last = len(order)
    return sorted(
        found.values(), key=lambda each: order.index(each.id) if each.id in order else last
    )


def _target(row: LedgerRow, secrets: frozenset[str] = frozenset()) -> Target:
    return Target(OWNED_TYPES[row.kind], str(row.id), row.name or "", secrets)


def _has_succeeded(future: Future) -> bool:
    return future.done() and error_of(future) is None


def _operation(future: Future) -> OperationEvidence:
    """Return the evidence of a call."""
    error = error_of(future) if future.done() else None
    lines: list[str] = []
    if isinstance(error, OperationError):
        lines = [f"{ERROR}{error.why}", *error.details.lines()]
    elif error is not None:
        lines = [f"{ERROR}{type(error).__name__}: {error}"]
    return OperationEvidence(
        _title(future),
        state_of(future),
        future.resource_id,
        future.resource_name,
        future.request_id,
        future.history,
        future.attempts,
        tuple(lines),
        secrets_of(future),
    )


def waits_of(run_session: RunSession, error: BaseException | None) -> Iterator[str]:
    """Yield a sentence for each future that the test was waiting for when `error` ended it."""
    recorder = run_session.recorder
    now = run_session.cloud.engine.clock.time()
    for wait in recorder.waits_ended_by(error):
        pending = [
            each
            for each in wait.futures
            if isinstance(each, OperationFuture) and not _has_succeeded(each)
        ]
        since = datetime.fromtimestamp(wait.began, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        for each in pending[:NAMED]:
            yield f"waiting since {since} ({now - wait.began:.1f} s) for {_named(each)}"
        if len(pending) > NAMED:
            yield f"waiting since {since} for {len(pending) - NAMED} more"


def _named(future: Future) -> str:
    name = f" of {future.resource_name!r}" if future.resource_name else ""
    ident = f" ({future.resource_id})" if future.resource_id else ""
    return f"{_title(future)}{name}{ident}: {state_of(future)}"


def _title(future: Future) -> str:
    if future.operation:
        return future.operation
    title = title_of(future) or "a call"
    return title if future.done() else f"{title}, whose request has no answer yet"
