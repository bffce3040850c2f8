"""The user's clouds.yaml: read by openstacksdk, explained where openstacksdk keeps silent."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytest_osfutures.errors import InvalidArgument, without_frames

#: What the names of openstacksdk's files may end with, the first one first.
_ENDS = ("yaml", "yml", "json")


def read() -> Any:
    """The `OpenStackConfig` of files and environment.

    Raises InvalidArgument if a file is unreadable.
    """
    from openstack.config import OpenStackConfig

    for name in ("clouds", "secure"):
        # The sdk reads the first that is there; from one that is broken it goes on to the next
        # without a word, and the user's clouds or passwords are not found.
        place = next((each for each in _places(name) if Path(each).exists()), None)
        if place is not None and (broken := _broken(place)):
            raise InvalidArgument(f"{place} cannot be read: {broken}")
    try:
        return OpenStackConfig()
    except Exception as error:  # the sdk's own complaints: no mapping, no such default cloud
        raise InvalidArgument(f"clouds.yaml cannot be used: {one_line(error)}") from error


def names(config: Any) -> list[str]:
    """The clouds that were found; `envvars` stands for the OS_* variables."""
    return sorted(set(config.get_cloud_names()) - {"defaults"})


def default_name(config: Any) -> str | None:
    """The cloud that is meant if none is named: OS_CLOUD, then the OS_* variables."""
    if config.default_cloud and config.default_cloud != "defaults":
        return str(config.default_cloud)
    return "envvars" if "envvars" in names(config) else None


def region(config: Any, name: str) -> Any:
    """The `CloudRegion` of one cloud. Raises InvalidArgument if it lacks something."""
    try:
        with warnings.catch_warnings():  # the sdk warns about its own defaults
            warnings.simplefilter("ignore")
            found = config.get_one(cloud=name)
            found.config.update(absolute(found.config))
            found.get_session()
    except Exception as error:  # the sdk's, or an auth plugin's complaint about what is missing
        text = f"cloud {name!r} cannot be used: {one_line(error)}"
        raise InvalidArgument(text) from without_frames(error)
    return found


def absolute(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """A cloud's configuration with absolute paths, whatever directory is the current one later.

    The sdk reads certificates relative to the current directory, and anew for each connection.
    """
    return {
        key: absolute(value) if isinstance(value, Mapping) else _absolute(key, value)
        for key, value in configuration.items()
    }


def _absolute(key: str, value: Any) -> Any:
    if not isinstance(value, str) or not value:
        return value
    path = Path(value).expanduser().absolute()
    if key in ("cacert", "cert", "key"):
        return str(path)
    named = key == "verify" or key.endswith(("file", "path", "cert", "cacert"))
    return str(path) if named and path.exists() else value


def rebuilt(configuration: dict[str, Any]) -> Any:
    """The `CloudRegion` that another process has described; no file and no variable counts."""
    from openstack.config import OpenStackConfig

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        loader = OpenStackConfig(load_yaml_config=False, load_envvars=False)
        return loader.get_one(**configuration)


def unknown(name: str | None, config: Any, also: str) -> InvalidArgument:
    """The error for a name that is not there; `also` is a name that always works."""
    which = f"unknown cloud {name!r}" if name is not None else "no cloud was chosen"
    if found := names(config):
        where = f" in {config.config_filename}" if config.config_filename else ""
        known = ", ".join(found)
        more = "" if also in found else f" (and {also!r}, the embedded fake)"
        return InvalidArgument(f"{which}; found{where}: {known}{more}")
    looked = ", ".join(dict.fromkeys(each for each in _places() if each.endswith(_ENDS[0])))
    return InvalidArgument(
        f"{which}: no clouds.yaml was found (looked for {looked}); write one, let "
        f"OS_CLIENT_CONFIG_FILE name one, or use {also!r}, the embedded fake"
    )


def one_line(error: BaseException) -> str:
    """The error's text without line breaks."""
    return " ".join(str(error).split()) or type(error).__name__


def _places(name: str = "clouds") -> list[str]:
    from openstack.config.loader import CONFIG_SEARCH_PATH

    given = os.environ.get(f"OS_CLIENT_{'CONFIG' if name == 'clouds' else 'SECURE'}_FILE")
    found = [f"{place}/{name}.{end}" for place in CONFIG_SEARCH_PATH for end in _ENDS]
    return ([given] if given else []) + found


def _broken(path: str) -> str | None:
    import yaml

    try:
        yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, yaml.YAMLError) as error:
        return one_line(error)
    return None
