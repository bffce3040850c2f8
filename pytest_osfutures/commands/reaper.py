"""The reaper: a process that outlives a run and deletes the resources of its dead processes.

`python -m pytest_osfutures.commands.reaper` reads its settings, credentials included, from its
standard input, so that no other user sees them. While the reaper waits it connects to no cloud; it
only checks the locks of the run's processes, which the kernel releases however a process dies.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_osfutures.cleanup import (
    READY,
    ProcessLock,
    ReaperLog,
    ReaperLoop,
    reaper_lock,
    reaper_log,
)

if TYPE_CHECKING:
    from pytest_osfutures.transport import ApiClient


def _connect(settings: dict[str, Any]) -> ApiClient:
    """Connect to the cloud of the settings, which loads OpenStack's libraries."""
    from pytest_osfutures.cloud import reconnect

    return reconnect(settings["cloud"], settings["configuration"]).api_client


def main() -> int:
    """Wait for the end of the run, and delete the resources of its dead processes."""
    settings = json.loads(sys.stdin.buffer.read())
    path = Path(settings["ledger"])
    lock = ProcessLock(reaper_lock(path))
    held = lock.take()
    loop = ReaperLoop(path, settings, ReaperLog(reaper_log(path)), _connect) if held else None
    sys.stdout.buffer.write(READY)
    sys.stdout.flush()
    quiet = os.open(os.devnull, os.O_RDWR)
    os.dup2(quiet, 0)
    os.dup2(quiet, 1)
    if loop is not None:
        try:
            loop.run_until_done()
        finally:
            lock.release()
    return 0


if __name__ == "__main__":
    sys.exit(main())
