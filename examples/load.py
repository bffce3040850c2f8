"""Create load as rally does: N servers at once, and a table of the durations of each step.

python examples/load.py --cloud fake --servers 20
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any

import pytest_osfutures as osf


class Stopwatch:
    """The durations of the futures of each step, in seconds."""

    def __init__(self) -> None:
        self.steps: dict[str, list[float]] = {}

    def run(self, step: str, start: Callable[[Any], Any], arguments: Iterable[Any]) -> list[Any]:
        began = {start(argument): time.monotonic() for argument in arguments}
        durations = self.steps.setdefault(step, [])
        for future in osf.as_completed(began):
            durations.append(time.monotonic() - began[future])
        return list(osf.gather(*began))

    def table(self) -> str:
        rows = [f"{'step':<10} {'count':>6} {'min s':>8} {'median s':>9} {'max s':>8}"]
        for step, durations in self.steps.items():
            low, middle, high = min(durations), statistics.median(durations), max(durations)
            rows.append(f"{step:<10} {len(durations):>6} {low:>8.2f} {middle:>9.2f} {high:>8.2f}")
        return "\n".join(rows)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cloud", default="fake", help="a cloud of your clouds.yaml, or fake")
    parser.add_argument("--servers", type=int, default=20, help="how many at once (default: 20)")
    given = parser.parse_args(arguments)
    if given.servers < 1:
        parser.error(f"--servers {given.servers} is not 1 or more")
    nova = osf.connect(given.cloud).nova
    flavor = min(nova.flavors.list(), key=lambda each: (each.ram, each.disk))
    image = min(nova.glance.list(), key=lambda each: each.size or 0)
    watch = Stopwatch()

    def create(number: int) -> osf.OperationFuture[osf.Server]:
        return nova.servers.create_async_r(f"load-{number}", image.id, flavor, nics="none")

    servers = watch.run("create", create, range(given.servers))
    servers = watch.run("stop", lambda vm: vm.stop_async_r(), servers)
    watch.run("delete", lambda vm: vm.delete_async_r(), servers)
    print(watch.table())


if __name__ == "__main__":
    try:
        main()
    except osf.OSFuturesError as error:
        sys.exit(f"load: {error}")
