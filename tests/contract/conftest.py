"""Fixtures of the contract tests, which run the same calls on the fake and on real clouds.

`pytest tests/contract` uses the embedded fake; `--os-cloud NAME` (or OS_CLOUD) another cloud.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

import pytest_osfutures as osf
from pytest_osfutures.cloud import Cloud
from pytest_osfutures.errors import InvalidArgument
from pytest_osfutures.plugin.options import CLOUD, run_settings
from pytest_osfutures.scopes.defaults import Defaults
from pytest_osfutures.stamp import new_id

#: Name of the administrator's cloud by the name of the plain member's cloud.
ADMINS = {"fake": "fake-admin", "demo": "realcloud"}
#: Seconds that a test waits for one operation.
PATIENCE = 120.0


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "only_fake(reason): a real cloud cannot be brought to do this, because ..."
    )


@pytest.fixture(scope="session")
def cloud(pytestconfig: pytest.Config) -> Cloud:
    """Return the cloud under test, connected as a plain member."""
    return osf.connect(CLOUD.value(pytestconfig) or "fake")


@pytest.fixture(scope="session")
def admin(cloud: Cloud) -> Cloud:
    """Return the cloud under test, connected as its administrator."""
    name = ADMINS.get(cloud.name)
    if name is None:
        pytest.skip(f"no administrator's cloud is known for {cloud.name!r}")
    if cloud.fake is not None:
        from pytest_osfutures.fakecloud.shells.inprocess import session

        return Cloud(name, session(cloud.fake, name), fake=cloud.fake)
    try:
        return osf.connect(name)
    except InvalidArgument as error:
        pytest.skip(str(error))


def image_of(cloud: Cloud, ident: str | None) -> dict[str, Any]:
    """Return an image as Glance shows it; its status is `gone` after a 404."""
    answer = cloud.api_client.send("GET", "image", f"/images/{ident}", None)
    return dict(answer.json()) if answer.status_code == 200 else {"status": "gone"}


@pytest.fixture(autouse=True)
def _only_fake(request: pytest.FixtureRequest) -> None:
    marker = request.node.get_closest_marker("only_fake")
    if marker is not None and request.getfixturevalue("cloud").fake is None:
        pytest.skip(f"only on the fake: {marker.args[0]}")


@pytest.fixture(scope="session")
def defaults(cloud: Cloud, pytestconfig: pytest.Config) -> Defaults:
    """Return the defaults for image, flavor and network of new servers."""
    return Defaults(cloud, run_settings(pytestconfig))


@pytest.fixture(scope="session")
def image(defaults: Defaults) -> Any:
    """Return a small image."""
    return defaults.image(None)


@pytest.fixture(scope="session")
def flavor(defaults: Defaults, image: Any) -> Any:
    """Return the smallest flavor that holds the image."""
    return defaults.flavor(None, image)


@pytest.fixture(scope="session")
def bigger(cloud: Cloud, flavor: Any) -> Any:
    """Return a flavor with more memory than the smallest flavor."""
    fit = [each for each in cloud.nova.flavors.list() if each.ram > flavor.ram]
    return min(fit, key=lambda each: (each.disk, each.ram))


@pytest.fixture(scope="session")
def huge(cloud: Cloud, admin: Cloud) -> Iterator[Any]:
    """Yield a flavor that fits no host and yet is within the quota."""
    made = admin.nova.flavors.create(f"contract-huge-{new_id()}", 512, 1, 1_000_000)
    yield made
    made.delete()


@pytest.fixture(scope="module")
def made() -> Iterator[Callable[[Any], Any]]:
    """Yield a function that returns a future's result and registers the future for undo.

    `made(future)` waits for the result; all futures are undone at the end of the module.
    """
    futures: list[Any] = []

    def take(future: Any) -> Any:
        futures.append(future)
        return future.result(PATIENCE)

    yield take
    for future in reversed(futures):
        future.undo().result(PATIENCE)


@pytest.fixture(scope="module")
def vm(cloud: Cloud, image: Any, flavor: Any, made: Callable[[Any], Any]) -> Any:
    """Return a server without a network; every test leaves the server ACTIVE."""
    return made(cloud.nova.servers.create_async("contract", image.id, flavor.id, nics="none"))


@pytest.fixture(scope="module")
def volume(cloud: Cloud, made: Callable[[Any], Any]) -> Any:
    """Return a volume of 1 GiB; every test leaves the volume available."""
    return made(cloud.cinder.volumes.create_async(1, name="contract"))
