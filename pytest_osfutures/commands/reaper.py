"""The process that outlives a run: what a dead process of the run has left, it deletes.

`python -m pytest_osfutures.commands.reaper` gets its order, credentials and all, through its
standard input. While it waits it loads nothing of OpenStack: it only looks whether the locks of
the run's processes are still held, which the kernel releases however they die.
"""

from __future__ import annotations

import json
import os
import select
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_osfutures.cleanup import Ledger, Log, ProcessLock, ReaperLoop, reaper_lock, reaper_log
from pytest_osfutures.errors import OSFuturesError

if TYPE_CHECKING:
    from pytest_osfutures.transport import ApiClient

READY = b"ready\n"
#: Seconds that a new reaper has to say that it is ready.
PATIENCE = 30.0
#: Variables with a path, which the libraries below OpenStack's read.
PATHS = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR", "NETRC")


class ReaperError(OSFuturesError):
    """The reaper could not be started."""


def start_reaper(ledger: Ledger, cloud: str, configuration: dict[str, Any]) -> None:
    """Start the run's reaper, unless there is one. It is ready when this returns.

    Raises ReaperError.
    """
    import subprocess

    assert ledger.path is not None
    if not ProcessLock(reaper_lock(ledger.path)).is_free():
        return
    order = {"ledger": str(ledger.path), "cloud": cloud, "configuration": configuration}
    try:
        log = open(reaper_log(ledger.path), "ab", opener=_private)  # noqa: SIM115
    except OSError as error:
        raise ReaperError(f"the reaper cannot write its log: {error}") from error
    with log:
        process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            cwd="/",
            env=_environment(),
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
        raise ReaperError(f"the reaper did not start; see {reaper_log(ledger.path)}")


def _environment() -> dict[str, str]:
    """The reaper's: absolute paths, as it runs elsewhere, and no OS_*, which its order replaces."""
    paths = os.pathsep.join(str(Path(path).absolute()) for path in sys.path)
    env = {name: value for name, value in os.environ.items() if not name.startswith("OS_")}
    files = {name: str(Path(env[name]).absolute()) for name in PATHS if env.get(name)}
    return {**env, **files, "PYTHONPATH": paths}


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _connect(order: dict[str, Any]) -> ApiClient:
    """Connect to the order's cloud; OpenStack's libraries are loaded only now."""
    from pytest_osfutures.cloud import reconnect

    return reconnect(order["cloud"], order["configuration"]).api_client


def main() -> int:
    """Wait for the run to end; if its processes die instead, delete what they have left."""
    order = json.loads(sys.stdin.buffer.read())
    path = Path(order["ledger"])
    lock = ProcessLock(reaper_lock(path))
    held = lock.take()
    loop = ReaperLoop(path, order, Log(reaper_log(path)), _connect) if held else None
    sys.stdout.buffer.write(READY)
    sys.stdout.flush()
    quiet = os.open(os.devnull, os.O_RDWR)
    os.dup2(quiet, 0)
    os.dup2(quiet, 1)
    if loop is not None:
        try:
            loop.keep()
        finally:
            lock.release()
    return 0


if __name__ == "__main__":
    sys.exit(main())
