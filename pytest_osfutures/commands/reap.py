"""`osfutures reap` and `osfutures ls`: what runs have left in a project, and its deletion."""

from __future__ import annotations

import argparse
import re
import socket
import sys
from collections.abc import Callable, Iterable
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_osfutures.cleanup import (
    SETTLING,
    Sweep,
    clean_up_dead,
    dead_runs,
    expired,
    ledger_directory,
    ledger_path,
    ledgers,
    remove_ledger,
    sweep_expired,
)
from pytest_osfutures.clock import SystemClock
from pytest_osfutures.commands import known_runs as known_runs
from pytest_osfutures.commands.known_runs import (
    ALIVE,
    UNKNOWN,
    KnownRuns,
    evidence,
    seconds_old,
    span,
)
from pytest_osfutures.errors import OSFuturesError
from pytest_osfutures.ownership import StampedResource, UnreadableError

if TYPE_CHECKING:
    from pytest_osfutures.cloud import Cloud


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `osfutures ls` understands, and `osfutures reap` as well."""
    parser.add_argument(
        "--os-cloud",
        metavar="NAME",
        help="a cloud of your clouds.yaml (default: OS_CLOUD, else all that this host's runs used)",
    )
    parser.add_argument(
        "--os-ledger", metavar="DIR", help="directory of the ledgers, if it is not the usual one"
    )


def add_reap_arguments(parser: argparse.ArgumentParser) -> None:
    """What `osfutures reap` understands."""
    add_arguments(parser)
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--run", metavar="ID", type=_run_id, help="all of one run, what was kept as well"
    )
    which.add_argument("--dead", action="store_true", help="of runs of this host that were killed")
    which.add_argument("--expired", action="store_true", help="what has outlived its stamp")
    parser.add_argument("--dry-run", action="store_true", help="only say what would be deleted")
    parser.add_argument(
        "--force",
        action="store_true",
        help="with --run: also if nothing here tells that the run is over",
    )


def _run_id(text: str) -> str:
    if not re.fullmatch("[0-9a-f]{16}", text):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no run's id: 16 hexadecimal digits, as `osfutures ls` shows them"
        )
    return text


def list_all(args: argparse.Namespace) -> int:
    """Print what carries a stamp in the project; 2 if that cannot be known."""
    place = _place(args)
    found: list[tuple[str, StampedResource, float]] = []

    def look(cloud: Cloud) -> int:
        seen = [*chain(*_everything(cloud))]
        found.extend((_where(cloud), each, _now(cloud)) for each in seen)
        return 0

    status = _in_each_cloud("ls", args, place, look)
    if found or not status:
        known = known_runs.look(place)
        _print_table(found, known)
        if found:
            _tell_reasons([each for _, each, _ in found], known, found[0][2])
    return status


def reap(args: argparse.Namespace) -> int:
    """Delete what was asked for; 1 if something is left, 2 for bad input."""
    place = _place(args)
    return _in_each_cloud("reap", args, place, lambda cloud: _reap(args, cloud, place))


def _place(args: argparse.Namespace) -> Path:
    """The directory of the ledgers; those that cannot be read are told of."""
    place = ledger_directory(args.os_ledger)
    for ledger in ledgers(place, partial(print, file=sys.stderr)):
        ledger.close()
    return place


def _in_each_cloud(
    command: str, args: argparse.Namespace, place: Path, do: Callable[[Cloud], int]
) -> int:
    """Do it in the cloud that was named, else in those of this host's runs; the worst status."""
    from pytest_osfutures.cloud import connect

    status = 0
    try:
        for name in _names(args, place):
            status = max(status, do(connect(name)))
    except (OSFuturesError, UnreadableError) as error:
        print(f"osfutures {command}: {error}", file=sys.stderr)
        return 2
    return status


def _names(args: argparse.Namespace, place: Path) -> list[str | None]:
    """The clouds that are meant; None stands for what the environment names."""
    from pytest_osfutures import config as clouds_yaml

    if args.os_cloud or clouds_yaml.default_name(clouds_yaml.read()):
        return [args.os_cloud]
    used = set()
    for ledger in ledgers(place):
        run = ledger.info()
        if run is not None and run.cloud and run.host == socket.gethostname():
            used.add(run.cloud)
        ledger.close()
    return [*sorted(used)] or [None]


