"""Clouds: the only module that wires session, clients and engine together."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, get_args

from pytest_osfutures import config as clouds_yaml
from pytest_osfutures.calls import CallLedger, ClientSettings
from pytest_osfutures.clients import service_adapter, with_twins
from pytest_osfutures.engine import Engine, default
from pytest_osfutures.errors import CloudUnreachableError, InvalidArgument, without_frames
from pytest_osfutures.policy import Poll, Retry, Unknown, one_of
from pytest_osfutures.redaction import hide_in_logs
from pytest_osfutures.stamp import new_id
from pytest_osfutures.transport import (
    ApiClient,
    ServiceConfig,
    remember_refusals,
    sent_requests,
    session_of,
)

if TYPE_CHECKING:
    from keystoneauth1.session import Session

    from pytest_osfutures.fakecloud import FakeCloud
    from pytest_osfutures.protocols import Api, Cinder, Nova, Sdk

#: Name of the embedded fake, unless a clouds.yaml has a cloud of that name.
FAKE = "fake"
#: Factor by which the embedded fake's time is faster than real time.
FAKE_SPEED = 20.0
#: Settings of reads and retries for that speed.
FAKE_POLL = Poll(max_rate=200.0, burst=50, fastest=0.02, slowest=0.25)
FAKE_RETRY = Retry(backoff=0.05, longest=1.0)


class Cloud:
    """One project of one cloud: the clients' own objects with twins, created on first use.

    `connect` makes it. The plugin sets `settings` before it uses a client: then plain `*_async`
    calls are stamped, too.

    Attributes:
        name: Name of the cloud in clouds.yaml; "session" or "fake" without one.
        session: The keystoneauth1 session.
        requests: Number of requests that all clients have sent.
        nova: A novaclient `Client` with twins.
        cinder: A cinderclient `Client` with twins.
        sdk: An openstacksdk `Connection` with twins.
        settings: Settings of the twins of all clients, until a client is used.
        fake: The embedded fake OpenStack, if the cloud is one.

    Example:
        >>> import pytest_osfutures as osf
        >>> cloud = osf.connect("fake")
        >>> cloud.cinder.volumes.create_async(1, name="disk").result().status
        'available'
    """

    def __init__(
        self,
        name: str,
        session: Session,
        *,
        engine: Engine | None = None,
        config: Any = None,
        fake: FakeCloud | None = None,
    ) -> None:
        self.name = name
        self.session = session
        self.settings = ClientSettings(
            engine=engine or default(),
            poll=_poll(config) if fake is None else FAKE_POLL,
            retry=Retry() if fake is None else FAKE_RETRY,
            run=new_id(),
        )
        self.fake = fake
        self._config = config
        self._apis: dict[str, Api] = {}

    def __repr__(self) -> str:
        return f"<Cloud {self.name!r}>"

    @property
    def auth_url(self) -> str:
        """URL of the cloud's Keystone; empty if the session does not know it."""
        return getattr(self.session.auth, "auth_url", None) or ""

    @property
    def engine(self) -> Engine:
        """The engine that watches the operations."""
        return self.settings.engine

    @property
    def poll(self) -> Poll:
        """How often the engine reads."""
        return self.settings.poll

    @property
    def retry(self) -> Retry:
        """Default policy of `*_async_r` calls."""
        return self.settings.retry

    @property
    def run(self) -> str:
        """Id of the run in the stamps."""
        return self.settings.run

    @property
    def ledger(self) -> CallLedger | None:
        """Ledger of the run, if there is one."""
        return self.settings.ledger

    @property
    def requests(self) -> int:
        """Number of requests that all clients of this cloud have sent, those for tokens too."""
        return sent_requests(self.session)

    @cached_property
    def nova(self) -> Nova:
        """A novaclient `Client` with twins, at the newest microversion that both sides know."""
        import novaclient
        from novaclient import client

        newest = novaclient.API_MAX_VERSION.get_string()
        version, endpoint = self._endpoint("compute", "2.1", newest)
        plain = client.Client(
            version,
            session=self.session,
            endpoint_override=endpoint,
            **self._settings("compute"),
        )
        nova: Nova = self._with_twins(plain)
        return nova

    @cached_property
    def cinder(self) -> Cinder:
        """A cinderclient `Client` with twins, at the newest microversion that both sides know."""
        from cinderclient import api_versions, client

        version, endpoint = self._endpoint("block-storage", "3.0", api_versions.MAX_VERSION)
        plain = client.Client(
            version,
            session=self.session,
            endpoint_override=endpoint,
            **{"service_type": "block-storage", **self._settings("block-storage")},
        )
        cinder: Cinder = self._with_twins(plain)
        return cinder

    @cached_property
    def sdk(self) -> Sdk:
        """An openstacksdk `Connection` with twins."""
        from openstack.connection import Connection

        own = {"session": self.session} if self._config is None else {"config": self._config}
        sdk: Sdk = self._with_twins(Connection(**own))
        return sdk

    def api(self, service: str) -> Api:
        """Return a keystoneauth1 `Adapter` of one service, with twins.

        Args:
            service: Service type, such as "network". Paths are below the version of the API, as
                "/zones" of "dns"; a path that begins with a version may still be used.

        Raises:
            CloudUnreachableError: The cloud has no such service, or the service does not answer.

        Example:
            >>> import pytest_osfutures as osf
            >>> network = osf.connect("fake").api("network")
            >>> network.post_async("/networks", json={"network": {"name": "n"}}).result().status
            'ACTIVE'
        """
        if service not in self._apis:
            from keystoneauth1.exceptions import ClientException, EndpointNotFound

            try:
                base = self.api_client.base(service)
            except EndpointNotFound:
                raise CloudUnreachableError(self._missing(service)) from None
            except ClientException as error:
                what = f"cloud {self.name!r}: {clouds_yaml.one_line(error)}"
                raise CloudUnreachableError(what) from None
            settings = {"service_type": service, **self._settings(service, "interface")}
            if self._services is not None:
                settings["default_microversion"] = self._services.microversion(service)
            plain = service_adapter(self.session, base, settings)
            self._apis[service] = self._with_twins(plain)
        return self._apis[service]

    def _missing(self, service: str, where: str = "") -> str:
        """Return a sentence about a service that the catalog does not have."""
        there = sorted({name for _, name in self.api_client.catalog()[0]})
        has = f"; it has {', '.join(there)}" if there else ""
        return f"the catalog of cloud {self.name!r} has no {service} service{where}{has}"

    def configuration(self) -> dict[str, Any] | None:
        """Return the settings for `reconnect` in another process, credentials included.

        The values are serializable as JSON. None for an embedded fake, and for a cloud that was
        made from a session.
        """
        if self._config is None:
            return None
        plain = (str, int, float, bool, list, dict, type(None))
        return {
            key: value for key, value in self._config.config.items() if isinstance(value, plain)
        }

    @cached_property
    def api_client(self) -> ApiClient:
        """The client that all others share for requests of their own."""
        return ApiClient(self.session, poll=self.poll, config=self._services)

    def _with_twins(self, client: Any) -> Any:
        return with_twins(client, replace(self.settings, api_client=self.api_client))

    @cached_property
    def _services(self) -> ServiceConfig | None:
        return None if self._config is None else ServiceConfig(self._config)

    def _settings(self, service: str, interface: str = "endpoint_type") -> dict[str, Any]:
        """Return the settings of a service in clouds.yaml, as arguments of a client."""
        if self._services is None:
            return {}
        found = {**self._endpoint_filter(service), **self._services.retries(service)}
        return {interface if name == "interface" else name: value for name, value in found.items()}

    def _endpoint_filter(self, service: str) -> dict[str, Any]:
        return {} if self._services is None else self._services.endpoint_filter(service)

    def _endpoint(self, service: str, lowest: str, highest: str) -> tuple[str, str | None]:
        """Return the microversion for a client, and the endpoint if the client needs it.

        The microversion is that of clouds.yaml, otherwise the newest that client and cloud know.
        novaclient and cinderclient need the endpoint if the catalog's URL has no version.
        """
        from keystoneauth1.exceptions import EndpointNotFound

        endpoint_filter = {"service_type": service, **self._endpoint_filter(service)}
        given = self._services and self._services.endpoint(service, self.api_client.catalog()[1])
        if given:
            endpoint_filter["endpoint_override"] = given
        try:
            data = self.session.get_endpoint_data(
                min_version=lowest, max_version=f"{lowest[0]}.latest", **endpoint_filter
            )
        except (
            EndpointNotFound,
            ValueError,
        ):  # ValueError: a service with several names is missing
            data = None
        if data is None:
            more = {
                name: value
                for name, value in endpoint_filter.items()
                if value and name != "service_type"
            }
            where = "".join(f", {name} {value}" for name, value in more.items())
            raise CloudUnreachableError(self._missing(service, where))
        endpoint = None if re.search(r"/v\d", data.catalog_url or "/v0") else data.url
        chosen = self._services and self._services.microversion(service)
        if given:
            endpoint = self.api_client.base(service)
        if chosen:
            return str(chosen), endpoint
        known = data.max_microversion
        if known is None:
            return lowest, endpoint
        newest = min(tuple(known), tuple(int(part) for part in highest.split(".")))
        return ".".join(str(part) for part in newest), endpoint


