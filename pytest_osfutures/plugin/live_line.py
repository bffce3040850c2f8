"""The line at the bottom of a terminal that names the operations that a run waits for.

Only the terminal gets it: neither captured output nor logs do.
"""

from __future__ import annotations

import os
import sys
import threading
from contextlib import nullcontext, suppress
from typing import Any, Protocol, TextIO

import pytest


class Line(Protocol):
    """One line on a terminal whose text changes."""

    def show(self, text: str) -> None:
        """Show a text in place of the one before."""

    def hide(self) -> None:
        """Remove the line; the cursor is then where the line began."""


class LiveLine:
    """The line below the output of pytest. Safe to use from any thread.

    Args:
        stream: the terminal.
        line: draws the text.
        column: returns the number of columns that pytest has written into its line; None if
            the output of tests may stand there too.
    """

    def __init__(self, stream: TextIO, line: Line, column: Any) -> None:
        self._stream = stream
        self._line = line
        self._column = column
        self._shown_at: int | None = None
        self._lock = threading.RLock()

    @property
    def lock(self) -> threading.RLock:
        """The lock that orders changes of the line."""
        return self._lock

    def show(self, text: str) -> None:
        """Show a text in place of the one before."""
        with self._lock, suppress(OSError, ValueError):  # the terminal may be gone
            if self._shown_at is None:
                column = self._column()
                self._shown_at = column or 0
                if column != 0:
                    self._stream.write("\n")
            self._line.show(text)
            self._stream.flush()

    def hide(self) -> None:
        """Remove the line, so that pytest goes on where it was."""
        with self._lock, suppress(OSError, ValueError):
            if self._shown_at is None:
                return
            column, self._shown_at = self._shown_at, None
            self._line.hide()
            if column:
                self._stream.write(f"\x1b[1A\x1b[{column}C")
            self._stream.flush()


class PlainLine:
    """A line without rich.

    Args:
        stream: the terminal.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def show(self, text: str) -> None:
        width = os.get_terminal_size(self._stream.fileno()).columns
        self._stream.write(f"\r\x1b[2K{text[: width - 1]}")

    def hide(self) -> None:
        self._stream.write("\r\x1b[2K")


class RichLine:
    """A line with a spinner, drawn by rich.

    Args:
        stream: the terminal.
        has_color: False if pytest uses no colors (--color=no).
    """

    def __init__(self, stream: TextIO, has_color: bool) -> None:
        from rich.console import Console

        self._console = Console(file=stream, no_color=True if not has_color else None)
        self._live: Any = None
        self._spinner: Any = None

    def show(self, text: str) -> None:
        from rich.live import Live
        from rich.spinner import Spinner
        from rich.text import Text

        shown = Text(text, style="dim", no_wrap=True, overflow="ellipsis")
        if self._live is None:
            self._spinner = Spinner("dots", shown)
            self._live = Live(
                self._spinner,
                console=self._console,
                auto_refresh=False,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._live.start()
            self._console.show_cursor(True)  # of a killed run, too
        self._spinner.update(text=shown)
        self._live.refresh()

    def hide(self) -> None:
        live, self._live = self._live, None
        if live is not None:
            live.stop()


class HideLine:
    """The hooks that remove the line before pytest prints.

    Args:
        line: the line.
    """

    def __init__(self, line: LiveLine) -> None:
        self._line = line

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logstart(self) -> None:
        """Remove the line before the name of a test."""
        self._line.hide()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Remove the line before the result of a test, but not before the state of a worker."""
        if not hasattr(report, "osfutures_waits"):
            self._line.hide()

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """Remove the line before the end of the run."""
        self._line.hide()

    @pytest.hookimpl(tryfirst=True)
    def pytest_terminal_summary(self) -> None:
        """Remove the line before the summary."""
        self._line.hide()


def live_line_of(config: pytest.Config) -> LiveLine | None:
    """Return the line of the terminal; None if the output is no terminal.

    With live logs (log_cli) there is none: the records of the log say the same.
    """
    stream = _terminal(config)
    if stream is None:
        return None
    writer = config.get_terminal_writer()
    mixed = config.getoption("capture", "fd") == "no"
    try:
        line: Line = RichLine(stream, writer.hasmarkup)
    except ImportError:
        line = PlainLine(stream)
    live = LiveLine(stream, line, lambda: None if mixed else writer.width_of_current_line)
    config.pluginmanager.register(HideLine(live))
    return live


def _terminal(config: pytest.Config) -> TextIO | None:
    terminal: Any = config.pluginmanager.get_plugin("terminalreporter")
    if terminal is None or not terminal.isatty:
        return None
    if os.environ.get("TERM", "") in ("", "dumb"):
        return None
    if config.getini("log_cli") or config.getoption("log_cli_level", None):
        return None
    capture: Any = config.pluginmanager.get_plugin("capturemanager")
    with nullcontext() if capture is None else capture.global_and_fixture_disabled():
        try:
            number = os.dup(sys.__stdout__.fileno()) if sys.__stdout__ is not None else -1
        except (OSError, ValueError):
            return None
    if number < 0 or not os.isatty(number):
        return None
    encoding = getattr(sys.__stdout__, "encoding", None) or "utf-8"
    return os.fdopen(number, "w", encoding=encoding, errors="replace")
