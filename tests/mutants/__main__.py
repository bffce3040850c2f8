"""`python -m tests.mutants`: change one line at a time, and check that a unit test fails.

The mutants are a seeded sample over the modules that decide about resources. Each is tried in a
copy of the tree, with the unit tests that run the function of the changed line: one run of all
tests with coverage.py tells which these are. The exit status is 1 if fewer than 95 % of the
mutants are killed.
"""

from __future__ import annotations

import argparse
import json
import os
import queue
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from tests.mutants.modules import MODULES, files
from tests.mutants.mutant import Mutant, mutants, sample
from tests.mutants.suite import Verdict, baseline, compile_all, judge, make_copy

#: The share of the sample that has to be killed.
ENOUGH = 0.95


def main() -> int:
    """Try the sample; print each verdict with the change, and the counts."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("modules", nargs="*", default=MODULES, metavar="MODULE")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--sample", type=int, default=200, metavar="N", help="0: all of them")
    parser.add_argument("--line", type=int, help="only mutants of this line")
    parser.add_argument("--processes", type=int, default=0, help="0: one for each processor")
    parser.add_argument("--baseline", type=Path, metavar="FILE", help="keep the coverage run here")
    parser.add_argument(
        "--results",
        type=Path,
        metavar="FILE",
        help="append the verdicts; a mutant that was killed in FILE is not tried again",
    )
    args = parser.parse_args()
    if missing := [name for name in args.modules if not files(name)]:
        parser.error(f"there is no module {', '.join(missing)}")
    modules = [file for name in args.modules for file in files(name)]
    found = [each for file in modules for each in mutants(file) if args.line in (None, each.line)]
    chosen = sample(found, args.sample or len(found), args.seed)
    print(f"{len(chosen)} of {len(found)} mutants (seed {args.seed})", flush=True)
    verdicts = _read(args.results, chosen)
    left = [each for each in chosen if each.key not in verdicts]
    for key, verdict, line in _try_all(left, args.processes or os.cpu_count() or 1, args.baseline):
        verdicts[key] = verdict
        if args.results:
            with args.results.open("a") as file:
                file.write(line + "\n")
    return _sum_up(list(verdicts.values()))


def _sum_up(verdicts: list[Verdict]) -> int:
    counts = Counter(verdicts)
    print(", ".join(f"{counts[each]} {each.value}" for each in Verdict))
    found = sum(each.found for each in verdicts)
    print(f"{found} of {len(verdicts)} mutants do not pass the unit tests")
    return 0 if found >= ENOUGH * len(verdicts) else 1


def _read(results: Path | None, chosen: list[Mutant]) -> dict[str, Verdict]:
    """Return the verdicts of mutants that were killed, by key."""
    if not results or not results.is_file():
        return {}
    rows = [json.loads(line) for line in results.read_text().splitlines()]
    judged = {row["mutant"]: Verdict(row["verdict"]) for row in rows}
    keys = [each.key for each in chosen]
    return {key: judged[key] for key in keys if key in judged and judged[key].found}


def _try_all(
    chosen: list[Mutant], processes: int, keep: Path | None
) -> Iterator[tuple[str, Verdict, str]]:
    """Try the mutants side by side, each process in a copy of its own.

    Yields:
        Key, verdict, and the row of the file of results, as soon as each is known.
    """
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        copies: queue.SimpleQueue[Path] = queue.SimpleQueue()
        for number in range(processes):
            copies.put(make_copy(Path(folder) / str(number)))
        copy = copies.get()
        tests = baseline(copy, keep, processes)
        copies.put(copy)
        for _ in range(processes):
            copy = copies.get()
            compile_all(copy)
            copies.put(copy)

        def attempt(mutant: Mutant) -> tuple[Verdict, str]:
            copy = copies.get()
            try:
                return judge(copy, mutant, tests)
            finally:
                copies.put(copy)

        with ThreadPoolExecutor(processes) as pool:
            running = {pool.submit(attempt, mutant): mutant for mutant in chosen}
            for done in as_completed(running):
                mutant, (verdict, detail) = running[done], done.result()
                print(f"{verdict.value} {mutant} ({detail})\n{mutant.diff}", flush=True)
                row = {"mutant": mutant.key, "verdict": verdict.value, "detail": detail}
                yield mutant.key, verdict, json.dumps({**row, "diff": mutant.diff})


if __name__ == "__main__":
    sys.exit(main())
