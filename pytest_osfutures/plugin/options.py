"""The options of the plugin.

Each has a twin in the ini file. The command line comes before the environment, and the environment
before the ini file.
"""

from __future__ import annotations

import argparse
import math
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import pytest

# policy is imported where a value is checked, so that an unused plugin loads nothing else.


def _finite(text: str) -> float:
    """Return the number in `text`.

    Raises:
        ValueError: `text` is no number, or the number is infinite: no date is that late.
    """
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


def _try_count(text: str) -> int:
    from pytest_osfutures.policy import Retry

    try:
        return Retry(tries=int(text)).tries
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of 1 or more") from None


def _duration(text: str) -> float:
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


def _run_id(text: str) -> str:
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
    """An option: `--os-NAME` on the command line, `os_NAME` in the ini file."""

    #: Name without the prefix.
    name: str
    #: Placeholder of the value in the help.
    metavar: str
    #: Help text.
    text: str
    #: Converts the text of a value, or raises argparse.ArgumentTypeError.
    type: Callable[[str], Any] = str
    #: Environment variable with a value.
    env: str | None = None

    @property
    def string(self) -> str:
        """The option on the command line."""
        return f"--os-{self.name}"

    @property
    def ini(self) -> str:
        """The option in the ini file."""
        return "os_" + self.name.replace("-", "_")

    @property
    def dest(self) -> str:
        """The attribute of `config.option`; the prefix keeps options of projects apart."""
        return "osfutures_" + self.name.replace("-", "_")

    def given(self, config: pytest.Config) -> Any:
        """Return the value on the command line; None without one."""
        return getattr(config.option, self.dest, None)

    def value(self, config: pytest.Config) -> Any:
        """Return the value: of the command line, the environment or the ini file, or None.

        Raises:
            pytest.UsageError: the value cannot be used.
        """
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
    "cloud", "NAME", "Cloud under test: a cloud of your clouds.yaml, or fake", env="OS_CLOUD"
)
IMAGE = Option(
    "image", "NAME", "Image of new servers: name or id (default: the smallest bootable image)"
)
FLAVOR = Option(
    "flavor",
    "NAME",
    "Flavor of new servers: name or id (default: the smallest that fits the image)",
)
NETWORK = Option(
    "network", "NAME", "Network of new servers: name, id, auto or none (default: the only one)"
)
TIMEOUT = Option(
    "timeout", "SECONDS", "Deadline of each try (default: by the kind of operation)", _seconds
)
#: Default of --os-teardown-timeout.
TEARDOWN_SECONDS = 300.0
TEARDOWN_TIMEOUT = Option(
    "teardown-timeout",
    "SECONDS",
    "Longest teardown of a test, class, module or session (default: 300)",
    _seconds,
)
TRY_COUNT = Option("try-count", "N", "Tries in all to create a resource (default: 3)", _try_count)
MAX_SERVERS = Option(
    "max-servers",
    "N",
    "Servers at a time, over all workers; further servers wait (default: no limit)",
    _count,
)
KEEP = Option(
    "keep",
    "WHEN",
    "Resources to keep: never (none, the default), failed (of failed tests) or always (all)",
    _one_of("never", "failed", "always"),
)
TEARDOWN = Option(
    "teardown",
    "HOW",
    "Deletion after a test: wait (the default), or background (during the next test)",
    _one_of("wait", "background"),
)
EXPIRY = Option(
    "expiry",
    "TIME",
    "Age at which any run may delete resources that this run has left (default: 6h)",
    _duration,
)
RUN = Option(
    "run",
    "ID",
    "Id of the run, 16 hexadecimal digits, for `osfutures reap --run` (default: a new id)",
    _run_id,
    env="OSFUTURES_RUN",
)
LEDGER = Option("ledger", "DIR", "Directory of the ledgers (default: the user's state directory)")
REAPER = Option(
    "reaper",
    "WHEN",
    "Process that cleans up after a killed run: auto (the default) or off",
    _one_of("auto", "off"),
)
UNKNOWN = Option(
    "unknown",
    "HOW",
    "Accepted request of an unknown operation: warn (the default) or error",
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


def _options_of_others(parser: pytest.Parser, group: Any) -> set[str]:
    """Return the options of all groups but `group`."""
    others = [each for each in (*parser._groups, parser._anonymous) if each is not group]
    return {name for each in others for option in each.options for name in option.names()}


def add_options(parser: pytest.Parser) -> None:
    """Add all options to pytest, except those whose names another plugin has taken."""
    group = parser.getgroup("osfutures", "OpenStack resources")
    theirs = _options_of_others(parser, group)
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
def options_of_conftest_first(parser: pytest.Parser) -> Iterator[None]:
    """Let conftest.py files define options of the same names, which then replace ours.

    pytest loads conftest.py files after all plugins and has no way to remove an option, so ours are
    hidden from the parser meanwhile.
    """
    group: Any = parser.getgroup("osfutures")
    known = getattr(getattr(parser, "optparser", None), "_option_string_actions", {})
    actions = {name: known.pop(name) for name in list(known) if known[name].dest in DESTS}
    yield
    theirs = _options_of_others(parser, group)
    group.options[:] = [option for option in group.options if not theirs & set(option.names())]
    for name, action in actions.items():
        if name in theirs:
            action.container._remove_action(action)
        else:
            known[name] = action


class RunSettings(NamedTuple):
    """The values of the options that factories and teardowns read."""

    image: str | None = None
    flavor: str | None = None
    network: str | None = None
    #: Deadline of each try in seconds.
    tout: float | None = None
    try_count: int = 3
    #: "never", "failed" or "always".
    keep: str = "never"
    #: True if deletions run in the background.
    background: bool = False
    #: Longest teardown in seconds.
    teardown_timeout: float = TEARDOWN_SECONDS

    @classmethod
    def of(cls, config: pytest.Config) -> RunSettings:
        """Return the settings of a run."""
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
