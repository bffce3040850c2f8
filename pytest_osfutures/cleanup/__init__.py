"""Nothing is left behind: the ledger, the sweep and the reaper."""

from pytest_osfutures.cleanup.heartbeat import Heartbeat
from pytest_osfutures.cleanup.ledger import (
    Ledger,
    LedgerError,
    LedgerRow,
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
from pytest_osfutures.cleanup.reaper import Log, ReaperLoop
from pytest_osfutures.cleanup.shared import (
    SharedResources,
    SharedState,
    load_error,
    release_dead_holders,
)
from pytest_osfutures.cleanup.sweep import (
    SETTLING,
    Sweep,
    clean_up,
    clean_up_by_stamp,
    clean_up_dead,
    dead_runs,
    is_dead,
    of_run,
    sweep_expired,
    sweep_rows,
)

__all__ = [
    "SETTLING",
    "UNDER_WAY",
    "Heartbeat",
    "Ledger",
    "LedgerError",
    "LedgerRow",
    "Log",
    "ProcessLock",
    "ReaperLoop",
    "SharedResources",
    "SharedState",
    "Sweep",
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
    "of_run",
    "reaper_lock",
    "reaper_log",
    "release_dead_holders",
    "remove_ledger",
    "sweep_expired",
    "sweep_rows",
]
