"""The command `osfutures fake`: a fake cloud as a process of its own."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from pathlib import Path

from pytest_osfutures.clock import Clock, ManualClock, ScaledClock
from pytest_osfutures.fakecloud.cloud import FakeCloud
from pytest_osfutures.fakecloud.services.network import CIDRS
from pytest_osfutures.fakecloud.shells import clouds_yaml
from pytest_osfutures.fakecloud.shells.loopback import (
    GuestNetwork,
    GuestPorts,
    GuestsUnavailableError,
)
from pytest_osfutures.fakecloud.shells.server import MissingLibraryError, serve


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `osfutures fake` to `parser`."""
    parser.add_argument(
        "--port", type=int, default=0, help="TCP port on 127.0.0.1; 0 (default) chooses a free port"
    )
    parser.add_argument(
        "--clouds-yaml",
        metavar="FILE",
        type=Path,
        help="write a clouds.yaml with the clouds `fake` (role member) and `fake-admin`",
    )
    parser.add_argument(
        "--speed",
        metavar="X",
        type=float,
        default=1.0,
        help="run the cloud's clock X times as fast as real time (default 1); dates stay real",
    )
    parser.add_argument(
        "--manual-clock",
        action="store_true",
        help="stop the cloud's clock; POST /_osf/clock advances it",
    )
    parser.add_argument(
        "--page-limit",
        metavar="N",
        type=int,
        help="put at most N items on a page of any list, to test paging clients",
    )
    parser.add_argument(
        "--seed",
        metavar="N",
        type=int,
        default=0,
        help="seed of ids, hosts, durations and random faults (default 0)",
    )
    parser.add_argument(
        "--guests",
        metavar="SSH:HTTP",
        nargs="?",
        const="22:80",
        help="give servers addresses in 127.0.0.0/8, on which their guests listen once they are up "
        "(default ports 22:80)",
    )


def run(args: argparse.Namespace) -> int:
    """Serve until SIGINT or SIGTERM and return the exit status: 0, or 2 for bad input.

    The first line on standard output is the auth URL; it appears as soon as requests are answered.
    """
    if not 0 <= args.port <= 65535:
        return _bad(f"--port must be from 0 to 65535, not {args.port}")
    try:
        clock: Clock = (
            ManualClock() if args.manual_clock else ScaledClock(args.speed, real_dates=True)
        )
        guests = None if args.guests is None else _reserve(args.guests)
        cloud = FakeCloud(clock, seed=args.seed, cidrs=guests.cidrs if guests else CIDRS)
        if args.page_limit is not None:
            most = args.page_limit
            limits = {"page_limit": most, "page_limits": {"network": most, "identity": most}}
            cloud.settings.change(limits)

        def ready(url: str) -> None:
            auth_url = f"{url}/identity/v3"
            if args.clouds_yaml is not None:
                _write(args.clouds_yaml, clouds_yaml.text(auth_url))
            print(auth_url, flush=True)

        asyncio.run(serve(cloud, args.port, ready, guests))
    except _UnwritableError as error:
        return _bad(str(error))
    except OSError as error:
        return _bad(f"cannot listen on port {args.port}: {os.strerror(error.errno or 0)}")
    except (ValueError, MissingLibraryError, GuestsUnavailableError) as error:
        return _bad(str(error))
    return 0


def _reserve(given: str) -> GuestNetwork:
    """Return loopback addresses for guests. Raises ValueError, GuestsUnavailableError."""
    try:
        ports = GuestPorts.parse(given)
    except ValueError as error:
        raise ValueError(f"--guests takes {error}") from None
    return GuestNetwork.reserve(ports)


class _UnwritableError(Exception):
    pass


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text)
    except OSError as error:
        raise _UnwritableError(f"cannot write {path}: {error.strerror or error}") from None


def _bad(why: str) -> int:
    print(f"osfutures fake: {why}", file=sys.stderr)
    return 2
