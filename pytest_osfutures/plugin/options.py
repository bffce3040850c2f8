"""The options of the plugin.

Each has a twin in the ini file. The command line comes before the environment, and the environment
before the ini file.
"""

from __future__ import annotations

import argparse
import copy
import os
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from pytest_osfutures.plugin.option_values import (
    count,
    directory,
    duration,
    lookahead,
    one_of,
    report_file,
    run_id,
    seconds,
    try_count,
)
from pytest_osfutures.scopes import TEARDOWN_SECONDS, RunSettings


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
    #: True if the option may be given several times, and the ini option has a value on each line.
    many: bool = False

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

        An option that may be given several times has a list of values.

        Raises:
            pytest.UsageError: the value cannot be used.
        """
        given = self.given(config)
        if given is not None:
            return given
        text, where = os.environ.get(self.env) if self.env else None, str(self.env)
        if not text and _ini_options(config.stash[PARSER]).get(self.ini) == self.text:
            text, where = config.getini(self.ini), f"ini option {self.ini}"
        if not text:
            return None
        try:
            return [self.type(each) for each in text] if self.many else self.type(str(text))
        except argparse.ArgumentTypeError as error:
            raise pytest.UsageError(f"{where}: {error}") from None


#: pytest's parser, which tells whether an option is ours.
PARSER = pytest.StashKey[pytest.Parser]()

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
    "timeout", "SECONDS", "Deadline of each try (default: by the kind of operation)", seconds
)
TEARDOWN_TIMEOUT = Option(
    "teardown-timeout",
    "SECONDS",
    "Longest teardown of a test, class, module or session (default: 300)",
    seconds,
)
TRY_COUNT = Option("try-count", "N", "Tries in all to create a resource (default: 3)", try_count)
MAX_SERVERS = Option(
    "max-servers",
    "N",
    "Servers at a time, over all workers; further servers wait (default: no limit)",
    count,
)
KEEP = Option(
    "keep",
    "WHEN",
    "Resources to keep: never (none, the default), failed (of failed tests) or always (all)",
    one_of("never", "failed", "always"),
)
TEARDOWN = Option(
    "teardown",
    "HOW",
    "Deletion after a test: wait (the default), or background (during the next test)",
    one_of("wait", "background"),
)
EXPIRY = Option(
    "expiry",
    "TIME",
    "Age at which any run may delete resources that this run has left (default: 6h)",
    duration,
)
RUN = Option(
    "run",
    "ID",
    "Id of the run, 16 hexadecimal digits, for `osfutures reap --run` (default: a new id)",
    run_id,
    env="OSFUTURES_RUN",
)
LEDGER = Option("ledger", "DIR", "Directory of the ledgers (default: the user's state directory)")
REAPER = Option(
    "reaper",
    "WHEN",
    "Process that cleans up after a killed run: auto (the default) or off",
    one_of("auto", "off"),
)
UNKNOWN = Option(
    "unknown",
    "HOW",
    "Accepted request of an unknown operation: warn (the default) or error",
    one_of("warn", "error"),
)
RETRIES = Option(
    "retries",
    "HOW",
    "Test that passes only as something was tried again: warn (the default), silent or fail",
    one_of("warn", "silent", "fail"),
)
UNWATCHED = Option(
    "unwatched",
    "HOW",
    "Failed future whose result nothing has asked for: warn (the default), silent or fail",
    one_of("warn", "silent", "fail"),
)
LOOKAHEAD = Option(
    "lookahead",
    "HOW",
    "Coming tests whose declared resources are created: auto (as many as fit), off, or a number",
    lookahead,
)
ARTIFACTS = Option(
    "artifacts",
    "WHEN",
    "Evidence about resources to gather: retain-on-failure (of failed tests, the default), on, off",
    one_of("retain-on-failure", "on", "off"),
)
#: Default of --os-artifacts-dir.
ARTIFACTS_FOLDER = "test-results/osfutures"
ARTIFACTS_DIR = Option(
    "artifacts-dir",
    "DIR",
    f"Directory of the evidence, a folder for each test (default: {ARTIFACTS_FOLDER})",
    directory,
)
REPORT = Option(
    "report",
    "FILE",
    "File with a report of all operations, .html or .json; may be given several times",
    report_file,
    many=True,
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
    LOOKAHEAD,
    REPORT,
    ARTIFACTS,
    ARTIFACTS_DIR,
    RETRIES,
    UNWATCHED,
)


def _options_of_others(parser: pytest.Parser) -> set[str]:
    """Return the options of all groups but ours."""
    groups = (each for each in (*parser._groups, parser._anonymous) if each.name != "osfutures")
    return {name for each in groups for option in each.options for name in option.names()}


def _ini_options(parser: pytest.Parser) -> dict[str, str]:
    """Return the help texts of all ini options; the text tells whether the option is ours."""
    return {name: definition[0] for name, definition in parser._inidict.items()}


def add_options(config: pytest.Config, parser: pytest.Parser) -> None:
    """Add all options to pytest, except those whose names another plugin has taken.

    Plugins and conftest.py files that add an option of the same name later would fail, and pytest
    has no way to remove an option. Therefore this function has to be called after all of them.
    """
    group = parser.getgroup("osfutures", "OpenStack resources")
    theirs = _options_of_others(parser)
    for option in ALL:
        if option.string not in theirs:
            group.addoption(
                option.string,
                dest=option.dest,
                metavar=option.metavar,
                type=option.type,
                default=None,
                help=option.text,
                action="append" if option.many else "store",
            )
        if option.ini not in _ini_options(parser):
            kind: Any = "linelist" if option.many else "string"
            parser.addini(option.ini, option.text, kind, [] if option.many else "")
    config.stash[PARSER] = parser


def hide_values(config: pytest.Config, parser: pytest.Parser, args: list[str]) -> None:
    """Keep the values of options that are added later out of the paths on the command line.

    pytest looks there for conftest.py files: `demo` of `--os-cloud demo` is no directory.
    """
    ours = argparse.ArgumentParser(add_help=False, allow_abbrev=False, fromfile_prefix_chars="@")
    theirs = _options_of_others(parser)
    for option in ALL:
        if option.string not in theirs:
            ours.add_argument(option.string, nargs="?")
    namespace = parser.parse_known_args(ours.parse_known_args(args)[1], copy.copy(config.option))
    config.known_args_namespace.file_or_dir = namespace.file_or_dir


def free_names(config: pytest.Config) -> None:
    """Let conftest.py files that pytest finds at collection add options of the same names.

    The command line has been parsed. pytest 8 checks no names then; the parser of pytest 9 does.
    """
    optparser = getattr(config.stash[PARSER], "optparser", None)
    actions = getattr(optparser, "_option_string_actions", {})
    for option in ALL:
        if option.string in actions and actions[option.string].dest == option.dest:
            del actions[option.string]


#: Arguments of the mark for every factory, and their names there.
FOR_ALL = {"timeout": "tout", "try_count": "try_count"}
#: Arguments of the mark for servers.
FOR_SERVERS = ("image", "flavor", "network")
MARK = (
    f"os({', '.join(f'{each}=...' for each in (*FOR_SERVERS, *FOR_ALL))}): "
    "default arguments of the resources of a test"
)


def run_settings(config: pytest.Config) -> RunSettings:
    """Return the settings of factories and teardowns."""
    try_count = TRY_COUNT.value(config)
    return RunSettings(
        IMAGE.value(config),
        FLAVOR.value(config),
        NETWORK.value(config),
        TIMEOUT.value(config),
        3 if try_count is None else try_count,
        KEEP.value(config) or "never",
        TEARDOWN_TIMEOUT.value(config) or TEARDOWN_SECONDS,
    )
