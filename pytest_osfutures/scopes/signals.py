"""SIGTERM and SIGHUP, which end a run as Ctrl-C does.

Without a handler these two end the process without any clean-up.
"""

from __future__ import annotations

import signal
import threading
from types import FrameType

SIGNALS = (signal.SIGTERM, signal.SIGHUP)


def handle_signals() -> bool:
    """Interrupt the main thread on these signals, unless another handler is installed.

    Returns:
        True if this call has installed a handler; only the main thread can.
    """
    if threading.current_thread() is not threading.main_thread():
        return False
    free = [number for number in SIGNALS if signal.getsignal(number) is signal.SIG_DFL]
    for number in free:
        signal.signal(number, _interrupt)
    return bool(free)


def restore_signals() -> bool:
    """Restore the default handlers, unless another handler has been installed since.

    Returns:
        True if this is the main thread, which alone can restore them.
    """
    if threading.current_thread() is not threading.main_thread():
        return False
    for number in SIGNALS:
        if signal.getsignal(number) is _interrupt:
            signal.signal(number, signal.SIG_DFL)
    return True


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
