"""Runs of pytest in processes of their own, on a fake cloud that listens on a port."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_osfutures.cleanup.ledger import Ledger
from pytest_osfutures.cleanup.ledger_files import ledgers, reaper_lock
from pytest_osfutures.cleanup.process_lock import ProcessLock
from pytest_osfutures.stamp import Stamp

#: Seconds within which anything that is waited for has to happen.
LIMIT = 120.0
JSON = {"Content-Type": "application/json"}
#: The `osfutures` command for `python -c`.
COMMAND = """
import sys
from pytest_osfutures.commands.main import main
sys.exit(main(sys.argv[1:]))
"""
Unfinished = subprocess.TimeoutExpired
SUITE = """
import time
import pytest
import pytest_osfutures as osf

@pytest.fixture(autouse=True, scope="session")
def run(os_cloud):
    mark("run " + os_cloud.run)

@pytest.mark.parametrize("number", range({tests}))
def test_some(number, os_cloud, os_servers, os_volumes, os_snapshots):
    web, disk = os_servers.create_async("web"), os_volumes.create_async()
    more = os_servers.create_async(), os_volumes.create_async()
    vm, volume = web.result(), disk.result()
    os_cloud.nova.volumes.create_server_volume_async(vm.id, volume.id).result()
    os_snapshots.create_async(more[1].result()).result()
    mark("made")
    time.sleep({seconds})

def mark(text):
    with open({marks!r}, "a") as file:
        file.write(text + "\\n")
"""


def until(happened: Callable[[], Any], what: str, limit: float = LIMIT) -> Any:
    """Wait until a function returns a true value; return the value."""
    end = time.monotonic() + limit
    while time.monotonic() < end:
        if value := happened():
            return value
        time.sleep(0.05)
    raise AssertionError(f"not within {limit} s: {what}")


def holder(lock: Path) -> int | None:
    """Return the id of the process that holds a lock."""
    try:
        inode = lock.stat().st_ino
    except FileNotFoundError:
        return None
    for line in Path("/proc/locks").read_text().splitlines():
        *_, pid, where, _, _ = line.split()
        if where.rpartition(":")[2] == str(inode):
            return int(pid)
    return None


def _stamp(row: dict[str, Any]) -> Stamp | None:
    more = {"fingerprint": ""} if row["kind"] == "keypair" else {}
    return Stamp.of({**row, **more})


def _hear_signals() -> None:
    """Restore the default signal handlers in the child; background jobs ignore some."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


