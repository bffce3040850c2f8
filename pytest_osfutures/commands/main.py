"""The `osfutures` command."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from pytest_osfutures.errors import OSFuturesError


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand and return its exit status."""
    from pytest_osfutures.commands import reap, report
    from pytest_osfutures.fakecloud.shells import command as fake

    parser = argparse.ArgumentParser(prog="osfutures", description=__doc__)
    commands = parser.add_subparsers(
        title="commands", metavar="COMMAND", dest="command", required=True
    )
    one = commands.add_parser("fake", help="run an embedded fake OpenStack on a loopback port")
    fake.add_arguments(one)
    one.set_defaults(run_command=fake.run)
    one = commands.add_parser("ls", help="list the resources of all runs in a project")
    reap.add_arguments(one)
    one.set_defaults(run_command=reap.list_all)
    one = commands.add_parser(
        "reap",
        help="delete resources that runs have left in a project",
        description="Delete the resources of dead runs and those whose stamp has expired. "
        "A resource without a stamp is never deleted.",
    )
    reap.add_reap_arguments(one)
    one.set_defaults(run_command=reap.reap)
    one = commands.add_parser(
        "report",
        help="report on a run, or compare two runs",
        description="Print a report on a run, from its ledger or from the JSON file of "
        "`pytest --os-report`, or write it as HTML or JSON. Two files are compared: which "
        "operations became slower or failed more.",
    )
    report.add_arguments(one)
    one.set_defaults(run_command=report.report)
    args = parser.parse_args(argv)
    try:
        status: int = args.run_command(args)
    except OSFuturesError as error:
        print(f"osfutures {args.command}: {error}", file=sys.stderr)
        return 2
    return status
