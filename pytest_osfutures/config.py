"""The user's clouds.yaml, as openstacksdk reads it, with an error where openstacksdk has none."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytest_osfutures.errors import InvalidArgument, without_frames

#: Suffixes of openstacksdk's files, in their order of precedence.
_ENDS = ("yaml", "yml", "json")


def read() -> Any:
    """Return openstacksdk's `OpenStackConfig` of the files and the environment.

    Raises InvalidArgument if a file cannot be read.
    """
    from openstack.config import OpenStackConfig

    for name in ("clouds", "secure"):
        # openstacksdk reads the first existing file. It skips a broken file without a message, so
        # that the user's clouds or passwords would be missing.
        place = next((each for each in _places(name) if Path(each).exists()), None)
        if place is not None and (broken := _broken(place)):
            raise InvalidArgument(f"{place} cannot be read: {broken}")
    try:
        return OpenStackConfig()
    except Exception as error:  # openstacksdk's errors: no mapping, no such default cloud
        raise InvalidArgument(f"clouds.yaml cannot be used: {one_line(error)}") from error


def names(config: Any) -> list[str]:
    """Return the names of all clouds; `envvars` stands for the OS_* variables."""
    return sorted(set(config.get_cloud_names()) - {"defaults"})


def default_name(config: Any) -> str | None:
    """Return the default cloud: that of OS_CLOUD, then that of the OS_* variables, else None."""
    if config.default_cloud and config.default_cloud != "defaults":
        return str(config.default_cloud)
    return "envvars" if "envvars" in names(config) else None


def region(config: Any, name: str) -> Any:
    """Return the `CloudRegion` of a cloud. Raises InvalidArgument if a setting is missing."""
    try:
        with warnings.catch_warnings():  # openstacksdk warns about its own defaults
            warnings.simplefilter("ignore")
            found = config.get_one(cloud=name)
            found.config.update(absolute(found.config))
            found.get_session()
    except Exception as error:  # openstacksdk's, or an auth plugin's error about missing settings
        text = f"cloud {name!r} cannot be used: {one_line(error)}"
        raise InvalidArgument(text) from without_frames(error)
    return found


def absolute(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """Return a cloud's configuration with absolute paths.

    requests reads certificates for each new connection, when the current directory may have
    changed.
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
    """Return the `CloudRegion` of a configuration, without any file or environment variable."""
    from openstack.config import OpenStackConfig

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        loader = OpenStackConfig(load_yaml_config=False, load_envvars=False)
        return loader.get_one(**configuration)


def unknown(name: str | None, config: Any, also: str) -> InvalidArgument:
    """Return the error about an unknown name; `also` is a name that always works."""
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
    """Return an error's text without line breaks."""
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
