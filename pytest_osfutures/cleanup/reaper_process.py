"""The start of a reaper, as a process of its own that outlives the run."""

from __future__ import annotations

import json
import os
import select
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from pytest_osfutures.cleanup.ledger import Ledger
from pytest_osfutures.cleanup.ledger_files import reaper_lock, reaper_log
from pytest_osfutures.cleanup.process_lock import ProcessLock
from pytest_osfutures.errors import OSFuturesError

#: The module that the process runs.
MODULE = "pytest_osfutures.commands.reaper"
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

    Raises:
        ReaperError: The reaper could not be started.
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
            [sys.executable, "-m", MODULE],
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
    standard = Path(os.__file__).parent
    found = [Path(path).absolute() for path in sys.path]
    # First, as a script's folder may have an enum.py, which Python would import at its start.
    found.sort(key=lambda path: path not in (standard, standard / "lib-dynload"))
    paths = os.pathsep.join(map(str, found))
    env = {name: value for name, value in os.environ.items() if not name.startswith("OS_")}
    files = {name: str(Path(env[name]).absolute()) for name in PATHS if env.get(name)}
    return {**env, **files, "PYTHONPATH": paths}


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
