"""Cleanup: the ledger of a run, the sweep of the run's resources, and the reaper of dead processes.

Each name is loaded at the first use: a waiting reaper needs few of them, and little memory.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_osfutures.cleanup.cleanups import (
        IN_FLIGHT_SECONDS,
        clean_up,
        clean_up_by_stamp,
        stamps_of_run,
        sweep_expired,
        sweep_rows,
    )
    from pytest_osfutures.cleanup.heartbeat import Heartbeat
    from pytest_osfutures.cleanup.key_files import KeyFiles
    from pytest_osfutures.cleanup.ledger import Ledger, LedgerError
    from pytest_osfutures.cleanup.ledger_files import (
        leave_ledger,
        ledger_directory,
        ledger_path,
        ledgers,
        living_runs,
        reaper_lock,
        reaper_log,
        remove_ledger,
    )
    from pytest_osfutures.cleanup.orphans import UNDER_WAY, disconnect, expired
    from pytest_osfutures.cleanup.process_lock import ProcessLock
    from pytest_osfutures.cleanup.reaper import ReaperLog, ReaperLoop
    from pytest_osfutures.cleanup.reaper_process import READY, ReaperError, start_reaper
    from pytest_osfutures.cleanup.recovery import clean_up_dead, dead_runs, is_dead
    from pytest_osfutures.cleanup.rows import LedgerRow
    from pytest_osfutures.cleanup.run_report import (
        parsed_spans,
        read_ledger_report,
        resource_rows,
        run_info,
    )
    from pytest_osfutures.cleanup.shared import (
        SharedResources,
        SharedState,
        load_error,
        release_dead_holders,
    )
    from pytest_osfutures.cleanup.sweep import Sweep, SweepContext

_MODULES = {
    "cleanups": (
        "IN_FLIGHT_SECONDS",
        "clean_up",
        "clean_up_by_stamp",
        "stamps_of_run",
        "sweep_expired",
        "sweep_rows",
    ),
    "heartbeat": ("Heartbeat",),
    "key_files": ("KeyFiles",),
    "ledger": (
        "Ledger",
        "LedgerError",
    ),
    "ledger_files": (
        "ledger_directory",
        "leave_ledger",
        "ledger_path",
        "ledgers",
        "living_runs",
        "reaper_lock",
        "reaper_log",
        "remove_ledger",
    ),
    "orphans": (
        "UNDER_WAY",
        "disconnect",
        "expired",
    ),
    "process_lock": ("ProcessLock",),
    "reaper": (
        "ReaperLog",
        "ReaperLoop",
    ),
    "reaper_process": (
        "READY",
        "ReaperError",
        "start_reaper",
    ),
    "recovery": (
        "clean_up_dead",
        "dead_runs",
        "is_dead",
    ),
    "rows": ("LedgerRow",),
    "run_report": (
        "parsed_spans",
        "read_ledger_report",
        "resource_rows",
        "run_info",
    ),
    "shared": (
        "SharedResources",
        "SharedState",
        "load_error",
        "release_dead_holders",
    ),
    "sweep": (
        "Sweep",
        "SweepContext",
    ),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
    "IN_FLIGHT_SECONDS",
    "READY",
    "UNDER_WAY",
    "Heartbeat",
    "KeyFiles",
    "Ledger",
    "LedgerError",
    "LedgerRow",
    "ProcessLock",
    "ReaperError",
    "ReaperLog",
    "ReaperLoop",
    "SharedResources",
    "SharedState",
    "Sweep",
    "SweepContext",
    "clean_up",
    "clean_up_by_stamp",
    "clean_up_dead",
    "dead_runs",
    "disconnect",
    "expired",
    "is_dead",
    "leave_ledger",
    "ledger_directory",
    "ledger_path",
    "ledgers",
    "living_runs",
    "load_error",
    "parsed_spans",
    "read_ledger_report",
    "reaper_lock",
    "reaper_log",
    "release_dead_holders",
    "remove_ledger",
    "resource_rows",
    "run_info",
    "stamps_of_run",
    "start_reaper",
    "sweep_expired",
    "sweep_rows",
]


if not TYPE_CHECKING:  # or else mypy would accept any name, with the type Any

    def __getattr__(name: str) -> Any:
        if name not in _MODULE_OF:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(importlib.import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
