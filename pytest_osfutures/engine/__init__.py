"""Watch operations until they end: the loop, its reads and its limits. No I/O."""

from pytest_osfutures.engine.awaiting import run_in_thread, wait_in_task
from pytest_osfutures.engine.executors import Executor
from pytest_osfutures.engine.loop import Engine, default
from pytest_osfutures.engine.poll_plan import ReadRequest, ReadResult
from pytest_osfutures.engine.timers import Timer
from pytest_osfutures.engine.watch import Completion, Reader, Watch

__all__ = [
    "Completion",
    "Engine",
    "Executor",
    "ReadRequest",
    "ReadResult",
    "Reader",
    "Timer",
    "Watch",
    "default",
    "run_in_thread",
    "wait_in_task",
]
