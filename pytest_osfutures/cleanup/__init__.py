"""Cleanup: the ledger of a run, the sweep of its resources, and the reaper of dead processes."""

from pytest_osfutures.cleanup.cleanups import (
    IN_FLIGHT_SECONDS,
    clean_up,
    clean_up_by_stamp,
    stamps_of_run,
    sweep_expired,
    sweep_rows,
)
from pytest_osfutures.cleanup.heartbeat import Heartbeat
from pytest_osfutures.cleanup.ledger import Ledger, LedgerError
from pytest_osfutures.cleanup.ledger_files import (
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
from pytest_osfutures.cleanup.recovery import clean_up_dead, dead_runs, is_dead
from pytest_osfutures.cleanup.rows import LedgerRow
from pytest_osfutures.cleanup.shared import (
    SharedResources,
    SharedState,
    load_error,
    release_dead_holders,
)
from pytest_osfutures.cleanup.sweep import Sweep, SweepContext

__all__ = [
    "IN_FLIGHT_SECONDS",
    "UNDER_WAY",
    "Heartbeat",
    "Ledger",
    "LedgerError",
    "LedgerRow",
    "ProcessLock",
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
    "ledger_directory",
    "ledger_path",
    "ledgers",
    "living_runs",
    "load_error",
    "reaper_lock",
    "reaper_log",
    "release_dead_holders",
    "remove_ledger",
    "stamps_of_run",
    "sweep_expired",
    "sweep_rows",
]