def _reap(args: argparse.Namespace, cloud: Cloud, place: Path) -> int:
    if args.run:
        return _reap_run(args, cloud, place)
    left = 0
    before, copies = _everything(cloud)
    project = cloud.session.get_project_id() or ""
    runs = {each.stamp.run for each in before}
    for ledger in [] if args.expired else dead_runs(place, cloud.auth_url, project, runs=runs):
        if args.dry_run:
            left += _would(each for each in before if each.stamp.run == ledger.run)
        elif not clean_up_dead(cloud.api_client, ledger, SystemClock(), _say, SETTLING + 10.0):
            left += ledger.left()
            print(f"run {ledger.run}: {ledger.left()} of its resources may be left")
        ledger.close()
    known = known_runs.look(place)
    if not args.dead:
        alive = {run for run, state in known.states.items() if state == ALIVE}
        if args.dry_run:
            old = expired(before, _now(cloud))
            left += _would(each for each in old if each.stamp.run not in alive)
        else:
            left += _tell(sweep_expired(cloud.api_client, alive, SystemClock(), _say))
    if not args.dry_run:
        before, copies = _everything(cloud)
    _tell_reasons([*before, *copies], known, _now(cloud))
    return _conclude(args, cloud, left)


def _tell_reasons(found: Iterable[StampedResource], known: KnownRuns, now: float) -> None:
    """Say why `reap` without --run leaves what is there, or could not delete it."""
    reasons: dict[tuple[str, str], list[StampedResource]] = {}
    for each in found:
        if reason := known.reason(each, now):
            reasons.setdefault((each.stamp.run, reason), []).append(each)
    for (run, reason), some in reasons.items():
        what = str(some[0]) if len(some) == 1 else f"{len(some)} resources"
        print(f"{what} of run {run}: {reason}")


def _reap_run(args: argparse.Namespace, cloud: Cloud, place: Path) -> int:
    path = ledger_path(place, args.run)
    known = known_runs.look(place)
    state = known.states.get(args.run, UNKNOWN)
    if state == ALIVE:
        print(f"osfutures reap: run {args.run} is alive; end it first", file=sys.stderr)
        return 2
    sweep = Sweep(cloud.api_client, lambda stamp: stamp.run == args.run, SystemClock(), _say)
    if args.dry_run:
        left = _would(sweep.find())
        _tell_reasons(sweep.copies, known, _now(cloud))
        return _conclude(args, cloud, left)
    if state == UNKNOWN and not args.force and (found := sweep.find()):
        now = _now(cloud)
        if len(expired(found, now)) < len(found):
            where = known.where.get(args.run, f"{place} has no ledger of it")
            print(
                f"osfutures reap: run {args.run} may be alive elsewhere ({where}): "
                f"{evidence(found, now)}. Give --force if it is over",
                file=sys.stderr,
            )
            return 2

    left = _tell(sweep.remove(sweep.find_twice()))
    _tell_reasons(sweep.copies, known, _now(cloud))
    if path.exists() and not left:
        remove_ledger(path)
    return _conclude(args, cloud, left)


def _conclude(args: argparse.Namespace, cloud: Cloud, left: int) -> int:
    if not left:
        run = f"of run {args.run} " if args.run else ""
        print(f"nothing {run}is left to reap in cloud {cloud.name}")
    return 1 if left and not args.dry_run else 0


def _everything(cloud: Cloud) -> tuple[list[StampedResource], list[StampedResource]]:
    """Whatever carries a stamp, and what carries the copy of one."""
    sweep = Sweep(cloud.api_client, lambda _: True, SystemClock(), _say)
    return sweep.find(), sweep.copies


def _now(cloud: Cloud) -> float:
    """The cloud's time."""
    return cloud.api_client.cloud_time.time(SystemClock())


def _where(cloud: Cloud) -> str:
    """Cloud and project."""
    access = cloud.session.auth.get_access(cloud.session)
    return f"{cloud.name}/{access.project_name or access.project_id}"


def _print_table(found: list[tuple[str, StampedResource, float]], known: KnownRuns) -> None:
    head = ("KIND", "ID", "NAME", "STATUS", "WHERE", "AGE", "RUN", "RUN IS")
    rows = [
        (
            each.type.name,
            each.id,
            each.name,
            each.status,
            where,
            _age(each.created, now),
            each.stamp.run,
            known.state(each, now),
        )
        for where, each, now in found
    ]
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    for row in (head, *rows):
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print("  ".join(cells).rstrip())


def _age(created: str, now: float) -> str:
    age = seconds_old(created, now)
    return "?" if age is None else span(age)


def _would(found: Iterable[StampedResource]) -> int:
    everything = list(found)
    for each in everything:
        print(f"would delete {each}")
    return len(everything)


def _tell(left: dict[StampedResource, str]) -> int:
    for each, why in left.items():
        print(f"left: {each}: {why}")
    return len(left)


def _say(text: str) -> None:
    print(text)
