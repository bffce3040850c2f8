"""The process that outlives a run: what a dead process of the run has left, it deletes.

`python -m pytest_osfutures.reaper` gets its order, credentials and all, through its standard
input. While it waits it loads nothing of OpenStack: it only looks whether the locks of the run's
processes are still held, which the kernel releases however they die.
"""

from __future__ import annotations

import json
import os
import select
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_osfutures.errors import OSFuturesError
from pytest_osfutures.holders import bury
from pytest_osfutures.ledger import Ledger, log_path, reaper_lock, run_of
from pytest_osfutures.locks import ProcessLock

if TYPE_CHECKING:
    from pytest_osfutures.source import Source

READY = b"ready\n"
#: Seconds between two looks at the locks.
LOOK = 1.0
#: Seconds that a new reaper has to say that it is ready.
PATIENCE = 30.0


class ReaperFailed(OSFuturesError):
    """The reaper could not be started."""


def start(ledger: Ledger, cloud: str, configuration: dict[str, Any]) -> None:
    """Start the run's reaper, unless there is one. It is ready when this returns.

    Raises ReaperFailed.
    """
    import subprocess

    assert ledger.path is not None
    if not ProcessLock(reaper_lock(ledger.path)).is_free():
        return
    order = {"ledger": str(ledger.path), "cloud": cloud, "configuration": configuration}
    # Absolute, as it runs elsewhere; without the user's OS_*: what it needs is in its order.
    paths = os.pathsep.join(str(Path(path).absolute()) for path in sys.path)
    env = {name: value for name, value in os.environ.items() if not name.startswith("OS_")}
    with open(log_path(ledger.path), "ab", opener=_private) as log:
        process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            cwd="/",
            env={**env, "PYTHONPATH": paths},
            start_new_session=True,
        )
    assert process.stdin is not None
    assert process.stdout is not None
    with suppress(BrokenPipeError), process.stdin as pipe:
        pipe.write(json.dumps(order).encode())
    with process.stdout as pipe:
        ready, _, _ = select.select([pipe], [], [], PATIENCE)
        said = os.read(pipe.fileno(), len(READY)) if ready else b""
    process.returncode = 0  # it is nobody's child to wait for
    if said != READY:
        raise ReaperFailed(f"the reaper did not start; see {log_path(ledger.path)}")


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def main() -> int:
    """Wait for the run to end; if its processes die instead, delete what they have left."""
    order = json.loads(sys.stdin.buffer.read())
    path = Path(order["ledger"])
    lock = ProcessLock(reaper_lock(path))
    held = lock.take()
    sys.stdout.buffer.write(READY)
    sys.stdout.flush()
    quiet = os.open(os.devnull, os.O_RDWR)
    os.dup2(quiet, 0)
    os.dup2(quiet, 1)
    if held:
        try:
            _watch(path, order)
        finally:
            lock.release()
    return 0


def _watch(path: Path, order: dict[str, Any]) -> None:
    ledger = Ledger(path, run_of(path))
    cleaned: set[str] = set()
    while True:
        time.sleep(LOOK)
        if not path.exists():
            return
        run = ledger.info()
        if run is not None and run.state == "ended":
            return
        dead = [name for name in ledger.dead() if name not in cleaned]
        if dead:
            bury(ledger, dead)
        if ledger.living() == 0:
            if ledger.turn(["running"], "reaping"):
                _reap(ledger, order, [])
            return
        left = ledger.rows("intent", "bound", processes=dead) if dead else []
        if left:
            _reap(ledger, order, dead)
        cleaned.update(dead)


def _reap(ledger: Ledger, order: dict[str, Any], processes: list[str]) -> None:
    """Delete what these processes (none: the whole run) have left, and say so in the ledger."""
    from pytest_osfutures.clock import SystemClock
    from pytest_osfutures.sweep import clean_up

    def note(text: str) -> None:
        ledger.note(text)
        sys.stderr.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {text}\n")
        sys.stderr.flush()

    who = f"processes {', '.join(processes)}" if processes else "all its processes"
    note(f"run {ledger.run}: {who} died; {ledger.left()} resources may be left")
    source = _source(order)
    complete = clean_up(source, ledger, SystemClock(), note, processes)
    note("all of it is gone" if complete else "given up: not all of it could be deleted")
    if complete and not processes:
        ledger.turn(["reaping"], "reaped")


def _source(order: dict[str, Any]) -> Source:
    from pytest_osfutures.cloud import reconnect

    return reconnect(order["cloud"], order["configuration"]).source


if __name__ == "__main__":
    sys.exit(main())
