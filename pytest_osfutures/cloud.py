"""A cloud to work with: the only place that wires session, clients and engine together."""

from __future__ import annotations

import os
import warnings
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_osfutures.clients import futurize
from pytest_osfutures.engine import Engine, default
from pytest_osfutures.errors import BadInput, CloudUnreachable
from pytest_osfutures.policy import Poll, Retry
from pytest_osfutures.source import Source
from pytest_osfutures.stamp import new_id
from pytest_osfutures.submission import Ledger

if TYPE_CHECKING:
    from pytest_osfutures.fakecloud import FakeCloud

#: The name that stands for the embedded fake, unless a clouds.yaml has a cloud of that name.
FAKE = "fake"
#: The embedded fake's time runs so many times as fast, and is looked at accordingly.
FAKE_SPEED = 20.0
FAKE_POLL = Poll(max_rate=200.0, burst=50, fastest=0.02, slowest=0.25)
FAKE_RETRY = Retry(backoff=0.05, longest=1.0)


class Cloud:
    """One project of one cloud: real client objects with twins, created on first use.

    `fake` is the embedded fake OpenStack behind it, if it is one. Whoever takes care that nothing
    is left behind sets `run`, `expiry` and `ledger` before the first client is used: then plain
    `*_async` calls are stamped too.
    """

    def __init__(
        self,
        name: str,
        session: Any,
        *,
        engine: Engine | None = None,
        poll: Poll | None = None,
        config: Any = None,
        fake: FakeCloud | None = None,
    ) -> None:
        self.name = name
        self.session = session
        self.engine = engine or default()
        self.poll = poll or (Poll() if fake is None else FAKE_POLL)
        self.retry = Retry() if fake is None else FAKE_RETRY
        self.run = new_id()
        self.expiry: float | None = None
        self.ledger: Ledger | None = None
        self.fake = fake
        self._config = config

    def __repr__(self) -> str:
        return f"<Cloud {self.name!r}>"

    @cached_property
    def nova(self) -> Any:
        """A novaclient Client at the newest microversion that it and the cloud know."""
        import novaclient
        from novaclient import client

        version = self._microversion("compute", "2.1", novaclient.API_MAX_VERSION.get_string())
        return self._with_twins(
            client.Client(version, session=self.session, **self._way("compute", "endpoint_type"))
        )

    @cached_property
    def cinder(self) -> Any:
        """A cinderclient Client at the newest microversion that it and the cloud know."""
        from cinderclient import api_versions, client

        version = self._microversion("block-storage", "3.0", api_versions.MAX_VERSION)
        return self._with_twins(
            client.Client(
                version,
                session=self.session,
                service_type="block-storage",
                **self._way("block-storage", "endpoint_type"),
            )
        )

    @cached_property
    def sdk(self) -> Any:
        """An openstacksdk Connection."""
        from openstack.connection import Connection

        if self._config is not None:
            return self._with_twins(Connection(config=self._config))
        return self._with_twins(Connection(session=self.session))

    def configuration(self) -> dict[str, Any] | None:
        """What another process needs to `reconnect`, credentials and all: JSON-able values.

        None if that cannot be known: for an embedded fake, and for a session that was given.
        """
        if self._config is None:
            return None
        plain = (str, int, float, bool, list, dict, type(None))
        known = self._config.config.items()
        return {key: value for key, value in known if isinstance(value, plain)}

    @cached_property
    def source(self) -> Source:
        """The plain way to this project's APIs, which all clients share."""
        way = self._way("compute", "interface")
        return Source(self.session, None, way.get("interface"), way.get("region_name"), self.poll)

    def _with_twins(self, client: Any) -> Any:
        return futurize(
            client,
            engine=self.engine,
            poll=self.poll,
            retry=self.retry,
            run=self.run,
            stamp=self.ledger is not None,
            expiry=self.expiry,
            ledger=self.ledger,
        )

    def _way(self, service: str, interface: str) -> dict[str, Any]:
        if self._config is None:
            return {}
        return {
            interface: self._config.get_interface(service) or "public",
            "region_name": self._config.get_region_name(service),
        }

    def _microversion(self, service: str, lowest: str, highest: str) -> str:
        """The clouds.yaml's own default, else the newest that both sides know."""
        if self._config is not None:
            chosen = self._config.get_default_microversion(service)
            if chosen:
                return str(chosen)
        way = self._way(service, "interface")
        data = self.session.get_endpoint_data(
            service_type=service, min_version=lowest, max_version=f"{lowest[0]}.latest", **way
        )
        if data is None:
            raise CloudUnreachable(f"the catalog of cloud {self.name!r} has no {service} service")
        known = data.max_microversion
        if known is None:
            return lowest
        newest = min(tuple(known), tuple(int(part) for part in highest.split(".")))
        return ".".join(str(part) for part in newest)


