"""The arguments of `osf.scope`."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypedDict, get_args

from pytest_osfutures.cleanup import ledger_directory
from pytest_osfutures.errors import InvalidArgument
from pytest_osfutures.policy import Retry, Unknown, one_of, seconds
from pytest_osfutures.protocols import Reference
from pytest_osfutures.scopes.identifiers import to_id
from pytest_osfutures.scopes.settings import TEARDOWN_SECONDS, RunSettings

__tracebackhide__ = True  # pytest: an error belongs to the line of the test

Keep = Literal["never", "failed", "always"]
Reaper = Literal["auto", "off"]
#: Default of `expiry` in seconds.
DEFAULT_EXPIRY = 6 * 3600.0
#: Longest `expiry` in seconds: 100 years. The expiry of a stamp has at most 18 digits.
LONGEST_EXPIRY = 36500 * 86400.0


class ScopeArguments(TypedDict, total=False):
    """Keyword arguments of `osf.scope`; None is the default of each."""

    #: Image of new servers: name, id or object (default: the smallest bootable image).
    image: Reference | None
    #: Flavor of new servers: name, id or object (default: the smallest that fits the image).
    flavor: Reference | int | None
    #: Network of new servers: name, id, object, `auto` or `none` (default: the only one).
    network: Reference | None
    #: Deadline of each try in seconds (default: by the kind of operation).
    timeout: float | None
    #: Tries in all to create a resource (default: 3).
    try_count: int | None
    #: Greatest number of servers at a time; further servers wait (default: no limit).
    max_servers: int | None
    #: Resources to keep: `never` (the default), `failed` (after an error in the body) or `always`.
    keep: Keep | None
    #: Longest deletion at the end in seconds (default: 300).
    teardown_timeout: float | None
    #: Age in seconds at which any run may delete the resources (default: 6 hours).
    expiry: float | None
    #: Id of the run, 16 hexadecimal digits, for `osfutures reap --run` (default: a new id).
    run: str | None
    #: Directory of the ledgers (default: the user's state directory).
    ledger: str | Path | None
    #: Accepted requests of an unknown operation: `warn` (the default) or `error`.
    unknown: Unknown | None
    #: Process that cleans up after a killed script: `auto` (the default) or `off`.
    reaper: Reaper | None
    #: Name of the scope in the ledger and in messages (default: the name of the script).
    name: str | None


@dataclass(frozen=True)
class ScopeSettings:
    """The checked arguments of `osf.scope`."""

    run_settings: RunSettings
    max_servers: int | None
    expiry: float
    run: str | None
    ledger: Path
    unknown: Unknown
    reaper: Reaper
    name: str


def checked(arguments: Mapping[str, Any]) -> ScopeSettings:
    """Return the settings that the arguments give.

    Raises:
        InvalidArgument: an argument is unknown, or its value cannot be used.
    """
    known = ScopeArguments.__annotations__
    for name in arguments:
        if name not in known:
            raise InvalidArgument(f"osf.scope does not take {name}=; it takes {', '.join(known)}")
    given = {name: value for name, value in arguments.items() if value is not None}
    keep, unknown, reaper = (
        _word(given, "keep", get_args(Keep)),
        _word(given, "unknown", get_args(Unknown)),
        _word(given, "reaper", get_args(Reaper)),
    )
    timeout = given.get("timeout")
    return ScopeSettings(
        RunSettings(
            **{name: _name_or_id(given, name) for name in ("image", "flavor", "network")},
            tout=None if timeout is None else seconds("timeout", timeout, 0.0),
            try_count=_whole(given, "try_count") or Retry().tries,
            keep=keep,
            teardown_timeout=seconds(
                "teardown_timeout", given.get("teardown_timeout"), TEARDOWN_SECONDS
            ),
        ),
        _whole(given, "max_servers"),
        _expiry(given.get("expiry")),
        _run_id(given.get("run")),
        ledger_directory(_path(given.get("ledger"))),
        unknown,
        reaper,
        str(given.get("name") or Path(sys.argv[0]).name or "a scope"),
    )


def _word(given: Mapping[str, Any], name: str, words: tuple[str, ...]) -> Any:
    return one_of(name, given.get(name, words[0]), words)


def _name_or_id(given: Mapping[str, Any], name: str) -> Any:
    value = to_id(given.get(name), name)
    if value is None or (isinstance(value, str | int) and not isinstance(value, bool) and value):
        return None if value is None else str(value)
    raise InvalidArgument(f"{name}={value!r:.80} is no name, no id and no object with an id")


def _whole(given: Mapping[str, Any], name: str) -> int | None:
    value = given.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise InvalidArgument(f"{name}={value!r:.80} is not a whole number of 1 or more")
    return value


def _expiry(value: Any) -> float:
    expiry = seconds("expiry", value, DEFAULT_EXPIRY)
    if expiry > LONGEST_EXPIRY:
        raise InvalidArgument(
            f"expiry={value!r} is longer than {LONGEST_EXPIRY:.0f} seconds, which are 100 years"
        )
    return expiry


def _run_id(value: Any) -> str | None:
    if value is None or (isinstance(value, str) and re.fullmatch("[0-9a-f]{16}", value)):
        return value
    raise InvalidArgument(f"run={value!r:.80} is no run's id: 16 hexadecimal digits")


def _path(value: Any) -> str | Path | None:
    if value is None or (isinstance(value, str | Path) and str(value)):
        return value
    raise InvalidArgument(f"ledger={value!r:.80} is no directory: a str or a pathlib.Path")
