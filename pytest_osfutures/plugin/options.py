"""The options, each with an ini twin: command line, then environment, then ini."""

from __future__ import annotations

import argparse
import math
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import pytest

# policy is imported where a value is checked: an unused plugin should cost next to nothing.


def _finite(text: str) -> float:
    """The number in `text`. Raises ValueError, also for an infinite one: no date is that late."""
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value


def _seconds(text: str) -> float:
    from pytest_osfutures.policy import seconds

    try:
        return seconds("os_timeout", _finite(text), 0.0)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a number of seconds greater than 0"
        ) from None


def _tries(text: str) -> int:
    from pytest_osfutures.policy import Retry

    try:
        return Retry(tries=int(text)).tries
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of 1 or more") from None


def _span(text: str) -> float:
    from pytest_osfutures.policy import seconds

    units = {"s": 1, "m": 60, "h": 3600, "d": 86400}
    try:
        value = _finite(text[:-1]) * units[text[-1]] if text[-1:] in units else _finite(text)
        return seconds("os_expiry", value, 0.0)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a time greater than 0, as 90s, 45m, 6h or 2d"
        ) from None


def _count(text: str) -> int:
    if not re.fullmatch("[0-9]{1,9}", text) or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of 1 or more")
    return int(text)


def _run(text: str) -> str:
    if len(text) != 16 or not set(text) <= set("0123456789abcdef"):
        raise argparse.ArgumentTypeError(f"{text!r} is no run's id: 16 hexadecimal digits")
    return text


def _one_of(*words: str) -> Callable[[str], str]:
    def check(text: str) -> str:
        if text not in words:
            raise argparse.ArgumentTypeError(f"{text!r} is none of {', '.join(words)}")
        return text

    return check


class Option(NamedTuple):
    """One option: `--os-NAME`, ini `os_NAME`, and an environment variable for some."""

    name: str
    metavar: str
    text: str
    type: Callable[[str], Any] = str
    env: str | None = None

    @property
    def string(self) -> str:
        """The option as it is given on the command line."""
        return f"--os-{self.name}"

    @property
    def ini(self) -> str:
        """The name in ini files."""
        return "os_" + self.name.replace("-", "_")

    @property
    def dest(self) -> str:
        """The name of the command line's value, which no project's own option has."""
        return "osfutures_" + self.name.replace("-", "_")

    def given(self, config: pytest.Config) -> Any:
        """The command line's value; None if the option is not there."""
        return getattr(config.option, self.dest, None)

    def value(self, config: pytest.Config) -> Any:
        """What was chosen; None if nothing was. Raises pytest.UsageError for what cannot be."""
        given = self.given(config)
        if given is not None:
            return given
        text = (os.environ.get(self.env) if self.env else None) or config.getini(self.ini)
        if not text:
            return None
        try:
            return self.type(str(text))
        except argparse.ArgumentTypeError as error:
            raise pytest.UsageError(f"ini option {self.ini}: {error}") from None


