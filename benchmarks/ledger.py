"""`python -m benchmarks.ledger`: measure the ledger while several processes write to it.

Each resource takes three writes: the intent, the id, and the confirmed deletion.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import tempfile
import time
from pathlib import Path
from typing import Any

from pytest_osfutures.cleanup import ledger as ledgers
from pytest_osfutures.cleanup.ledger import Ledger
from pytest_osfutures.stamp import Stamp, new_id

COLUMNS = ("ms a resource", "CPU ms a resource", "a write: median ms", "p95 ms", "longest ms")


def main() -> int:
    """Measure with one and with several processes and print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ledger", description=__doc__)
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument(
        "--resources", type=int, default=500, help="resources that each process writes"
    )
    args = parser.parse_args()
    print(
        f"| writing processes | {' | '.join(COLUMNS)} |\n|---{'|---' * len(COLUMNS)}|", flush=True
    )
    for processes in sorted({1, args.processes}):
        with tempfile.TemporaryDirectory() as place:
            path = ledgers.ledger_path(Path(place), new_id())
            numbers = measure(path, processes, args.resources)
            print(f"| {processes} | {' | '.join(f'{each:.2f}' for each in numbers)} |", flush=True)
    return 0


def measure(path: Path, processes: int, count: int) -> tuple[float, ...]:
    """Let `processes` write at the same time; return milliseconds in the order of COLUMNS."""
    Ledger(path, path.stem).close()
    context = multiprocessing.get_context("spawn")
    ready, go, told = context.Semaphore(0), context.Event(), context.Queue()
    children = [
        context.Process(target=write, args=(path, count, ready, go, told)) for _ in range(processes)
    ]
    for child in children:
        child.start()
    for _ in children:
        ready.acquire()
    began = time.perf_counter()
    go.set()
    answers = [told.get() for _ in children]
    took = time.perf_counter() - began
    for child in children:
        child.join()
    ledger = Ledger(path, path.stem)
    assert len(ledger.rows("gone")) == count * processes
    ledger.close()
    writes = sorted(each for _, waits in answers for each in waits)
    return (
        1000 * took / (count * processes),
        1000 * sum(cpu for cpu, _ in answers) / (count * processes),
        1000 * writes[len(writes) // 2],
        1000 * writes[len(writes) * 95 // 100],
        1000 * writes[-1],
    )


def write(path: Path, count: int, ready: Any, go: Any, told: Any) -> None:
    """Write `count` resources; put the CPU seconds and the seconds of each write into `told`."""
    ledger, waits = Ledger(path, path.stem), []
    ready.release()
    go.wait()
    before = resource.getrusage(resource.RUSAGE_SELF)
    for number in range(count):
        record = ledger.record(Stamp(ledger.run, new_id(), 2_000_000_000))
        for step in (
            lambda: record.intended("server", "web"),  # noqa: B023
            lambda: record.bound(f"{ledger.process}-{number}"),  # noqa: B023
            record.gone,
        ):
            began = time.perf_counter()
            step()
            waits.append(time.perf_counter() - began)
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    told.put((cpu, waits))
    ledger.close()


if __name__ == "__main__":
    raise SystemExit(main())
