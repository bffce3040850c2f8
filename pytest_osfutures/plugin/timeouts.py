"""pytest-timeout's method `thread` ends the process without a report: the evidence is printed.

Nobody sees the output of a worker of pytest-xdist, so its controller gets the evidence.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import pytest

from pytest_osfutures.evidence import text_of
from pytest_osfutures.plugin.artifacts import folder_of, write_files
from pytest_osfutures.plugin.background import EVIDENCE
from pytest_osfutures.plugin.evidence import evidence_of
from pytest_osfutures.plugin.xdist import send_crash_evidence

if TYPE_CHECKING:
    from pytest_osfutures.plugin.run import RunSession

_log = logging.getLogger("osfutures")


def tell_before_timeout(run_session_of: Callable[[], RunSession | None], item: pytest.Item) -> None:
    """Let the timer of a test print the evidence before it ends the process.

    Args:
        run_session_of: returns this process's part in the run, if the test has used the plugin.
        item: the test whose timer has been started.
    """
    for thread in threading.enumerate():
        if isinstance(thread, threading.Timer) and item in thread.args:
            thread.function = partial(_tell, run_session_of, item, thread.function)


def _tell(
    run_session_of: Callable[[], RunSession | None],
    item: pytest.Item,
    end_process: Callable[..., object],
    *arguments: object,
) -> None:
    try:
        if (run_session := run_session_of()) is not None:
            _print_evidence(run_session, item)
    except Exception:
        _log.warning("the evidence of %s is lost", item.nodeid, exc_info=True)
    finally:
        end_process(*arguments)


def _print_evidence(run_session: RunSession, item: pytest.Item) -> None:
    settings = run_session.artifacts
    evidence = evidence_of(run_session, item, None, is_asked=not settings.are_off)
    if not evidence:
        return
    lines = [text_of(evidence)]
    if not settings.are_off:
        folder = folder_of(settings, item.nodeid, run_session.usage.tries_of(item))
        phase = run_session.recorder.phase or "call"
        lines.append(write_files(folder, item.nodeid, phase, evidence))
    if run_session.worker and not run_session.forked:
        send_crash_evidence(item, "\n".join(lines))
    else:
        print(f"{EVIDENCE} of {item.nodeid}", *lines, sep="\n", file=sys.stderr, flush=True)
