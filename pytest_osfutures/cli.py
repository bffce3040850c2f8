"""The `osfutures` command."""

from __future__ import annotations

import argparse
from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand and return its exit status."""
    from pytest_osfutures.fakecloud import command as fake

    parser = argparse.ArgumentParser(prog="osfutures", description=__doc__)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    one = commands.add_parser("fake", help="run an embedded fake OpenStack on a loopback port")
    fake.add_arguments(one)
    one.set_defaults(run=fake.run)
    args = parser.parse_args(argv)
    status: int = args.run(args)
    return status
