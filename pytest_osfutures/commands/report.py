"""`osfutures report`: the report of one run, and the comparison of two."""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Callable
from pathlib import Path

from pytest_osfutures.cleanup import (
    ledger_directory,
    ledger_path,
    read_ledger_report,
)
from pytest_osfutures.commands.reap import run_id
from pytest_osfutures.errors import InvalidArgument, OSFuturesError
from pytest_osfutures.reports import (
    THRESHOLD,
    DocumentError,
    Report,
    check_format,
    compare,
    comparison_document,
    comparison_text,
    parse_report,
    report_json,
    report_text,
    write_report,
    write_text,
)

#: The first bytes of each sqlite file: https://www.sqlite.org/fileformat.html#magic_header_string
SQLITE_HEADER = b"SQLite format 3\0"
SUFFIXES = (".html", ".json")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `osfutures report`."""
    parser.add_argument(
        "files",
        nargs="*",
        metavar="FILE",
        type=Path,
        help="a ledger, or a JSON file of `pytest --os-report`; two are compared",
    )
    parser.add_argument(
        "--run", metavar="ID", type=run_id, help="read the ledger of a run instead of a file"
    )
    parser.add_argument(
        "--os-ledger",
        metavar="DIR",
        help="directory of the ledgers (default: pytest-osfutures in your state directory)",
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        type=_output,
        help="write the report to a file that ends in .html or .json, or a comparison to a file "
        "that ends in .json (default: print a text)",
    )
    form.add_argument("--json", action="store_true", help="print JSON instead of a text")
    parser.add_argument(
        "--threshold",
        metavar="PERCENT",
        type=_threshold,
        help="percent by which a duration of the second run has to be longer to count as slower "
        f"(default: {THRESHOLD:.0f})",
    )
    parser.add_argument(
        "--fail",
        action="store_true",
        help="end with status 1 if an operation became slower or failed more",
    )


def _output(text: str) -> Path:
    path = Path(text)
    if path.suffix.lower() not in SUFFIXES:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no name of a file that ends in {' or '.join(SUFFIXES)}"
        )
    return path


def _threshold(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of percent of 0 or more")
    return value


def report(args: argparse.Namespace) -> int:
    """Print or write a report or a comparison; return 1 if --fail asks for it, 2 for bad input."""
    try:
        return _report(args)
    except OSFuturesError as error:
        print(f"osfutures report: {error}", file=sys.stderr)
        return 2


def _report(args: argparse.Namespace) -> int:
    files = list(args.files)
    if args.run is not None:
        files.append(_ledger_of_run(args))
    if len(files) not in (1, 2):
        raise InvalidArgument(
            f"{len(files)} files were given; give one ledger or JSON report (or --run ID), "
            "or two to compare them"
        )
    if args.output is not None:
        check_format(args.output)
    of_two = ["--fail"] * args.fail + ["--threshold"] * (args.threshold is not None)
    if of_two and len(files) == 1:
        raise InvalidArgument(f"{of_two[0]} is for two runs, but one file was given")
    reports = [read_report(path) for path in files]
    return _print_one(args, reports[0]) if len(reports) == 1 else _compare(args, *reports)


def _ledger_of_run(args: argparse.Namespace) -> Path:
    directory = ledger_directory(args.os_ledger)
    path = ledger_path(directory, args.run)
    if not path.is_file():
        known = ", ".join(sorted(each.stem for each in directory.glob("*.sqlite"))) or "none"
        raise InvalidArgument(
            f"--run: there is no ledger of run {args.run} in {directory}; there are: {known} "
            "(a run that leaves nothing removes its ledger)"
        )
    return path


def read_report(path: Path) -> Report:
    """Return the report of a ledger's file or of a JSON file.

    Raises:
        InvalidArgument: the file cannot be read, or is neither.
        LedgerError: the file is a sqlite file, but no readable ledger.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InvalidArgument(f"{path} cannot be read: {error.strerror or error}") from None
    if content.startswith(SQLITE_HEADER):
        return read_ledger_report(path)
    try:
        return parse_report(content.decode("utf-8"))
    except (DocumentError, UnicodeDecodeError) as error:
        why = "it is no text" if isinstance(error, UnicodeDecodeError) else str(error)
        raise InvalidArgument(
            f"{path} is neither a ledger nor a JSON report of `pytest --os-report`: {why}"
        ) from None


def _print_one(args: argparse.Namespace, found: Report) -> int:
    if args.output is not None:
        _written(args.output, lambda: write_report(found, args.output))
    else:
        print(report_json(found) if args.json else report_text(found))
    return 0


def _compare(args: argparse.Namespace, before: Report, after: Report) -> int:
    found = compare(before, after, THRESHOLD if args.threshold is None else args.threshold)
    text = json.dumps(comparison_document(found), indent=1)
    if args.output is not None:
        if args.output.suffix.lower() != ".json":
            raise InvalidArgument(f"{args.output}: a comparison is written to a .json file")
        _written(args.output, lambda: write_text(args.output, text + "\n"))
    else:
        print(text if args.json else comparison_text(found))
    return 1 if args.fail and found.is_worse else 0


def _written(path: Path, write: Callable[[], None]) -> None:
    try:
        write()
    except OSError as error:
        raise InvalidArgument(f"{path} cannot be written: {error.strerror or error}") from None
    print(f"report in {path}")
