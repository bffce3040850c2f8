"""The fixture `os_cloud`, the run session of a process, and the scopes that own resources."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_osfutures.cloud import Cloud
    from pytest_osfutures.plugin.run import RunSession
    from pytest_osfutures.scopes import Scope, SharedScope

Node = pytest.Item | pytest.Collector
#: The run session of this process, or of the process of which this one is a fork.
RUN_SESSION: pytest.StashKey[RunSession] = pytest.StashKey()
#: The id of the process that has joined a run and has to leave it at the end.
IN_USE: pytest.StashKey[int] = pytest.StashKey()
#: The test that runs now.
ITEM: pytest.StashKey[pytest.Item] = pytest.StashKey()
#: The reason for which there is no cloud, in one sentence.
UNUSABLE: pytest.StashKey[str] = pytest.StashKey()


def certainly_uses_plugin(item: pytest.Item) -> bool:
    """Return True if a fixture of this plugin will certainly be set up for a test.

    A test with `skip` or `skipif` may be skipped before. A fixture of the project may skip the test
    too; that shows only when the test runs.
    """
    info = getattr(item, "_fixtureinfo", None)
    found = getattr(info, "name2fixturedefs", {})
    if any(item.iter_markers("skip")) or any(item.iter_markers("skipif")):
        return False
    return any(each[-1].func.__module__ == __name__ for each in found.values() if each)


def forks(item: pytest.Item) -> bool:
    """Return True if pytest-forked will run a test in a child process."""
    forked = item.config.getoption("forked", False)
    return bool(forked or item.get_closest_marker("forked"))


def current_run_session(config: pytest.Config) -> RunSession | None:
    """Return the run session of this process, not of its parent; None without a cloud so far."""
    known = config.stash.get(RUN_SESSION, None)
    return known if known is not None and known.pid == os.getpid() else None


def run_session_of(config: pytest.Config) -> RunSession:
    """Return the run session of this process; connect to the cloud the first time.

    Raises:
        pytest.UsageError: the cloud or the ledger cannot be used.
    """
    known = current_run_session(config)
    if known is None:
        from pytest_osfutures.plugin.run import open_run_session

        known = open_run_session(config)
    return known


def _run_session(config: pytest.Config) -> RunSession:
    """Return the run session; without a cloud fail the test and let the run end."""
    try:
        return run_session_of(config)
    except pytest.UsageError as error:
        config.stash[UNUSABLE] = str(error)
        raise failure(str(error)) from None


@pytest.fixture(scope="session")
def os_cloud(_osfutures_cloud: Cloud) -> Cloud:
    """Return the cloud under test: --os-cloud, OS_CLOUD or the ini option os_cloud.

    `os_cloud.nova`, `os_cloud.cinder` and `os_cloud.sdk` are clients of novaclient, cinderclient
    and openstacksdk whose methods have twins; `os_cloud.api("network")` is the plain API of a
    service.

    Example:
        def test_attach(os_cloud, os_servers, os_volumes):
            vm, disk = os_servers.create_async().result(), os_volumes.create_async().result()
            os_cloud.nova.volumes.create_server_volume_async(vm.id, disk.id).result()
    """
    return _osfutures_cloud


@pytest.fixture(scope="session")
def _osfutures_cloud(pytestconfig: pytest.Config) -> Iterator[Cloud]:
    """Connect to the cloud, also in projects that have an `os_cloud` of their own."""
    run_session = _run_session(pytestconfig)
    yield run_session.cloud
    if run_session.forked and run_session is current_run_session(pytestconfig):
        # pytest-forked calls no hook at the end of a child process.
        from pytest_osfutures.plugin.session_end import leave_run

        leave_run(pytestconfig)


@pytest.fixture
def _osfutures_function(_osfutures_cloud: Cloud, request: pytest.FixtureRequest) -> Iterator[Scope]:
    """Own the resources of a test."""
    yield from _scope(request)


@pytest.fixture(scope="class")
def _osfutures_class(_osfutures_cloud: Cloud, request: pytest.FixtureRequest) -> Iterator[Scope]:
    """Own the resources of a class."""
    yield from _scope(request)


@pytest.fixture(scope="module")
def _osfutures_module(_osfutures_cloud: Cloud, request: pytest.FixtureRequest) -> Iterator[Scope]:
    """Own the resources of a module."""
    yield from _scope(request)


@pytest.fixture(scope="session")
def _osfutures_session(
    _osfutures_shared: SharedScope, request: pytest.FixtureRequest
) -> Iterator[Scope]:
    """Own the resources of a session; they go before shared ones, on which they may depend."""
    yield from _scope(request)


@pytest.fixture(scope="session")
def _osfutures_shared(
    _osfutures_cloud: Cloud, request: pytest.FixtureRequest
) -> Iterator[SharedScope]:
    """Hold the resources that all workers of pytest-xdist share."""
    from pytest_osfutures.plugin.teardown import close_scope
    from pytest_osfutures.scopes import SharedScope

    run_session = _run_session(request.config)
    scope = SharedScope(run_session.cloud, run_session, request.node.nodeid)
    yield scope
    close_scope(scope, request)


def _scope(request: pytest.FixtureRequest) -> Iterator[Scope]:
    """Yield the owner of all resources that the factories of one scope create, and close it."""
    from pytest_osfutures.plugin.default_arguments import arguments_of
    from pytest_osfutures.plugin.teardown import close_scope
    from pytest_osfutures.scopes import Scope

    run_session = _run_session(request.config)
    scope = Scope(run_session.cloud, run_session, request.node.nodeid)
    scope.arguments = partial(arguments_of, request)
    yield scope
    close_scope(scope, request)


def failure(text: str) -> BaseException:
    """Return a failure that pytest shows as its text, without a traceback."""
    return pytest.fail.Exception(text, pytrace=False)
