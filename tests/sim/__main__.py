"""`python -m tests.sim`: simulated runs, one for each seed; a broken promise ends its run."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from tests.sim.run import Result, run

#: Seconds between two reports of progress.
PROGRESS = 30.0


def main() -> int:
    """Run the seeds and print their results; return 1 if a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.sim", description=__doc__)
    parser.add_argument("--seed", type=int, default=0, help="the first seed")
    parser.add_argument("--operations", type=int, default=1000, help="of each run")
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--processes", type=int, default=1, help="0: one for each processor")
    parser.add_argument("--trace", action="store_true", help="print the engine's log")
    args = parser.parse_args()
    logging.basicConfig(level=logging.DEBUG if args.trace else logging.CRITICAL)
    began = time.perf_counter()
    seeds = range(args.seed, args.seed + args.runs)
    broken, operations, endings, injected = 0, 0, Counter[str](), Counter[str]()
    told_at = began
    for number, result in enumerate(_results(seeds, args.operations, args.processes)):
        operations += result.operations
        if (now := time.perf_counter()) - told_at > PROGRESS:
            told_at = now
            so_far = f"{number + 1} of {len(seeds)} runs, {operations} operations, {broken} broken"
            print(f"{so_far}, {now - began:.0f} s", file=sys.stderr, flush=True)
        endings += Counter(result.endings)
        injected += Counter(result.injected)
        if result.broken:
            broken += 1
            print(result.broken, file=sys.stderr)
    took = time.perf_counter() - began
    print(f"{len(seeds)} runs, {operations} operations in {took:.1f} s; {broken} runs broken")
    for title, counts in (("endings", endings), ("faults", injected)):
        listed = ", ".join(f"{count} {name}" for name, count in counts.most_common())
        print(f"{title}: {listed or 'none'}")
    return 1 if broken else 0


def _results(seeds: range, operations: int, processes: int) -> Iterator[Result]:
    if processes == 1:
        yield from (_one(seed, operations) for seed in seeds)
        return
    with ProcessPoolExecutor(processes or os.cpu_count()) as pool:
        yield from pool.map(partial(_one, operations=operations), seeds)


def _one(seed: int, operations: int) -> Result:
    try:
        return run(seed, operations)
    except Exception as error:
        text = "".join(traceback.format_exception(error))
        return Result(seed, 0, {}, {}, "", f"seed {seed}:\n{text}")


if __name__ == "__main__":
    sys.exit(main())
