"""The fixtures: a cloud, and factories of what a project can have in each scope."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Literal

import pytest

from pytest_osfutures.errors import BadInput, CloudUnreachable
from pytest_osfutures.plugin import options
from pytest_osfutures.plugin.outcome import has_failed

if TYPE_CHECKING:
    from pytest_osfutures.cloud import Cloud
    from pytest_osfutures.plugin.guard import Guard
    from pytest_osfutures.plugin.scope import Scope
    from pytest_osfutures.plugin.shared import SharedScope

GUARD: pytest.StashKey[Guard] = pytest.StashKey()
#: Whether there may be something to take care of at the end.
IN_USE: pytest.StashKey[bool] = pytest.StashKey()
ScopeName = Literal["function", "class", "module", "session"]
SCOPES: tuple[ScopeName, ...] = ("function", "class", "module", "session")


def wants_cloud(item: pytest.Item) -> bool:
    """Whether a test uses a fixture of this plugin."""
    return any(name.startswith(KINDS) for name in getattr(item, "fixturenames", ()))


def guard_of(config: pytest.Config) -> Guard:
    """This run's cloud, and what takes care of it; it is connected to once.

    Raises pytest.UsageError if that cannot be.
    """
    known = config.stash.get(GUARD, None)
    if known is None:
        from pytest_osfutures.cloud import connect
        from pytest_osfutures.plugin.choice import Choice
        from pytest_osfutures.plugin.guard import Guard

        try:
            cloud = connect(options.CLOUD.value(config))
            known = Guard(config, cloud)
            config.stash[GUARD] = known
            config.stash[IN_USE] = True
        except (BadInput, CloudUnreachable) as error:
            raise pytest.UsageError(f"--os-cloud: {error}") from None
        try:
            Choice(cloud, options.Settings.of(config)).check()
        except (BadInput, CloudUnreachable) as error:
            raise pytest.UsageError(str(error)) from None
        known.begin()
    return known


@pytest.fixture(scope="session")
def os_cloud(pytestconfig: pytest.Config) -> Cloud:
    """The cloud under test: `nova`, `cinder` and `sdk` are real clients with twins."""
    try:
        return guard_of(pytestconfig).cloud
    except pytest.UsageError as error:  # in a worker of xdist: one sentence, no traceback
        pytest.fail(str(error), pytrace=False)


def _open_scope(os_cloud: Cloud, request: pytest.FixtureRequest) -> Iterator[Scope]:
    """What the factories of one scope have made; it goes after all of them."""
    from pytest_osfutures.plugin.scope import Scope

    if request.scope == "session":  # it goes first: it may depend on what the workers share
        request.getfixturevalue("_os_shared")
    scope = Scope(os_cloud, guard_of(request.config), request.node.nodeid)
    yield scope
    _close(scope, request)


@pytest.fixture(scope="session")
def _os_shared(os_cloud: Cloud, request: pytest.FixtureRequest) -> Iterator[SharedScope]:
    """What all workers share; the last one deletes it."""
    from pytest_osfutures.plugin.shared import SharedScope

    scope = SharedScope(os_cloud, guard_of(request.config), request.node.nodeid)
    yield scope
    _close(scope, request)


def _close(scope: Scope | SharedScope, request: pytest.FixtureRequest) -> None:
    settings = options.Settings.of(request.config)
    if settings.keep == "always" or (settings.keep == "failed" and has_failed(request.node)):
        scope.keep()
    elif settings.background:
        guard_of(request.config).background.close(scope)
    else:
        scope.close()


#: The module and the class of each factory, and what it makes.
FACTORIES = {
    "os_servers": ("factories", "Servers", "servers"),
    "os_volumes": ("factories", "Volumes", "volumes"),
    "os_snapshots": ("factories", "Snapshots", "snapshots of volumes"),
    "os_backups": ("factories", "Backups", "backups of volumes"),
    "os_images": ("factories", "Images", "images, of servers or of data"),
    "os_keypairs": ("factories", "Keypairs", "keypairs"),
    "os_networks": ("networking", "Networks", "networks"),
    "os_subnets": ("networking", "Subnets", "subnets"),
    "os_ports": ("networking", "Ports", "ports"),
    "os_routers": ("networking", "Routers", "routers"),
    "os_floating_ips": ("networking", "FloatingIps", "floating ips"),
    "os_security_groups": ("networking", "SecurityGroups", "security groups"),
}
KINDS = ("os_cloud", *FACTORIES)

#: What all workers can have in common.
SHARED = ("os_servers", "os_volumes", "os_snapshots", "os_images")


def _factory(module: str, name: str, text: str, scope: ScopeName) -> Callable[..., Any]:
    def make(os_cloud: Cloud, request: pytest.FixtureRequest) -> Any:
        factories = importlib.import_module(f"pytest_osfutures.plugin.{module}")
        owner = request.getfixturevalue(f"_os_{scope}")
        settings = options.Settings.of(request.config)
        return getattr(factories, name)(os_cloud, settings, owner)

    make.__doc__ = f"A factory of {text}, which are gone at the end of its scope."
    return make


def _shared(name: str, text: str) -> Callable[..., Any]:
    def make(os_cloud: Cloud, request: pytest.FixtureRequest, _os_shared: SharedScope) -> Any:
        from pytest_osfutures.plugin import factories
        from pytest_osfutures.plugin.shared import Shared

        settings = options.Settings.of(request.config)
        return Shared(getattr(factories, name)(os_cloud, settings, _os_shared), _os_shared)

    make.__doc__ = f"A factory of {text} that all workers share."
    return make


for _scope in SCOPES:
    globals()[f"_os_{_scope}"] = pytest.fixture(_open_scope, name=f"_os_{_scope}", scope=_scope)
    for _kind, _what in FACTORIES.items():
        _full = _kind if _scope == "function" else f"{_kind}_{_scope}"
        globals()[_full] = pytest.fixture(_factory(*_what, _scope), name=_full, scope=_scope)
for _kind in SHARED:
    _, _name, _text = FACTORIES[_kind]
    _full = f"{_kind}_shared"
    globals()[_full] = pytest.fixture(_shared(_name, _text), name=_full, scope="session")
