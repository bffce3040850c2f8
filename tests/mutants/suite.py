"""The unit tests in copies of the tree: which of them run a function, and how they end."""

from __future__ import annotations

import hashlib
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from coverage import CoverageData

from tests.mutants.modules import PACKAGE, TOP
from tests.mutants.mutant import Mutant

UNIT = "tests/unit"
#: Seconds that the tests of a mutant may take, at least; and how many times what they take
#: without the mutant, so that only a mutant can exceed the limit.
PATIENCE = 30.0
TIMES = 10.0
#: The number of tests that are run first: of the others no module needs to be imported then.
FIRST = 30
#: Bytes of memory that the tests of a mutant may take.
MEMORY = 8 * 1024**3
DURATION = re.compile(r"^([0-9.]+)s (?:setup|call|teardown) +(tests/.*)$", re.MULTILINE)
FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.MULTILINE)


class Verdict(Enum):
    """The end of the tests of one mutant."""

    #: A test failed: pytest ended with 1.
    KILLED = "killed"
    #: The tests took longer than their limit.
    TIMEOUT = "timeout"
    #: pytest could not collect the tests, or a signal ended it.
    CRASHED = "crashed"
    #: All tests passed, or no test runs the function.
    SURVIVED = "SURVIVED"
    #: pytest did not run the tests: nothing is known about the mutant.
    ERROR = "ERROR"

    @property
    def found(self) -> bool:
        """True if the unit tests do not pass with the mutant."""
        return self in (Verdict.KILLED, Verdict.TIMEOUT, Verdict.CRASHED)


@dataclass(frozen=True)
class Baseline:
    """The tests without any mutant."""

    #: A digest of the package and the unit tests.
    tree: str
    #: Seconds by test.
    seconds: dict[str, float]
    #: Tests by line by path of a module.
    contexts: dict[str, dict[str, list[str]]]

    def tests(self, mutant: Mutant) -> list[str]:
        """Return the tests that run the function: those of its own folder first, then by time.

        A line outside of functions is run by all of them. A function that none of them runs may
        run in a process that a test starts: it has the tests of its module.
        """
        path = str(mutant.module.relative_to(TOP))
        function = mutant.function()
        if function is None:
            found = set(self.seconds)
        else:
            lines = self.contexts.get(path, {})
            inside = (n for n in range(function[0] + 1, function[1] + 1) if str(n) in lines)
            found = {test for line in inside for test in lines[str(line)]}
            found = found or {test for tests in lines.values() for test in tests}
        own = f"{UNIT}{path.removeprefix(PACKAGE).rpartition('/')[0]}/"

        def rank(test: str) -> tuple[bool, float, str]:
            return not test.startswith(own), self.seconds.get(test, 0.0), test

        return sorted(found, key=rank)


def digest() -> str:
    """Return a digest of the package and the unit tests."""
    together = hashlib.sha256()
    for folder in (TOP / PACKAGE, TOP / UNIT):
        for file in sorted(folder.rglob("*.py")):
            together.update(f"{file.relative_to(TOP)}\n".encode() + file.read_bytes())
    return together.hexdigest()


def baseline(copy: Path, keep: Path | None, processes: int) -> Baseline:
    """Return the baseline in the file `keep`, if it is of this tree; else measure and keep it."""
    if keep and keep.is_file():
        kept = Baseline(**json.loads(keep.read_text()))
        if kept.tree == digest():
            return kept
    measured = _measure(copy, processes)
    if keep:
        keep.write_text(json.dumps(vars(measured)))
    return measured


def _measure(copy: Path, processes: int) -> Baseline:
    options = (f"--cov={PACKAGE}", "--cov-context=test", "--cov-report=")
    side_by_side = ("-n", str(processes), "--dist", "worksteal") if processes > 1 else ()
    everything = [*options, *side_by_side, "--durations=0", "-vv", UNIT]
    code, output = pytest(copy, everything, limit=None)
    if code != 0:
        sys.exit(f"{output}\nthe unit tests fail without any mutant (pytest ended with {code})")
    seconds: dict[str, float] = {}
    for took, test in DURATION.findall(output):
        seconds[test] = seconds.get(test, 0.0) + float(took)
    data = CoverageData(str(copy / ".coverage"))
    data.read()
    contexts = {
        str(Path(file).relative_to(copy)): {
            str(line): sorted({each.rpartition("|")[0] for each in tests} - {""})
            for line, tests in data.contexts_by_lineno(file).items()
        }
        for file in data.measured_files()
    }
    return Baseline(digest(), seconds, contexts)


def make_copy(place: Path) -> Path:
    """Copy the tree as git tracks it, with the files that are changed and new."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=TOP, check=True, capture_output=True, text=True).stdout
    for name in names.splitlines():
        if (TOP / name).is_file():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(TOP / name, place / name)
    return place


def compile_all(copy: Path) -> None:
    """Let Python keep the compiled modules of a copy, those of the tests as pytest changes them."""
    pytest(copy, ["--collect-only", UNIT], limit=None)


def judge(copy: Path, mutant: Mutant, tests: Baseline) -> tuple[Verdict, str]:
    """Return the verdict of one mutant, and the test that failed or the output of an error."""
    chosen = tests.tests(mutant)
    if not chosen:
        return Verdict.SURVIVED, "no test runs it"
    changed = copy / mutant.module.relative_to(TOP)
    try:
        changed.write_text(mutant.code)
        # Python compiles a module again if its time is not that of the compiled one.
        os.utime(changed, (0, 0))
        for some in (chosen[:FIRST], chosen[FIRST:]):
            (copy / "chosen").write_text("\n".join(some))
            limit = max(PATIENCE, TIMES * sum(tests.seconds.get(test, 0.0) for test in some))
            code, output = pytest(copy, ["-B", "@chosen"], limit) if some else (0, "")
            if code != 0:
                break
    finally:
        shutil.copy2(mutant.module, changed)
    if code is None:
        return Verdict.TIMEOUT, f"{limit:.0f} s"
    if code == 0:
        return Verdict.SURVIVED, f"{len(chosen)} tests"
    failed = FAILED.search(output)
    if code == 1:
        return Verdict.KILLED, failed[1] if failed else output[-500:]
    if code in (2, 3) or code < 0 or "ERROR collecting" in output:
        return Verdict.CRASHED, f"exit code {code}: {failed[1] if failed else output[-500:]}"
    return Verdict.ERROR, f"exit code {code}: {output[-2000:]}"


def pytest(copy: Path, arguments: list[str], limit: float | None) -> tuple[int | None, str]:
    """Run tests in a copy; return the exit code, None after `limit` seconds, and the output.

    The processes that the tests have started end with them.
    """
    interpreter = [sys.executable, *(each for each in arguments if each == "-B")]
    options = ["-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "--tb=line", "-rfE"]
    output = copy / "output"
    with output.open("w") as file:
        running = subprocess.Popen(
            [*interpreter, *options, *(each for each in arguments if each != "-B")],
            cwd=copy,
            env={**os.environ, "PYTHONPATH": str(copy)},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            preexec_fn=_bound_memory,
            start_new_session=True,
        )
        try:
            code: int | None = running.wait(limit)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            _end(running)
    return code, output.read_text(errors="replace")


def _end(running: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(running.pid, signal.SIGKILL)
    except ProcessLookupError:  # all of them have ended
        return
    finally:
        running.wait()


def _bound_memory() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
