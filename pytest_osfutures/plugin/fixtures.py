"""The fixtures: a cloud, and factories of what a project can have in each scope."""

from __future__ import annotations

import importlib
import logging
import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Literal

import pytest

from pytest_osfutures.plugin import options
from pytest_osfutures.plugin.failed_nodes import has_failed

if TYPE_CHECKING:
    from pytest_osfutures.cloud import Cloud
    from pytest_osfutures.plugin.run import RunSession
    from pytest_osfutures.plugin.scope import Scope
    from pytest_osfutures.plugin.shared import SharedScope

_log = logging.getLogger("osfutures")
RUN_SESSION: pytest.StashKey[RunSession] = pytest.StashKey()
#: The process in which there may be something to take care of at the end.
IN_USE: pytest.StashKey[int] = pytest.StashKey()
#: The test that runs now.
ITEM: pytest.StashKey[pytest.Item] = pytest.StashKey()
#: Why there is no cloud, in one sentence.
UNUSABLE: pytest.StashKey[str] = pytest.StashKey()
ScopeName = Literal["function", "class", "module", "session"]
SCOPES: tuple[ScopeName, ...] = ("function", "class", "module", "session")


def certainly_uses_plugin(item: pytest.Item) -> bool:
    """Whether a fixture of this plugin will be set up for a test, as far as that can be foreseen.

    A test with `skipif` may be skipped, and a fixture of the user's may skip it before ours is set
    up; of both it shows only when the test is run.
    """
    info = getattr(item, "_fixtureinfo", None)
    found = getattr(info, "name2fixturedefs", {})
    if any(item.iter_markers("skip")) or any(item.iter_markers("skipif")):
        return False
    return any(each[-1].func.__module__ == __name__ for each in found.values() if each)


def current_run_session(config: pytest.Config) -> RunSession | None:
    """This process's run session, if it has connected to the cloud; a parent's does not count."""
    known = config.stash.get(RUN_SESSION, None)
    return known if known is not None and known.pid == os.getpid() else None


def run_session_of(config: pytest.Config) -> RunSession:
    """This process's cloud, and what takes care of it; it is connected to once.

    Raises pytest.UsageError if that cannot be.
    """
    known = current_run_session(config)
    if known is None:
        from pytest_osfutures.plugin.run import open_run_session

        known = open_run_session(config)
    return known


def _run_session(config: pytest.Config) -> RunSession:
    """The run session; without a cloud the test fails with one sentence, and the run ends."""
    try:
        return run_session_of(config)
    except pytest.UsageError as error:
        config.stash[UNUSABLE] = str(error)
        raise _failure(str(error)) from None


@pytest.fixture(scope="session")
def os_cloud(_osfutures_cloud: Cloud) -> Cloud:
    """The cloud under test: `nova`, `cinder` and `sdk` are real clients with twins."""
    return _osfutures_cloud


@pytest.fixture(scope="session")
def _osfutures_cloud(pytestconfig: pytest.Config) -> Iterator[Cloud]:
    """The cloud under test, also for projects that have an `os_cloud` of their own."""
    run_session = _run_session(pytestconfig)
    yield run_session.cloud
    if run_session.forked and run_session is current_run_session(pytestconfig):
        # A child's end is not the end of a session: no hook is called.
        from pytest_osfutures.plugin.session_end import leave

        leave(pytestconfig)


def _open_scope(_osfutures_cloud: Cloud, request: pytest.FixtureRequest) -> Iterator[Scope]:
    """What the factories of one scope have made; it goes after all of them."""
    from pytest_osfutures.plugin.scope import Scope

    if request.scope == "session":  # it goes first: it may depend on what the workers share
        request.getfixturevalue("_osfutures_shared")
    run_session = _run_session(request.config)
    scope = Scope(run_session.cloud, run_session, request.node.nodeid)
    yield scope
    _close(scope, request)