def connect(
    name: str | None = None,
    *,
    session: Any = None,
    engine: Engine | None = None,
    poll: Poll | None = None,
) -> Cloud:
    """Connect to a cloud of your clouds.yaml, to "fake", or through a keystoneauth1 session.

    Without a name OS_CLOUD counts, then the OS_* variables. "fake" is the embedded fake OpenStack
    unless your clouds.yaml has a cloud of that name. The credentials are tried at once.

    Raises BadInput for a name that is not known (it lists those that are) or a clouds.yaml that
    cannot be read, CloudUnreachable if nobody answers or the credentials are refused.
    """
    if session is not None:
        if name is not None:
            raise BadInput(f"connect({name!r}, session=...): give a name or a session, not both")
        if not hasattr(session, "get_endpoint_data"):
            raise BadInput(f"session={session!r} is not a keystoneauth1 Session")
        cloud = Cloud("session", session, engine=engine, poll=poll)
    else:
        cloud = _configured(name, engine, poll)
    _authenticate(cloud)
    return cloud


def reconnect(name: str, configuration: dict[str, Any]) -> Cloud:
    """The cloud of that name, from another process's `Cloud.configuration`; nothing is asked."""
    from openstack.config import OpenStackConfig

    with warnings.catch_warnings():  # the sdk warns about its own defaults
        warnings.simplefilter("ignore")
        loader = OpenStackConfig(load_yaml_config=False, load_envvars=False)
        region = loader.get_one(**configuration)
        return Cloud(name, region.get_session(), config=region)


def _configured(name: str | None, engine: Engine | None, poll: Poll | None) -> Cloud:
    from openstack import exceptions
    from openstack.config import OpenStackConfig

    try:
        config = OpenStackConfig()
        found = sorted(set(config.get_cloud_names()) - {"defaults"})
    except Exception as error:  # yaml's, the file system's and the sdk's own: all mean the same
        raise BadInput(f"clouds.yaml cannot be read: {_one_line(error)}") from error
    chosen = config.default_cloud if config.default_cloud != "defaults" else None
    name = name or chosen or ("envvars" if "envvars" in found else None)
    if name == FAKE and FAKE not in found:
        return embedded(engine, poll)
    if name is None or name not in found:
        raise BadInput(_unknown(name, found, config))
    try:
        with warnings.catch_warnings():  # the sdk warns about its own defaults
            warnings.simplefilter("ignore")
            region = config.get_one(cloud=name)
            session = region.get_session()
    except exceptions.ConfigException as error:
        raise BadInput(f"cloud {name!r} is not usable as it is configured: {error}") from error
    except Exception as error:  # a plugin's complaint about what is missing
        raise BadInput(f"cloud {name!r} cannot be used: {_one_line(error)}") from error
    return Cloud(name, session, engine=engine, poll=poll, config=region)


def embedded(engine: Engine | None = None, poll: Poll | None = None) -> Cloud:
    """A new embedded fake OpenStack, in this process, as a plain member sees it."""
    from pytest_osfutures.clock import ScaledClock
    from pytest_osfutures.fakecloud import FakeCloud
    from pytest_osfutures.fakecloud.inprocess import session

    fake = FakeCloud(ScaledClock(FAKE_SPEED))
    return Cloud(FAKE, session(fake), engine=engine, poll=poll, fake=fake)


def _unknown(name: str | None, found: list[str], config: Any) -> str:
    from openstack.config.loader import CONFIG_SEARCH_PATH

    which = f"unknown cloud {name!r}" if name is not None else "no cloud was chosen"
    if found:
        where = f" in {config.config_filename}" if config.config_filename else ""
        return f"{which}; found{where}: {', '.join(found)} (and {FAKE!r}, the embedded fake)"
    given = os.environ.get("OS_CLIENT_CONFIG_FILE")
    places = ([given] if given else []) + [f"{place}/clouds.yaml" for place in CONFIG_SEARCH_PATH]
    for place in places:
        if broken := _broken(place):
            return f"{which}: {place} cannot be read: {broken}"
    looked = ", ".join(dict.fromkeys(places))
    return (
        f"{which}: no clouds.yaml was found (looked for {looked}); write one, let "
        f"OS_CLIENT_CONFIG_FILE name one, or use {FAKE!r}, the embedded fake"
    )


def _broken(path: str) -> str | None:
    """What is wrong with a file that the sdk passes over without a word."""
    import yaml

    try:
        yaml.safe_load(Path(path).read_text())
    except FileNotFoundError:
        return None
    except (OSError, ValueError, yaml.YAMLError) as error:
        return _one_line(error)
    return None


def _authenticate(cloud: Cloud) -> None:
    from keystoneauth1 import exceptions

    where = getattr(cloud.session.auth, "auth_url", None) or "its endpoint"
    try:
        cloud.session.get_token()
    except exceptions.Unauthorized as error:
        raise CloudUnreachable(
            f"cloud {cloud.name!r} at {where} refuses the credentials: {_one_line(error)}"
        ) from error
    except (exceptions.ClientException, OSError) as error:
        raise CloudUnreachable(
            f"cloud {cloud.name!r} does not answer at {where}: {_one_line(error)}"
        ) from error


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
