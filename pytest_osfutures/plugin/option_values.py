"""The values of options: each function converts a text, or raises argparse.ArgumentTypeError."""

from __future__ import annotations

import argparse
import math
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

# policy is imported where a value is checked, so that an unused plugin loads nothing else.

#: Longest --os-expiry in seconds: 100 years. The expiry of a stamp has at most 18 digits.
LONGEST_EXPIRY = 36500 * 86400.0
#: Suffixes of the files of --os-report.
REPORT_SUFFIXES = (".html", ".json")
#: The default of --os-lookahead.
ALL_TESTS = sys.maxsize


def finite(text: str, most: float = math.inf) -> float:
    """Return the number in `text`.

    Raises:
        ValueError: `text` is no number, or the number is infinite or greater than `most`.
    """
    value = float(text)
    if not math.isfinite(value) or value > most:
        raise ValueError(text)
    return value


def seconds(text: str) -> float:
    """Return a number of seconds."""
    from pytest_osfutures.policy import seconds as checked

    try:
        return checked("os_timeout", finite(text), 0.0)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a number of seconds greater than 0"
        ) from None


def try_count(text: str) -> int:
    """Return a number of tries."""
    from pytest_osfutures.policy import Retry

    try:
        return Retry(tries=int(text)).tries
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of 1 or more") from None


def duration(text: str) -> float:
    """Return the seconds of a time with a unit."""
    from pytest_osfutures.policy import seconds as checked

    units = {"s": 1, "m": 60, "h": 3600, "d": 86400}
    try:
        number, unit = (text[:-1], units[text[-1]]) if text[-1:] in units else (text, 1)
        return checked("os_expiry", finite(number, LONGEST_EXPIRY / unit) * unit, 0.0)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a time greater than 0, as 90s, 45m, 6h or 2d, and at most 36500d"
        ) from None


def count(text: str) -> int:
    """Return a whole number of 1 or more."""
    if not re.fullmatch("[0-9]{1,9}", text) or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of 1 or more")
    return int(text)


def lookahead(text: str) -> int:
    """Return the number of tests: all for `auto`, 0 for `off`."""
    if text in ("auto", "off"):
        return ALL_TESTS if text == "auto" else 0
    try:
        return count(text)
    except argparse.ArgumentTypeError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is none of auto and off, and no whole number of 1 or more"
        ) from None


def run_id(text: str) -> str:
    """Return the id of a run."""
    if len(text) != 16 or not set(text) <= set("0123456789abcdef"):
        raise argparse.ArgumentTypeError(f"{text!r} is no run's id: 16 hexadecimal digits")
    return text


def one_of(*words: str) -> Callable[[str], str]:
    """Return a function that returns one of the words."""

    def check(text: str) -> str:
        if text not in words:
            raise argparse.ArgumentTypeError(f"{text!r} is none of {', '.join(words)}")
        return text

    return check


def directory(text: str) -> str:
    """Return the path of a directory, which need not exist."""
    path = Path(text)
    inner = next((each for each in (path, *path.parents) if os.path.lexists(each)), path)
    if not text or (os.path.lexists(inner) and not inner.is_dir()):
        where = f": {str(inner)!r} is none" if text and inner != path else ""
        raise argparse.ArgumentTypeError(f"{text!r} is no directory{where}")
    return text


def report_file(text: str) -> str:
    """Return the path of a report, whose suffix names the format."""
    if Path(text).suffix.lower() not in REPORT_SUFFIXES:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no name of a file that ends in {' or '.join(REPORT_SUFFIXES)}"
        )
    return text
