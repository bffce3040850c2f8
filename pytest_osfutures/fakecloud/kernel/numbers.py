"""Numbers in requests: ASCII digits, at most 18 of them, as a database column holds.

`str.isdigit` and `\\d` accept `²` and Arabic digits, which `int` rejects or reads; `int` rejects
more than 4,300 digits. https://docs.python.org/3/library/stdtypes.html#int-max-str-digits
"""

from __future__ import annotations

import math
import re
from typing import Any

_WHOLE = re.compile(r"-?[0-9]{1,18}")


def parse_integer(value: Any) -> int | None:
    """Return the integer that a JSON number or a string of digits stands for, or None."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value if -(10**18) < value < 10**18 else None
    return int(value) if isinstance(value, str) and _WHOLE.fullmatch(value) else None


def parse_natural(value: Any) -> int | None:
    """Return the integer as `parse_integer` does; None also for a negative number or a sign."""
    number = None if isinstance(value, str) and value.startswith("-") else parse_integer(value)
    return number if number is not None and number >= 0 else None


def parse_duration(value: Any, most: float = 10 * 365 * 86400.0) -> float | None:
    """Return a number of seconds from 0 to `most` (ten years); None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value) if 0 <= value <= most else None