@pytest.fixture(scope="session")
def _osfutures_shared(
    _osfutures_cloud: Cloud, request: pytest.FixtureRequest
) -> Iterator[SharedScope]:
    """What all workers share; the last one deletes it."""
    from pytest_osfutures.plugin.shared import SharedScope

    run_session = _run_session(request.config)
    scope = SharedScope(run_session.cloud, run_session, request.node.nodeid)
    yield scope
    _close(scope, request)


def _close(scope: Scope | SharedScope, request: pytest.FixtureRequest) -> None:
    if scope.run_session is not current_run_session(request.config):
        return  # it is the parent process's, who goes on using it
    settings = options.Settings.of(request.config)
    try:
        if settings.keep == "always" or (settings.keep == "failed" and has_failed(request.node)):
            scope.keep()
        elif settings.background:
            scope.run_session.background.close(scope)
        else:
            scope.close()
    except Exception as error:
        _log.debug("a teardown failed", exc_info=True)
        ours = type(error).__module__.startswith("pytest_osfutures.")
        text = str(error) if ours else f"{type(error).__name__}: {error}"
        raise _failure(f"osfutures: {text}") from None


def _failure(text: str) -> BaseException:
    """A failure that is shown as its text, without a line of this package."""
    return pytest.fail.Exception(text, pytrace=False)


#: The module and the class of each factory, and what it makes.
FACTORIES = {
    "os_servers": ("factories.base", "Servers", "servers"),
    "os_volumes": ("factories.base", "Volumes", "volumes"),
    "os_snapshots": ("factories.base", "Snapshots", "snapshots of volumes"),
    "os_backups": ("factories.base", "Backups", "backups of volumes"),
    "os_images": ("factories.base", "Images", "images, of servers or of data"),
    "os_keypairs": ("factories.base", "Keypairs", "keypairs"),
    "os_networks": ("factories.network", "Networks", "networks"),
    "os_subnets": ("factories.network", "Subnets", "subnets"),
    "os_ports": ("factories.network", "Ports", "ports"),
    "os_routers": ("factories.network", "Routers", "routers"),
    "os_floating_ips": ("factories.network", "FloatingIps", "floating ips"),
    "os_security_groups": ("factories.network", "SecurityGroups", "security groups"),
}

#: What all workers can have in common.
SHARED = ("os_servers", "os_volumes", "os_snapshots", "os_images")


def _factory(module: str, name: str, text: str, scope: ScopeName) -> Callable[..., Any]:
    def make(_osfutures_cloud: Cloud, request: pytest.FixtureRequest) -> Any:
        factories = importlib.import_module(f"pytest_osfutures.plugin.{module}")
        owner = request.getfixturevalue(f"_osfutures_{scope}")
        settings = options.Settings.of(request.config)
        return getattr(factories, name)(settings, owner)

    make.__doc__ = f"A factory of {text}, which are gone at the end of its scope."
    return make


def _shared(name: str, text: str) -> Callable[..., Any]:
    def make(_osfutures_shared: SharedScope, request: pytest.FixtureRequest) -> Any:
        from pytest_osfutures.plugin.factories import base as factories
        from pytest_osfutures.plugin.shared import Shared

        owner: Any = _osfutures_shared
        settings = options.Settings.of(request.config)
        return Shared(getattr(factories, name)(settings, owner), owner)

    make.__doc__ = f"A factory of {text} that all workers share."
    return make


for _scope in SCOPES:
    globals()[f"_osfutures_{_scope}"] = pytest.fixture(
        _open_scope, name=f"_osfutures_{_scope}", scope=_scope
    )
    for _kind, _what in FACTORIES.items():
        _full = _kind if _scope == "function" else f"{_kind}_{_scope}"
        globals()[_full] = pytest.fixture(_factory(*_what, _scope), name=_full, scope=_scope)
for _kind in SHARED:
    _, _name, _text = FACTORIES[_kind]
    _full = f"{_kind}_shared"
    globals()[_full] = pytest.fixture(_shared(_name, _text), name=_full, scope="session")
