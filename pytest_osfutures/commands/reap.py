"""`osfutures ls` and `osfutures reap`: the resources that runs have left, and their deletion."""

from __future__ import annotations

import argparse
import re
import socket
import sys
from collections.abc import Callable, Iterable
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_osfutures.cleanup import (
    IN_FLIGHT_SECONDS,
    Sweep,
    SweepContext,
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
from pytest_osfutures.commands.known_runs import (
    ALIVE,
    UNKNOWN,
    KnownRuns,
    evidence,
    read_ledgers,
    seconds_old,
    span,
)
from pytest_osfutures.errors import OSFuturesError
from pytest_osfutures.ownership import StampedResource, UnreadableError

if TYPE_CHECKING:
    from pytest_osfutures.cloud import Cloud


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that `ls` and `reap` have in common."""
    parser.add_argument(
        "--os-cloud",
        metavar="NAME",
        help="a cloud of your clouds.yaml (default: OS_CLOUD, else each cloud that runs of this "
        "host used)",
    )
    parser.add_argument(
        "--os-ledger",
        metavar="DIR",
        help="directory of the ledgers (default: pytest-osfutures in your state directory)",
    )


def add_reap_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `osfutures reap`."""
    add_arguments(parser)
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--run",
        metavar="ID",
        type=run_id,
        help="delete all resources of one run, those that were kept as well",
    )
    which.add_argument(
        "--dead",
        action="store_true",
        help="delete only resources of runs of this host that were killed",
    )
    which.add_argument(
        "--expired", action="store_true", help="delete only resources whose stamp has expired"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="print the resources, and delete none"
    )
    parser.add_argument(
        "--force",
        action="store_true",
        help="with --run: delete although the run may be alive on another host",
    )


def run_id(text: str) -> str:
    """Return the id of a run. Raises argparse.ArgumentTypeError for any other text."""
    if not re.fullmatch("[0-9a-f]{16}", text):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no run's id: 16 hexadecimal digits, as `osfutures ls` shows them"
        )
    return text


def list_all(args: argparse.Namespace) -> int:
    """Print all resources with a stamp; return 2 if a cloud cannot be read."""
    directory = _directory(args)
    found: list[tuple[str, StampedResource, float]] = []

    def collect(cloud: Cloud) -> int:
        seen = [*chain(*_everything(cloud))]
        found.extend((_where(cloud), each, _now(cloud)) for each in seen)
        return 0

    status = _in_each_cloud("ls", args, directory, collect)
    if found or not status:
        known = read_ledgers(directory)
        _print_table(found, known)
        if found:
            _print_reasons([each for _, each, _ in found], known, found[0][2])
    return status


def reap(args: argparse.Namespace) -> int:
    """Delete resources that runs have left; return 1 if some are still there, 2 for bad input."""
    directory = _directory(args)
    return _in_each_cloud("reap", args, directory, lambda cloud: _reap(args, cloud, directory))


def _directory(args: argparse.Namespace) -> Path:
    """Return the directory of the ledgers, and print which of them cannot be read."""
    directory = ledger_directory(args.os_ledger)
    for ledger in ledgers(directory, partial(print, file=sys.stderr)):
        ledger.close()
    return directory


def _in_each_cloud(
    command: str, args: argparse.Namespace, directory: Path, do: Callable[[Cloud], int]
) -> int:
    """Call `do` with each cloud that is meant; return the highest exit status.

    A cloud that cannot be read does not keep the others from being read.
    """
    try:
        names = _names(args, directory)
    except OSFuturesError as error:
        return _print_error(command, error)
    return max(_in_cloud(command, name, do) for name in names)


def _in_cloud(command: str, name: str | None, do: Callable[[Cloud], int]) -> int:
    from pytest_osfutures.cloud import connect

    try:
        return do(connect(name))
    except (OSFuturesError, UnreadableError) as error:
        return _print_error(command, error)


def _print_error(command: str, error: Exception) -> int:
    print(f"osfutures {command}: {error}", file=sys.stderr)
    return 2


def _names(args: argparse.Namespace, directory: Path) -> list[str | None]:
    """Return the names of the clouds that are meant; None for the cloud of the environment."""
    from pytest_osfutures import config as clouds_yaml

    if args.os_cloud or clouds_yaml.default_name(clouds_yaml.read()):
        return [args.os_cloud]
    used = set()
    for ledger in ledgers(directory):
        run = ledger.info()
        if run is not None and run.cloud and run.host == socket.gethostname():
            used.add(run.cloud)
        ledger.close()
    return [*sorted(used)] or [None]


