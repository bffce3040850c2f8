"""`python -m tests.mutants`: change one line at a time and check that a unit test fails.

The mutants are a seeded sample over MODULES. Each mutant is tried in a copy of the tree, on the
tests that run the mutated function; one run of all tests under coverage.py finds these tests. The
exit status is 1 if fewer than 95 % of the mutants are killed.
"""

from __future__ import annotations

import argparse
import difflib
import os
import queue
import random
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from coverage import CoverageData

from tests.mutants.operators import OPERATORS

TOP = Path(__file__).parents[2]
PACKAGE = "pytest_osfutures"
UNIT = "tests/unit"
#: Modules to mutate: retried calls, the engine, the verdicts, the ledger, sweep and reaper.
MODULES = (
    "calls/admission",
    "calls/arguments",
    "calls/decide",
    "calls/generic",
    "calls/reconcile",
    "calls/retrying",
    "calls/start",
    "calls/submit",
    "calls/tries",
    "calls/undo",
    "calls/waits",
    "cleanup/database",
    "cleanup/heartbeat",
    "cleanup/ledger",
    "cleanup/orphans",
    "cleanup/process_lock",
    "cleanup/reaper",
    "cleanup/record",
    "cleanup/rows",
    "cleanup/shared",
    "cleanup/sweep",
    "cleanup/unblock",
    "commands/known_runs",
    "commands/reap",
    "commands/reaper",
    "engine/awaiting",
    "engine/concurrency_limit",
    "engine/durations",
    "engine/executors",
    "engine/loop",
    "engine/monitor",
    "engine/poll_group",
    "engine/poll_plan",
    "engine/quota_queue",
    "engine/timers",
    "engine/token_bucket",
    "engine/watch",
    "future",
    "operations/judge",
    "operations/predicates",
    "operations/status_words",
    "ownership/children",
    "ownership/marking",
    "stamp",
    "transport/capture",
    "transport/client",
    "transport/cloud_time",
    "transport/responses",
)
#: Share of the sample that has to be killed.
ENOUGH = 0.95
#: Seconds after which a run of tests counts as failed.
PATIENCE = 60.0
#: Bytes of address space above which a run of tests fails.
MEMORY = 8 * 1024**3


@dataclass(frozen=True)
class Mutant:
    """One change: the n-th position in a module to which an operator applies."""

    module: Path
    operator: str
    occurrence: int
    line: int

    def code(self) -> str:
        """Return the source of the module with the change."""
        original = self.module.read_text()
        changed = mutate_code(original, OPERATORS[self.operator], self.occurrence)
        return str(changed)

    def diff(self) -> str:
        """Return the change as a diff without context lines."""
        before, after = self.module.read_text().splitlines(), self.code().splitlines()
        name = str(self.module.relative_to(TOP))
        lines = difflib.unified_diff(before, after, name, name, lineterm="", n=0)
        return "\n".join(list(lines)[2:])

    def __str__(self) -> str:
        return f"{self.module.relative_to(TOP)}:{self.line} {self.operator}"


class Suite:
    """The unit tests, and for each function of the package the tests that run the function."""

    def __init__(self, copy: Path) -> None:
        """Run all unit tests once in `copy`; exit if they fail without a mutant."""
        if not passes(copy, [f"--cov={PACKAGE}", "--cov-context=test", "--cov-report=", UNIT]):
            sys.exit("the unit tests fail without any mutant")
        self.place = copy
        self.data = CoverageData(str(copy / ".coverage"))
        self.data.read()

    def tests(self, mutant: Mutant) -> list[str]:
        """Return the tests that run the mutated function; outside of functions all tests."""
        first, last = _function(mutant)
        if first is None:
            return [UNIT]
        file = str(self.place / mutant.module.relative_to(TOP))
        contexts = self.data.contexts_by_lineno(file)
        found = {
            context.rpartition("|")[0]
            for line, each in contexts.items()
            if first < line <= last
            for context in each
        }
        named = f"/test_{mutant.module.stem}"
        return sorted(found - {""}, key=lambda test: (named not in test, test))


def _function(mutant: Mutant) -> tuple[int | None, int]:
    """Return the first and last line of the mutated function; None outside of functions."""
    leaf = get_ast(mutant.module.read_text()).get_leaf_for_position((mutant.line, 0), True)
    while leaf is not None and leaf.start_pos[0] < mutant.line:
        leaf = leaf.get_next_leaf()
    inner = leaf.search_ancestor("funcdef") if leaf is not None else None
    return (None, 0) if inner is None else (inner.start_pos[0], inner.end_pos[0])


def mutants(module: Path) -> Iterator[Mutant]:
    """Yield every mutant of a module."""
    nodes = list(ast_nodes(get_ast(module.read_text())))
    for name, operator in OPERATORS.items():
        places = (place for node in nodes for place in operator.mutation_positions(node))
        for occurrence, (start, _) in enumerate(places):
            yield Mutant(module, name, occurrence, start[0])


def main() -> int:
    """Try the sample and print each mutant that survives."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("modules", nargs="*", default=MODULES, metavar="MODULE")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--sample", type=int, default=200, metavar="N", help="0: all of them")
    parser.add_argument("--line", type=int, help="only mutants of this line")
    parser.add_argument("--processes", type=int, default=0, help="0: one for each processor")
    args = parser.parse_args()
    files = [TOP / PACKAGE / f"{name}.py" for name in args.modules]
    if missing := [str(file.relative_to(TOP)) for file in files if not file.is_file()]:
        parser.error(f"there is no module {', '.join(missing)}")
    found = [each for file in files for each in mutants(file) if args.line in (None, each.line)]
    if args.sample:
        found = random.Random(args.seed).sample(found, min(args.sample, len(found)))
    survivors = _try_all(found, args.processes or os.cpu_count() or 1)
    killed = len(found) - len(survivors)
    print(f"{killed} of {len(found)} mutants were killed (seed {args.seed})")
    return 0 if killed >= ENOUGH * len(found) else 1


def _try_all(found: list[Mutant], processes: int) -> list[Mutant]:
    """Try the mutants in parallel, each process in its own copy; return the survivors."""
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        copies: queue.SimpleQueue[Path] = queue.SimpleQueue()
        for number in range(processes):
            copies.put(_copy(Path(folder) / str(number)))
        copy = copies.get()
        suite = Suite(copy)
        copies.put(copy)

        def survives(mutant: Mutant) -> bool:
            copy = copies.get()
            try:
                alive = _survives(copy, mutant, suite)
            finally:
                copies.put(copy)
            verdict = f"SURVIVES {mutant}\n{mutant.diff()}" if alive else f"killed {mutant}"
            print(verdict, flush=True)
            return alive

        with ThreadPoolExecutor(processes) as pool:
            return [each for each, alive in zip(found, pool.map(survives, found)) if alive]  # noqa: B905


def _copy(place: Path) -> Path:
    """Copy the tracked, changed and new files of the tree to `place`."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=TOP, check=True, capture_output=True, text=True).stdout
    for name in names.splitlines():
        if (TOP / name).is_file():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(TOP / name, place / name)
    return place


def _survives(copy: Path, mutant: Mutant, suite: Suite) -> bool:
    tests = suite.tests(mutant)
    if not tests:
        return True  # no test runs the function
    changed = copy / mutant.module.relative_to(TOP)
    (copy / "chosen").write_text("\n".join(tests))
    try:
        changed.write_text(mutant.code())
        return passes(copy, ["@chosen"], PATIENCE)
    finally:
        changed.write_text(mutant.module.read_text())


def passes(copy: Path, arguments: list[str], limit: float | None = None) -> bool:
    """Return True if the tests pass in a copy within `limit` seconds."""
    try:
        done = subprocess.run(
            [sys.executable, "-B", "-m", "pytest", "-qx", "-p", "no:cacheprovider", *arguments],
            cwd=copy,
            env={**os.environ, "PYTHONPATH": str(copy)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=limit,
            preexec_fn=_bound_memory,
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def _bound_memory() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


if __name__ == "__main__":
    sys.exit(main())
