"""Regular expressions in requests: any text may be sent, and not every text is one."""

from __future__ import annotations

import re
import warnings


def why_unfit(text: str) -> str | None:
    """Why `text` is no regular expression; None if it is one, which `re` then remembers."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # `[[` may mean something else one day
            re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        return str(error)
    return None