def _reap(args: argparse.Namespace, cloud: Cloud, directory: Path) -> int:
    """Delete resources in one cloud, and print the reasons of those that stay."""
    if args.run:
        return _reap_run(args, cloud, directory)
    before, copies = _everything(cloud)
    left = 0 if args.expired else _reap_dead(args, cloud, directory, before)
    known = read_ledgers(directory)
    if not args.dead:
        alive = {run for run, state in known.states.items() if state == ALIVE}
        if args.dry_run:
            old = expired(before, _now(cloud))
            left += _print_would_delete(each for each in old if each.stamp.run not in alive)
        else:
            left += _print_left(sweep_expired(_context(cloud), alive))
    if not args.dry_run:
        before, copies = _everything(cloud)
    _print_reasons([*before, *copies], known, _now(cloud))
    return _conclude(args, cloud, left)


def _reap_dead(
    args: argparse.Namespace, cloud: Cloud, directory: Path, found: list[StampedResource]
) -> int:
    """Clean up after this host's dead runs; return the number of resources that may be left.

    `found` are the resources of the project that carry a stamp.
    """
    left = 0
    project = cloud.session.get_project_id() or ""
    runs = {each.stamp.run for each in found}
    for ledger in dead_runs(directory, cloud.auth_url, project, runs=runs):
        if args.dry_run:
            left += _print_would_delete(each for each in found if each.stamp.run == ledger.run)
        elif not clean_up_dead(_context(cloud), ledger, IN_FLIGHT_SECONDS + 10.0):
            left += ledger.left()
            print(f"run {ledger.run}: {ledger.left()} of its resources may be left")
        ledger.close()
    return left


def _print_reasons(found: Iterable[StampedResource], known: KnownRuns, now: float) -> None:
    """Print the reasons why `reap` without --run leaves resources, or could not delete them."""
    reasons: dict[tuple[str, str], list[StampedResource]] = {}
    for each in found:
        if reason := known.reason(each, now):
            reasons.setdefault((each.stamp.run, reason), []).append(each)
    for (run, reason), some in reasons.items():
        what = str(some[0]) if len(some) == 1 else f"{len(some)} resources"
        print(f"{what} of run {run}: {reason}")


def _reap_run(args: argparse.Namespace, cloud: Cloud, directory: Path) -> int:
    """Delete all resources of one run, those that were kept as well."""
    known = read_ledgers(directory)
    state = known.states.get(args.run, UNKNOWN)
    if state == ALIVE:
        print(f"osfutures reap: run {args.run} is alive; end it first", file=sys.stderr)
        return 2
    sweep = Sweep(_context(cloud), lambda stamp: stamp.run == args.run)
    if args.dry_run:
        left = _print_would_delete(sweep.find())
        _print_reasons(sweep.copies, known, _now(cloud))
        return _conclude(args, cloud, left)
    if state == UNKNOWN and not args.force:
        where = known.where.get(args.run, f"{directory} has no ledger of it")
        if _may_be_alive(sweep.find(), args.run, where, _now(cloud)):
            return 2
    left = _print_left(sweep.remove(sweep.find_twice()))
    _print_reasons(sweep.copies, known, _now(cloud))
    path = ledger_path(directory, args.run)
    if path.exists() and not left:
        remove_ledger(path)
    return _conclude(args, cloud, left)


def _may_be_alive(found: list[StampedResource], run: str, where: str, now: float) -> bool:
    """Return True, and print the evidence, if a run has resources whose stamp is valid."""
    if len(expired(found, now)) == len(found):
        return False
    print(
        f"osfutures reap: run {run} may be alive elsewhere ({where}): "
        f"{evidence(found, now)}. Give --force if it is over",
        file=sys.stderr,
    )
    return True


def _conclude(args: argparse.Namespace, cloud: Cloud, left: int) -> int:
    """Print the result for a cloud, and return the exit status."""
    if not left:
        run = f"of run {args.run} " if args.run else ""
        print(f"nothing {run}is left to reap in cloud {cloud.name}")
    return 1 if left and not args.dry_run else 0


def _everything(cloud: Cloud) -> tuple[list[StampedResource], list[StampedResource]]:
    """Return the resources that carry a stamp, and those that carry a copy of one."""
    sweep = Sweep(_context(cloud), lambda _: True)
    return sweep.find(), sweep.copies


def _now(cloud: Cloud) -> float:
    """Return the cloud's time in seconds since 1970."""
    return _context(cloud).cloud_time()


def _where(cloud: Cloud) -> str:
    """Return the names of a cloud and its project."""
    auth: Any = cloud.session.auth
    access = auth.get_access(cloud.session)
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


def _print_would_delete(found: Iterable[StampedResource]) -> int:
    """Print the resources that a real run would delete; return their number."""
    everything = list(found)
    for each in everything:
        print(f"would delete {each}")
    return len(everything)


def _print_left(left: dict[StampedResource, str]) -> int:
    """Print the resources that are still there, with the reasons; return their number."""
    for each, reason in left.items():
        print(f"left: {each}: {reason}")
    return len(left)


def _context(cloud: Cloud) -> SweepContext:
    return SweepContext(cloud.api_client, SystemClock(), print)
