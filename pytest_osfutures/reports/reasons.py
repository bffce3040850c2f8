"""Reasons of failures, grouped by kind: texts that differ in ids and numbers alone are alike."""

from __future__ import annotations

import re
from collections.abc import Iterable

#: The parts in which reasons of one kind differ: ids, then numbers and the ends of names.
_ID = re.compile(r"\b(?:req-)?(?:[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|[0-9a-f]{32})\b")
_NUMBER = re.compile(r"\d+(?:\.\d+)*")


def kind_of(reason: str) -> str:
    """Return the kind of a reason: its first line without ids and numbers.

    Example:
        >>> kind_of("no host for 7e3fca00-0000-4000-8000-000000000001 after 12.5 s")
        'no host for <id> after <n> s'
    """
    first = reason.strip().partition("\n")[0]
    return _NUMBER.sub("<n>", _ID.sub("<id>", first))


def counted_reasons(reasons: Iterable[str]) -> tuple[tuple[str, int], ...]:
    """Return each kind of reason with its number, the most frequent first.

    The text of a kind is that of its reasons if all of these are equal.

    Example:
        >>> counted_reasons(["no host", "timeout after 3 s", "no host"])
        (('no host', 2), ('timeout after 3 s', 1))
    """
    kinds: dict[str, list[str]] = {}
    for each in reasons:
        kinds.setdefault(kind_of(each), []).append(each.strip().partition("\n")[0])
    counts = (
        (members[0] if len(set(members)) == 1 else kind, len(members))
        for kind, members in kinds.items()
    )
    return tuple(sorted(counts, key=lambda each: -each[1]))


def counted_text(reason: str, count: int) -> str:
    """Return a reason with its number, if that is above 1.

    Example:
        >>> counted_text("No valid host was found", 38)
        '38 x No valid host was found'
    """
    return reason if count == 1 else f"{count} x {reason}"
