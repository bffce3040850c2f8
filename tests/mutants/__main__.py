"""`python -m tests.mutants`: change one line at a time, and see whether a unit test fails.

The mutants are a seeded sample over the modules that decide what becomes of a resource. Each is
tried in a copy of the tree. The exit status is 1 if fewer than 95 % of them are noticed.
"""

from __future__ import annotations

import argparse
import difflib
import os
import queue
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code

from tests.mutants.operators import OPERATORS

TOP = Path(__file__).parents[2]
PACKAGE = "pytest_osfutures"
#: The engine, the verdicts, the ledger, the sweep and the reaper.
MODULES = (
    *("answer", "attempts", "bucket", "busy", "capture", "engine", "fate", "future", "group"),
    *("holders", "ledger", "leftovers", "locks", "monitor", "pool", "reap", "reaper", "record"),
    *("room", "snapshot", "source", "stamp", "start", "submission", "sweep", "timers", "turn"),
    *("undo", "verdict", "watch", "width", "services/seen"),
)
#: So much of the sample has to be noticed.
ENOUGH = 0.95
#: A mutant that takes so many times as long as the tests without one is noticed by hanging.
PATIENCE = 5.0


@dataclass(frozen=True)
class Mutant:
    """One change: the operator's n-th place in a module."""

    module: Path
    operator: str
    occurrence: int
    line: int

    def code(self) -> str:
        """The module with the change."""
        original = self.module.read_text()
        changed = mutate_code(original, OPERATORS[self.operator], self.occurrence)
        return str(changed)

    def diff(self) -> str:
        """The change as a diff without context."""
        before, after = self.module.read_text().splitlines(), self.code().splitlines()
        name = str(self.module.relative_to(TOP))
        lines = difflib.unified_diff(before, after, name, name, lineterm="", n=0)
        return "\n".join(list(lines)[2:])

    def __str__(self) -> str:
        return f"{self.module.relative_to(TOP)}:{self.line} {self.operator}"


def mutants(module: Path) -> Iterator[Mutant]:
    """Every mutant of a module."""
    nodes = list(ast_nodes(get_ast(module.read_text())))
    for name, operator in OPERATORS.items():
        places = (place for node in nodes for place in operator.mutation_positions(node))
        for occurrence, (start, _) in enumerate(places):
            yield Mutant(module, name, occurrence, start[0])


def main() -> int:
    """Try the sample and print each mutant that no test notices."""
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
    print(f"{killed} of {len(found)} mutants were noticed (seed {args.seed})")
    return 0 if killed >= ENOUGH * len(found) else 1


def _try_all(found: list[Mutant], processes: int) -> list[Mutant]:
    """Try the mutants side by side, each process in a copy of its own; the survivors."""
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        copies: queue.SimpleQueue[Path] = queue.SimpleQueue()
        for number in range(processes):
            copies.put(_copy(Path(folder) / str(number)))
        copy = copies.get()
        began = time.perf_counter()
        if not _passes(copy, None, None):
            sys.exit("the unit tests fail without any mutant")
        limit = PATIENCE * (time.perf_counter() - began)
        copies.put(copy)

        def survives(mutant: Mutant) -> bool:
            copy = copies.get()
            try:
                alive = _survives(copy, mutant, limit)
            finally:
                copies.put(copy)
            verdict = f"SURVIVES {mutant}\n{mutant.diff()}" if alive else f"noticed {mutant}"
            print(verdict, flush=True)
            return alive

        with ThreadPoolExecutor(processes) as pool:
            return [each for each, alive in zip(found, pool.map(survives, found)) if alive]  # noqa: B905


def _copy(place: Path) -> Path:
    """The tree as git tracks it, with what is changed and new."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=TOP, check=True, capture_output=True, text=True).stdout
    for name in names.splitlines():
        if (TOP / name).is_file():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(TOP / name, place / name)
    return place


def _survives(copy: Path, mutant: Mutant, limit: float) -> bool:
    changed = copy / mutant.module.relative_to(TOP)
    try:
        changed.write_text(mutant.code())
        return _passes(copy, mutant.module.stem, limit)
    finally:
        changed.write_text(mutant.module.read_text())


def _passes(copy: Path, module: str | None, limit: float | None) -> bool:
    """Whether the unit tests pass; those that bear the module's name come first."""
    first = sorted((copy / "tests" / "unit").glob(f"test_{module}*.py")) if module else []
    command = [sys.executable, "-B", "-m", "pytest", "-qx", "-p", "no:cacheprovider"]
    try:
        done = subprocess.run(
            [*command, *map(str, first), "tests/unit"],
            cwd=copy,
            env={**os.environ, "PYTHONPATH": str(copy)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=limit,
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
