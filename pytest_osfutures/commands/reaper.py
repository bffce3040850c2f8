"""The reaper: a process that outlives a run and deletes the resources of its dead processes.

`python -m pytest_osfutures.commands.reaper` reads its settings, credentials included, from its
standard input, so that no other user sees them. While the reaper waits it connects to no cloud; it
only checks the locks of the run's processes, which the kernel releases however a process dies.
"""

from __future__ import annotations

import json
import os
import select
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_osfutures.cleanup import (
    Ledger,
    ProcessLock,
    ReaperLog,
    ReaperLoop,
    reaper_lock,
    reaper_log,
)
from pytest_osfutures.errors import OSFuturesError

if TYPE_CHECKING:
    from pytest_osfutures.transport import ApiClient

#: Line that a new reaper writes when it holds its lock.
READY = b"ready\n"
#: Seconds within which a new reaper has to write that line.
START_TIMEOUT = 30.0
#: Environment variables with a path that requests, and the libraries below it, read.
#: https://requests.readthedocs.io/en/latest/user/advanced/#ssl-cert-verification
PATHS = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR", "NETRC")


class ReaperError(OSFuturesError):
    """The reaper could not be started."""


def start_reaper(
    ledger: Ledger, cloud: str, configuration: dict[str, Any], keep: str = "never"
) -> None:
    """Start the run's reaper, unless there is one, and wait until it is ready.

    Args:
        ledger: Ledger of the run.
        cloud: Name of the cloud.
        configuration: Configuration of the cloud, credentials included (`Cloud.configuration`).
        keep: Value of --os-keep.

    Raises ReaperError.
    """
    import subprocess

    assert ledger.path is not None
    if not ProcessLock(reaper_lock(ledger.path)).is_free():
        return
    settings = {
        "ledger": str(ledger.path),
        "cloud": cloud,
        "configuration": configuration,
        "keep": keep,
    }
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
        pipe.write(json.dumps(settings).encode())
    with process.stdout as pipe:
        ready, _, _ = select.select([pipe], [], [], START_TIMEOUT)
        said = os.read(pipe.fileno(), len(READY)) if ready else b""
    process.returncode = 0  # no warning of subprocess about a child that still runs
    if said != READY:
        raise ReaperError(f"the reaper did not start; see {reaper_log(ledger.path)}")


def _environment() -> dict[str, str]:
    """Return the reaper's environment: absolute paths, because it runs in the root directory.

    The variables OS_* are left out: the settings replace them.
    """
    paths = os.pathsep.join(str(Path(path).absolute()) for path in sys.path)
    env = {name: value for name, value in os.environ.items() if not name.startswith("OS_")}
    files = {name: str(Path(env[name]).absolute()) for name in PATHS if env.get(name)}
    return {**env, **files, "PYTHONPATH": paths}


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


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
