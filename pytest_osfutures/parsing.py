"""Parse single values from outside: pure functions whose results cannot be wrong."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

_NUMBER = re.compile(r"[0-9]{1,18}\Z")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")


class MalformedResponseError(ValueError):
    """An answer that no OpenStack service gives; the text quotes it."""


def whole_number(value: object) -> int | None:
    """A number of up to 18 ASCII digits, as text or as int; None for anything else."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value) if -1 < value < 10**18 else ""
    return int(value) if isinstance(value, str) and _NUMBER.match(value) else None


def printable(value: object) -> str:
    """Text that every terminal, log and database takes; empty for None."""
    return "" if value is None else _UNPRINTABLE.sub("?", str(value))


def moment(value: object) -> float | None:
    """An ISO date in seconds since 1970, UTC where it has no zone; None if it is none."""
    if not isinstance(value, str) or len(value) > 40:
        return None
    try:
        found = datetime.fromisoformat(value)
        return found.replace(tzinfo=found.tzinfo or UTC).timestamp()
    except (ValueError, OverflowError):
        return None


def identifier(value: object) -> str | None:
    """An id that can stand in a path; None if it cannot."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value) if -1 < value < 10**18 else None
    if not isinstance(value, str) or not value or value in (".", ".."):
        return None
    return None if set(value) & set("/?#\\") or _UNPRINTABLE.search(value) else value


def mappings(value: object) -> list[Mapping[str, Any]]:
    """The items of a list that are mappings; none of anything else."""
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []
