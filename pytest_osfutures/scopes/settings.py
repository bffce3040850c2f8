"""The values that factories and teardowns need."""

from __future__ import annotations

from typing import NamedTuple

#: Default of --os-teardown-timeout.
TEARDOWN_SECONDS = 300.0


class RunSettings(NamedTuple):
    """The settings of factories and teardowns: options of the plugin, or arguments."""

    image: str | None = None
    flavor: str | None = None
    network: str | None = None
    #: Deadline of each try in seconds.
    tout: float | None = None
    try_count: int = 3
    #: "never", "failed" or "always".
    keep: str = "never"
    #: Longest teardown in seconds.
    teardown_timeout: float = TEARDOWN_SECONDS
