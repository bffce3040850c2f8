"""The fixtures: a cloud, and factories of servers and volumes in each scope."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from pytest_osfutures.errors import BadInput, CloudUnreachable
from pytest_osfutures.plugin import options

if TYPE_CHECKING:
    from pytest_osfutures.cloud import Cloud
    from pytest_osfutures.plugin.factories import Servers, Volumes

CONNECTED: pytest.StashKey[Cloud] = pytest.StashKey()
KINDS = ("os_cloud", "os_servers", "os_volumes")


def wants_cloud(item: pytest.Item) -> bool:
    """Whether a test uses a fixture of this plugin."""
    return any(name.startswith(KINDS) for name in getattr(item, "fixturenames", ()))


def connection(config: pytest.Config) -> Cloud:
    """This run's cloud; it is connected to once. Raises pytest.UsageError if that cannot be."""
    known = config.stash.get(CONNECTED, None)
    if known is None:
        from pytest_osfutures.cloud import connect
        from pytest_osfutures.plugin.choice import Choice

        try:
            known = connect(options.CLOUD.value(config))
            Choice(known, options.Settings.of(config)).check()
        except (BadInput, CloudUnreachable) as error:
            raise pytest.UsageError(f"--os-cloud: {error}") from None
        config.stash[CONNECTED] = known
    return known


@pytest.fixture(scope="session")
def os_cloud(pytestconfig: pytest.Config) -> Cloud:
    """The cloud under test: `nova`, `cinder` and `sdk` are real clients with twins."""
    try:
        return connection(pytestconfig)
    except pytest.UsageError as error:  # in a worker of xdist: one sentence, no traceback
        pytest.fail(str(error), pytrace=False)


def _servers(os_cloud: Cloud, pytestconfig: pytest.Config) -> Iterator[Servers]:
    """A factory of servers, which are deleted and confirmed gone at the end of its scope."""
    from pytest_osfutures.plugin.factories import Servers

    with closing(Servers(os_cloud, options.Settings.of(pytestconfig))) as servers:
        yield servers


def _volumes(os_cloud: Cloud, pytestconfig: pytest.Config) -> Iterator[Volumes]:
    """A factory of volumes, which are detached and deleted at the end of its scope."""
    from pytest_osfutures.plugin.factories import Volumes

    with closing(Volumes(os_cloud, options.Settings.of(pytestconfig))) as volumes:
        yield volumes


os_servers = pytest.fixture(_servers, name="os_servers")
os_servers_class = pytest.fixture(_servers, name="os_servers_class", scope="class")
os_servers_module = pytest.fixture(_servers, name="os_servers_module", scope="module")
os_servers_session = pytest.fixture(_servers, name="os_servers_session", scope="session")
os_volumes = pytest.fixture(_volumes, name="os_volumes")
os_volumes_class = pytest.fixture(_volumes, name="os_volumes_class", scope="class")
os_volumes_module = pytest.fixture(_volumes, name="os_volumes_module", scope="module")
os_volumes_session = pytest.fixture(_volumes, name="os_volumes_session", scope="session")