@dataclass
class World:
    """A fake cloud that listens on a port, and a directory for the ledgers of its runs."""

    url: str
    place: Path
    clouds: Path
    cloud: str = "fake"
    args: tuple[str, ...] = ()
    runs: list[Run] = field(default_factory=list)

    @property
    def ledgers(self) -> Path:
        """The directory of the ledgers."""
        return self.place / "ledgers"

    def ask(self, path: str, body: Any = None, method: str | None = None) -> Any:
        """One request to the fake's control API."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, JSON, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def alive(self, run: str | None = None) -> list[str]:
        """Return the stamped resources that exist in the cloud, of one run or of all."""
        return [
            f"{row['kind']} {row['id']}"
            for row in self.ask("/_osf/resources")["resources"]
            if (stamp := _stamp(row)) is not None and run in (None, stamp.run)
        ]

    def left(self) -> list[str]:
        """Return the resources that exist in the cloud of the runs that were started here."""
        idents = {ident for run in self.runs for ident in run.idents()}
        assert idents, "no run has said who it is"
        return [each for ident in idents for each in self.alive(ident)]

    def everything(self) -> dict[str, dict[str, Any]]:
        """All that exists in the cloud, whosever it is, by id."""
        return {row["id"]: row for row in self.ask("/_osf/resources")["resources"]}

    def environment(self) -> dict[str, str]:
        """Return the environment variables of a run in this world."""
        env = {name: value for name, value in os.environ.items() if not name.startswith("OS_")}
        return {**env, "OS_CLIENT_CONFIG_FILE": str(self.clouds), "COLUMNS": "200"}

    def command(self, *args: str, cloud: str | None = "fake") -> subprocess.CompletedProcess[str]:
        """Run `osfutures` to its end."""
        code = COMMAND
        where = [f"--os-cloud={cloud}"] * bool(cloud) + ["--os-ledger", str(self.ledgers)]
        return subprocess.run(
            [sys.executable, "-c", code, *args, *where],
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=False,
        )

    def run(self, text: str, *args: str, name: str = "suite") -> Run:
        """Start pytest on the tests in `text`."""
        folder = self.place / name
        folder.mkdir()
        marks = folder / "marks"
        marks.touch()
        (folder / "test_it.py").write_text(text.replace("{marks!r}", repr(str(marks))))
        ours = ["--os-cloud", self.cloud, "--os-ledger", str(self.ledgers), *self.args]
        with (folder / "out").open("w") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *ours, *args],
                cwd=folder,
                env=self.environment(),
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                # Whoever starts these tests in the background lets them ignore Ctrl-C.
                preexec_fn=_hear_signals,
            )
        self.runs.append(Run(self, process, folder, marks))
        return self.runs[-1]

    def end(self) -> None:
        """Kill the runs and reapers that are still alive.

        A reaper goes on for an hour with resources that it cannot delete, and the cloud ends now.
        """
        for run in self.runs:
            with suppress(ProcessLookupError):
                run.kill(group=True)
            run.wait()
        for lock in self.place.rglob("*.reaper.lock"):  # of `beside` too
            if (reaper := holder(lock)) is not None:
                with suppress(ProcessLookupError):
                    os.kill(reaper, signal.SIGKILL)

    def quiet(self) -> bool:
        """Whether no reaper is at work."""
        locks = self.ledgers.glob("*.reaper.lock")
        return all(ProcessLock(path).is_free() for path in locks)

    def settle(self, limit: float = 120.0) -> None:
        """Wait for the reapers to end."""
        until(self.quiet, "the end of the reapers", limit)


@dataclass
class Run:
    """One run of pytest in a process of its own."""

    world: World
    process: subprocess.Popen[bytes]
    folder: Path
    marks: Path

    def made(self, count: int = 1) -> None:
        """Wait until so many tests have their resources."""
        until(lambda: self.marks.read_text().count("made") >= count, f"{count} tests\n{self.out}")

    def count(self, word: str) -> int:
        """How many marks begin with a word."""
        return sum(line.split()[0] == word for line in self.marks.read_text().splitlines())

    def idents(self) -> set[str]:
        """Under which names the run is known, if it says so."""
        lines = self.marks.read_text().splitlines()
        return {line.split()[1] for line in lines if line.startswith("run ")}

    def is_over(self) -> bool:
        """Whether its first process has ended."""
        return self.process.poll() is not None

    @property
    def out(self) -> str:
        """Return the output of pytest."""
        return (self.folder / "out").read_text()

    def ledger(self) -> Ledger:
        """The ledger, if it is the only one; close it after use."""
        (ledger,) = ledgers(self.world.ledgers)
        return ledger

    def kill(self, number: int = signal.SIGKILL, *, group: bool = False) -> None:
        """Send a signal to the run's first process, or to all but the reaper."""
        if group:
            os.killpg(self.process.pid, number)
        else:
            self.process.send_signal(number)

    def wait(self) -> int:
        """The exit status."""
        return self.process.wait(LIMIT)

    def reaper(self) -> int:
        """The process id of the reaper."""
        ledger = self.ledger()
        assert ledger.path is not None
        ledger.close()
        return self.reaper_of(ledger.path)

    def reaper_of(self, ledger: Path) -> int:
        """The process id of the reaper that minds a ledger."""
        pid = holder(reaper_lock(ledger))
        assert pid is not None
        return pid


@contextmanager
def world(place: Path, speed: float = 20.0) -> Iterator[World]:
    """Return a new world, and close its ledger afterwards."""
    clouds = place / "clouds.yaml"
    code = COMMAND
    args = ["fake", "--speed", str(speed), "--clouds-yaml", str(clouds)]
    with subprocess.Popen(
        [sys.executable, "-c", code, *args], stdout=subprocess.PIPE, text=True
    ) as fake:
        assert fake.stdout is not None
        url = fake.stdout.readline().strip().removesuffix("/identity/v3")
        made = World(url, place, clouds)
        try:
            yield made
        finally:
            made.end()
            fake.terminate()