def connect(
    name: str | None = None,
    *,
    session: Session | None = None,
    engine: Engine | None = None,
    poll: Poll | None = None,
    unknown: Unknown = "warn",
) -> Cloud:
    """Connect to a cloud of your clouds.yaml, to "fake", or through a keystoneauth1 session.

    The credentials are checked at once.

    Args:
        name: Name of the cloud in clouds.yaml (default: OS_CLOUD, then the OS_* variables). "fake"
            is the embedded fake OpenStack, unless your clouds.yaml has a cloud of that name.
        session: A keystoneauth1 `Session` with an auth plugin, instead of a name.
        engine: The engine that watches the operations (default: the one of this process).
        poll: How often the engine reads.
        unknown: Treatment of operations that cannot be followed: "warn" for an
            `osf.UnknownOperation` warning, "error" for an error of the future.

    Returns:
        The cloud, whose clients `nova`, `cinder` and `sdk` are created on first use.

    Raises:
        InvalidArgument: The name is unknown (the message lists the known names), or a clouds.yaml
            cannot be read.
        CloudUnreachableError: Keystone does not answer, or refuses the credentials.

    Example:
        >>> import pytest_osfutures as osf
        >>> osf.connect("fake")
        <Cloud 'fake'>
    """
    one_of("unknown", unknown, get_args(Unknown))  # before anything is read or sent
    if session is not None:
        if name is not None:
            raise InvalidArgument(
                f"connect({name!r}, session=...): give a name or a session, not both"
            )
        if not hasattr(session, "get_endpoint_data"):
            raise InvalidArgument(f"session={session!r} is not a keystoneauth1 Session")
        cloud = Cloud("session", session, engine=engine)
    else:
        cloud = _configured(name, engine)
    cloud.settings = replace(cloud.settings, poll=poll or cloud.poll, unknown=unknown)
    _authenticate(cloud)
    return cloud


