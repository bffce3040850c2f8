"""The files of --os-report, checked when the run begins and written when it ends."""

from __future__ import annotations

import socket
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_osfutures.cleanup import LedgerError, resource_rows, run_info
from pytest_osfutures.errors import OSFuturesError
from pytest_osfutures.plugin import options
from pytest_osfutures.plugin.fixtures import current_run_session
from pytest_osfutures.plugin.run_id import is_forked, run_id
from pytest_osfutures.plugin.session_end import ledger_of, requests_of_run, spans_of_run
from pytest_osfutures.reports import (
    Report,
    ResourceRow,
    RunInfo,
    check_format,
    report_of,
    write_report,
)


class ReportFiles:
    """The plugin that writes the files of --os-report.

    Args:
        config: pytest's configuration.
        names: the files, as the user has named them.

    Raises:
        pytest.UsageError: a file cannot be written.
    """

    def __init__(self, config: pytest.Config, names: Sequence[str]) -> None:
        self._config = config
        self._began = time.time()
        #: Lines for the end of the run.
        self._lines: list[str] = []
        given = options.REPORT.given(config) is not None
        self._where = options.REPORT.string if given else f"ini option {options.REPORT.ini}"
        ini = config.inipath.parent if config.inipath is not None else config.rootpath
        base = config.invocation_params.dir if given else ini
        self._paths = [self._checked(base, name) for name in dict.fromkeys(names)]

    def _checked(self, base: Path, name: str) -> Path:
        """Return the path of a file that can be written. Raises pytest.UsageError."""
        path = base / name
        try:
            path = base / Path(name).expanduser()
            check_format(path)
            if path.is_dir():
                raise IsADirectoryError(f"{path} is a directory")
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=path.parent):
                pass
        except (OSError, RuntimeError, OSFuturesError) as error:  # RuntimeError: no home directory
            raise pytest.UsageError(f"{self._where}: {path} cannot be written: {error}") from None
        return path

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Any:
        """Write the files after the clean-up and before the summary, also if interrupted."""
        try:
            return (yield)
        finally:
            if not is_forked(self._config) and not session.config.option.collectonly:
                self._write()

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Print where the reports are."""
        for line in self._lines:
            terminalreporter.write_line(f"osfutures: {line}")

    def _write(self) -> None:
        report = run_report(self._config, self._began)
        for path in self._paths:
            try:
                write_report(report, path)
                self._lines.append(f"report in {path}")
            except OSError as error:
                self._lines.append(f"the report {path} cannot be written: {error}")


def run_report(config: pytest.Config, began: float) -> Report:
    """Return the report of the run of this process and its workers.

    Args:
        config: pytest's configuration.
        began: seconds since 1970 at which the run began.
    """
    run_session, ledger = current_run_session(config), ledger_of(config)
    spans, rows = spans_of_run(config), list[ResourceRow]()
    run = RunInfo(id=run_id(config), host=socket.gethostname())
    if run_session is not None:
        spans += run_session.recorder.unfinished_spans()
    if ledger is not None:
        with suppress(LedgerError):
            rows, run = resource_rows(ledger), run_info(ledger)
    requests = requests_of_run(config)
    run = replace(run, state="ended", began=began, ended=time.time(), requests=requests)
    return report_of(run, spans, rows)
