"""Regular expressions in requests, which may be invalid."""

from __future__ import annotations

import re
import warnings


def pattern_error(text: str) -> str | None:
    """Return why `text` is no valid regular expression; None if it is valid."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # `[[` may mean something else one day
            re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        return str(error)
    return None