def reconnect(name: str, configuration: dict[str, Any]) -> Cloud:
    """Return a cloud from the `Cloud.configuration` of another process, without a request.

    A refusal of the credentials is remembered for some seconds, so that many threads cause only one
    failed login.

    Args:
        name: Name of the cloud.
        configuration: The settings, credentials included.
    """
    region = clouds_yaml.rebuilt(configuration)
    session = session_of(region)
    remember_refusals(session.auth)
    return Cloud(name, session, config=region)


def _configured(name: str | None, engine: Engine | None) -> Cloud:
    config = clouds_yaml.read()
    found = clouds_yaml.names(config)
    name = name or clouds_yaml.default_name(config)
    if name == FAKE and FAKE not in found:
        return embedded(engine)
    if name is None or name not in found:
        raise clouds_yaml.unknown(name, config, FAKE)
    region = clouds_yaml.region(config, name)
    return Cloud(name, session_of(region), engine=engine, config=region)


def _poll(region: Any) -> Poll:
    """Return the settings of the engine's reads, with the `api_timeout` of clouds.yaml."""
    given = None if region is None else region.config.get("api_timeout")
    try:
        return Poll() if given is None else Poll(read_timeout=float(given))
    except ValueError as error:
        raise InvalidArgument(
            f"clouds.yaml: api_timeout {given!r} cannot be used: {error}"
        ) from None


def embedded(engine: Engine | None = None) -> Cloud:
    """Return a new embedded fake OpenStack in this process, with the rights of a member."""
    from pytest_osfutures.clock import ScaledClock
    from pytest_osfutures.fakecloud import FakeCloud
    from pytest_osfutures.fakecloud.shells.inprocess import session

    fake = FakeCloud(ScaledClock(FAKE_SPEED))
    fake_session = session(fake)
    hide_in_logs(fake_session)
    return Cloud(FAKE, fake_session, engine=engine, fake=fake)


def _authenticate(cloud: Cloud) -> None:
    """Get a token, and learn the cloud's time from it. Raises CloudUnreachableError."""
    from keystoneauth1 import exceptions

    where = cloud.auth_url or "its endpoint"
    fresh = getattr(cloud.session.auth, "auth_ref", True) is None
    try:
        cloud.session.get_token()
    except (exceptions.ClientException, OSError) as error:
        refused = isinstance(error, exceptions.Unauthorized)
        what = "refuses the credentials" if refused else "does not answer"
        words = clouds_yaml.one_line(error)
        text = f"cloud {cloud.name!r} at {where} {what}: {words}"
        raise CloudUnreachableError(text) from without_frames(error)
    if fresh and cloud.fake is None:  # the Date header of a later response is more precise
        auth: Any = cloud.session.auth
        issued = auth.get_access(cloud.session).issued
        if issued is not None:
            cloud.api_client.cloud_time.learn(issued)