CLOUD = Option(
    "cloud", "NAME", "Cloud to test against: one of your clouds.yaml, or fake", env="OS_CLOUD"
)
IMAGE = Option("image", "NAME", "Image of new servers: name or id (default: the smallest)")
FLAVOR = Option("flavor", "NAME", "Flavor of new servers: name or id (default: the smallest)")
NETWORK = Option(
    "network", "NAME", "Network of new servers: name, id, auto or none (default: the only one)"
)
TIMEOUT = Option("timeout", "SECONDS", "Deadline of each try (default: by the operation)", _seconds)
TEARDOWN_SECONDS = 300.0
TEARDOWN_TIMEOUT = Option(
    "teardown-timeout",
    "SECONDS",
    "Longest time that the teardown of a test, class, module or session takes (default: 300)",
    _seconds,
)
TRY_COUNT = Option("try-count", "N", "Tries in all to create something (default: 3)", _tries)
MAX_SERVERS = Option(
    "max-servers", "N", "Servers at a time, over all workers; more have to wait", _count
)
KEEP = Option(
    "keep",
    "WHEN",
    "Keep what was made: never (the default), failed (of tests that failed) or always",
    _one_of("never", "failed", "always"),
)
TEARDOWN = Option(
    "teardown",
    "HOW",
    "Deletion after a test: wait for it (the default), or in the background",
    _one_of("wait", "background"),
)
EXPIRY = Option(
    "expiry",
    "TIME",
    "Age at which any run may delete what is left of this one (default: 6h)",
    _span,
)
RUN = Option(
    "run",
    "ID",
    "Id of the run, 16 hexadecimal digits, for `osfutures reap --run` (default: a new one)",
    _run,
    env="OSFUTURES_RUN",
)
LEDGER = Option("ledger", "DIR", "Directory of the ledgers (default: the user's state directory)")
REAPER = Option(
    "reaper",
    "WHEN",
    "Process that cleans up if this one is killed: auto (the default) or off",
    _one_of("auto", "off"),
)
UNKNOWN = Option(
    "unknown",
    "HOW",
    "Work that cannot be followed: warn (the default) or error",
    _one_of("warn", "error"),
)
ALL = (
    CLOUD,
    IMAGE,
    FLAVOR,
    NETWORK,
    TIMEOUT,
    TRY_COUNT,
    MAX_SERVERS,
    KEEP,
    TEARDOWN,
    TEARDOWN_TIMEOUT,
    EXPIRY,
    RUN,
    LEDGER,
    REAPER,
    UNKNOWN,
)
DESTS = frozenset(option.dest for option in ALL)


def _theirs(parser: pytest.Parser, group: Any) -> set[str]:
    """The options of all groups but `group`."""
    others = [each for each in (*parser._groups, parser._anonymous) if each is not group]
    return {name for each in others for option in each.options for name in option.names()}


def declare(parser: pytest.Parser) -> None:
    """Add all options to pytest's, but those whose names another plugin has taken."""
    group = parser.getgroup("osfutures", "OpenStack resources")
    theirs = _theirs(parser, group)
    for option in ALL:
        if option.string not in theirs:
            group.addoption(
                option.string,
                dest=option.dest,
                metavar=option.metavar,
                type=option.type,
                default=None,
                help=option.text,
            )
        parser.addini(option.ini, option.text, default="")


@contextmanager
def aside(parser: pytest.Parser) -> Iterator[None]:
    """Let conftest.py files define options of the same names meanwhile, and leave ours out then.

    pytest calls conftest.py files after every plugin, and has no way to take an option back.
    """
    group: Any = parser.getgroup("osfutures")
    known = getattr(getattr(parser, "optparser", None), "_option_string_actions", {})
    actions = {name: known.pop(name) for name in list(known) if known[name].dest in DESTS}
    yield
    theirs = _theirs(parser, group)
    group.options[:] = [option for option in group.options if not theirs & set(option.names())]
    for name, action in actions.items():
        if name in theirs:
            action.container._remove_action(action)
        else:
            known[name] = action


class Settings(NamedTuple):
    """What the factories go by."""

    image: str | None = None
    flavor: str | None = None
    network: str | None = None
    tout: float | None = None
    try_count: int = 3
    keep: str = "never"
    background: bool = False
    teardown_timeout: float = TEARDOWN_SECONDS

    @classmethod
    def of(cls, config: pytest.Config) -> Settings:
        """The settings of this run."""
        try_count = TRY_COUNT.value(config)
        return cls(
            IMAGE.value(config),
            FLAVOR.value(config),
            NETWORK.value(config),
            TIMEOUT.value(config),
            3 if try_count is None else try_count,
            KEEP.value(config) or "never",
            TEARDOWN.value(config) == "background",
            TEARDOWN_TIMEOUT.value(config) or TEARDOWN_SECONDS,
        )
