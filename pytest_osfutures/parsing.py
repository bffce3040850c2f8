"""Parse single values of answers: pure functions that return a valid value or None."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

_NUMBER = re.compile(r"[0-9]{1,18}\Z")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")


class MalformedResponseError(ValueError):
    """An answer of a shape that the API does not have; the message quotes the answer."""


def whole_number(value: object) -> int | None:
    """Return a number of up to 18 ASCII digits, from text or an int; None for anything else."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value) if -1 < value < 10**18 else ""
    return int(value) if isinstance(value, str) and _NUMBER.match(value) else None


def printable(value: object) -> str:
    """Return `value` as text without control characters and surrogates; empty for None."""
    return "" if value is None else _UNPRINTABLE.sub("?", str(value))


def moment(value: object) -> float | None:
    """Return an ISO 8601 date in seconds since 1970, UTC by default; None for anything else."""
    if not isinstance(value, str) or len(value) > 40:
        return None
    try:
        found = datetime.fromisoformat(value)
        return found.replace(tzinfo=found.tzinfo or UTC).timestamp()
    except (ValueError, OverflowError):
        return None


def identifier(value: object) -> str | None:
    """Return an id that is valid as one segment of a URL's path; None for anything else."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value) if -1 < value < 10**18 else None
    if not isinstance(value, str) or not value or value in (".", ".."):
        return None
    return None if set(value) & set("/?#\\") or _UNPRINTABLE.search(value) else value


def mappings(value: object) -> list[Mapping[str, Any]]:
    """Return the mappings among the items of a list; no items for anything but a list."""
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []
