"""SIGTERM and SIGHUP, which end a run as Ctrl-C does.

Without a handler these two end the process without any clean-up.
"""

from __future__ import annotations

import signal
import threading
from types import FrameType

SIGNALS = (signal.SIGTERM, signal.SIGHUP)


def handle_signals() -> None:
    """Interrupt the main thread on these signals, unless another handler is installed."""
    if threading.current_thread() is not threading.main_thread():
        return
    for number in SIGNALS:
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _interrupt)


def restore_signals() -> None:
    """Restore the default handlers, unless another handler has been installed since."""
    if threading.current_thread() is not threading.main_thread():
        return
    for number in SIGNALS:
        if signal.getsignal(number) is _interrupt:
            signal.signal(number, signal.SIG_DFL)


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Interrupt the main thread, in the way of the framework that runs there.

    asyncio and trio handle SIGINT: they cancel their tasks, whose clean-up then runs.
    https://docs.python.org/3/library/asyncio-runner.html#handling-keyboard-interruption
    """
    handler = signal.getsignal(signal.SIGINT)
    if callable(handler) and handler is not signal.default_int_handler:
        handler(signal.SIGINT, frame)
        return
    raise KeyboardInterrupt(signal.Signals(number).name)
