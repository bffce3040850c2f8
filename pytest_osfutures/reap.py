"""`osfutures reap` and `osfutures ls`: what runs have left in a project, and its deletion."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_osfutures import ledger as ledgers
from pytest_osfutures.clock import SystemClock
from pytest_osfutures.errors import OSFuturesError
from pytest_osfutures.ledger import Ledger
from pytest_osfutures.leftovers import Leftover, Unreadable
from pytest_osfutures.stamp import Stamp
from pytest_osfutures.sweep import (
    Sweep,
    clean_up_dead,
    dead_runs,
    is_dead,
    sweep_expired,
)

if TYPE_CHECKING:
    from pytest_osfutures.cloud import Cloud


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `osfutures ls` understands, and `osfutures reap` as well."""
    parser.add_argument(
        "--os-cloud", metavar="NAME", help="a cloud of your clouds.yaml (default: OS_CLOUD)"
    )
    parser.add_argument(
        "--os-ledger", metavar="DIR", help="directory of the ledgers, if it is not the usual one"
    )


def add_reap_arguments(parser: argparse.ArgumentParser) -> None:
    """What `osfutures reap` understands."""
    add_arguments(parser)
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--run", metavar="ID", help="all of one run, what was kept as well")
    which.add_argument("--dead", action="store_true", help="of runs of this host that were killed")
    which.add_argument("--expired", action="store_true", help="what has outlived its stamp")
    parser.add_argument("--dry-run", action="store_true", help="only say what would be deleted")


def list_all(args: argparse.Namespace) -> int:
    """Print what carries a stamp in the project; 2 if that cannot be known."""
    try:
        cloud = _connect(args)
        found = Sweep(cloud.source, lambda _: True, SystemClock(), _say).find()
    except (OSFuturesError, Unreadable) as error:
        return _bad("ls", error)
    states = _states(ledgers.directory(args.os_ledger))
    _print_table(found, states)
    return 0


def reap(args: argparse.Namespace) -> int:
    """Delete what was asked for; 1 if something is left, 2 for bad input."""
    try:
        cloud = _connect(args)
        return _reap(args, cloud, ledgers.directory(args.os_ledger))
    except (OSFuturesError, Unreadable) as error:
        return _bad("reap", error)


def _reap(args: argparse.Namespace, cloud: Cloud, place: Path) -> int:
    if args.run:
        return _reap_run(args, cloud, place)
    left = 0
    dead = dead_runs(place, cloud.auth_url, cloud.session.get_project_id() or "")
    for ledger in [] if args.expired else dead:
        if args.dry_run:
            _would(_of_run(cloud, ledger.run))
        elif not clean_up_dead(cloud.source, ledger, SystemClock(), _say):
            left += ledger.left()
            print(f"run {ledger.run}: {ledger.left()} resources are left")
    if not args.dead:
        alive = [run for run, state in _states(place).items() if state == "alive"]
        if args.dry_run:
            now = time.time()
            sweep = Sweep(cloud.source, lambda each: each.expires < now, SystemClock(), _say)
            _would(each for each in sweep.find() if each.stamp.run not in alive)
        else:
            left += _tell(sweep_expired(cloud.source, alive, SystemClock(), _say))
    return 1 if left else 0


def _reap_run(args: argparse.Namespace, cloud: Cloud, place: Path) -> int:
    path = ledgers.path_of(place, args.run)
    if _states(place).get(args.run) == "alive":
        print(f"osfutures reap: run {args.run} is alive; end it first", file=sys.stderr)
        return 2
    if args.dry_run:
        _would(_of_run(cloud, args.run))
        return 0

    def wanted(stamp: Stamp) -> bool:
        return bool(stamp.run == args.run)

    sweep = Sweep(cloud.source, wanted, SystemClock(), _say)
    left = _tell(sweep.remove(sweep.find_twice()))
    if path.exists() and not left:
        ledgers.remove(path)
    return 1 if left else 0


def _of_run(cloud: Cloud, run: str) -> list[Leftover]:
    return Sweep(cloud.source, lambda stamp: stamp.run == run, SystemClock(), _say).find()


def _connect(args: argparse.Namespace) -> Cloud:
    from pytest_osfutures.cloud import connect

    return connect(args.os_cloud)


def _states(place: Path) -> dict[str, str]:
    """What the ledgers of this host say about each run: alive, dead or over."""
    states = {}
    for ledger in ledgers.ledgers(place):
        states[ledger.run] = _state(ledger)
        ledger.close()
    return states


def _state(ledger: Ledger) -> str:
    run = ledger.info()
    if run is not None and run.state in ("ended", "reaped"):
        return "over"
    return "dead" if is_dead(ledger) else "alive"


def _print_table(found: list[Leftover], states: dict[str, str]) -> None:
    head = ("KIND", "ID", "NAME", "STATUS", "AGE", "RUN", "RUN IS")
    rows = [
        (
            each.shelf.kind,
            each.id,
            each.name,
            each.status,
            _age(each.created),
            each.stamp.run,
            "expired" if each.stamp.expires < time.time() else states.get(each.stamp.run, "?"),
        )
        for each in found
    ]
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    for row in (head, *rows):
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print("  ".join(cells).rstrip())


def _age(created: str) -> str:
    if not created:
        return "?"
    moment = datetime.fromisoformat(created.replace("Z", "") + "+00:00")
    minutes = int((time.time() - moment.timestamp()) // 60)
    return f"{minutes // 60}h{minutes % 60:02}m" if minutes >= 60 else f"{max(0, minutes)}m"


def _would(found: Iterable[Leftover]) -> None:
    for each in found:
        print(f"would delete {each}")


def _tell(left: dict[Leftover, str]) -> int:
    for each, why in left.items():
        print(f"left: {each}: {why}")
    return len(left)


def _say(text: str) -> None:
    print(text)


def _bad(command: str, error: Exception) -> int:
    print(f"osfutures {command}: {error}", file=sys.stderr)
    return 2
