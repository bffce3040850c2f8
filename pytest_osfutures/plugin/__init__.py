"""The pytest plugin: options, fixtures, and what holds them together.

pytest loads this in every run of every project that has the package installed, so it imports
nothing of OpenStack until a fixture or an option of it is used.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from typing import Any

import pytest

from pytest_osfutures.plugin import fixtures, options
from pytest_osfutures.plugin.fixtures import GUARD, IN_USE, guard_of, wants_cloud
from pytest_osfutures.plugin.outcome import note_failure


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Let pytest find the fixtures, which have a module of their own."""
    pluginmanager.register(fixtures, "osfutures-fixtures")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options and their ini twins."""
    options.declare(parser)


def pytest_report_header(config: pytest.Config) -> str | None:
    """Say which cloud is tested, if one was asked for."""
    name = config.getoption("os_cloud")
    return f"osfutures: cloud {name}" if name else None


def pytest_sessionstart(session: pytest.Session) -> None:
    """A cloud that was asked for on the command line has to be there before anything is run."""
    config = session.config
    if config.getoption("os_cloud") and not config.getoption("collectonly"):
        guard_of(config)


def pytest_collection_finish(session: pytest.Session) -> None:
    """A cloud that the tests need has to be there before the first of them is run."""
    config = session.config
    if config.getoption("collectonly") or hasattr(config, "workerinput"):
        return
    if any(wants_cloud(item) for item in session.items):
        guard_of(config)  # raises UsageError: exit status 4, before anything was made


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Note in the ledger whose resources these are; tell of deletions that have failed."""
    guard = item.config.stash.get(GUARD, None)
    if guard is not None:
        guard.ledger.test = item.nodeid
    try:
        return (yield)
    finally:
        if guard is not None and not guard.worker:
            guard.report_failures()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Remember what has failed, for --os-keep."""
    report = yield
    if report.failed:
        note_failure(item)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtestloop(session: pytest.Session) -> Generator[None, object, object]:
    """Wait for the deletions in the background, while failures still count."""
    result = yield
    guard = session.config.stash.get(GUARD, None)
    if guard is not None:
        guard.background.wait()
        if not guard.worker:
            guard.report_failures()
    return result


@pytest.hookimpl(wrapper=True, tryfirst=True, specname="pytest_sessionfinish")
def pytest_osfutures_interrupted(
    session: pytest.Session, exitstatus: int
) -> Generator[None, object, object]:
    """Before the fixtures are torn down: say that this takes a moment.

    Who interrupts that as well gets one line, and no traceback of what pytest was about.
    """
    if not _is_in_use(session.config):
        return (yield)
    if exitstatus == pytest.ExitCode.INTERRUPTED:
        from pytest_osfutures.plugin.ending import interrupted

        interrupted(session.config)
    try:
        return (yield)
    except KeyboardInterrupt:
        raise pytest.exit.Exception("interrupted again", pytest.ExitCode.INTERRUPTED) from None


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Delete what the fixtures could not, and let the run fail for what is left then."""
    if _is_in_use(session.config):
        from pytest_osfutures.plugin.ending import finish

        finish(session)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say what was swept, kept or left."""
    if _is_in_use(config):
        from pytest_osfutures.plugin.ending import summarise

        summarise(config, terminalreporter)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Let go of the cloud, or leave what there is to the reaper."""
    if _is_in_use(config):
        from pytest_osfutures.plugin.ending import leave

        leave(config)
        config.stash[IN_USE] = False


def _is_in_use(config: pytest.Config) -> bool:
    return config.stash.get(IN_USE, False)


# xdist


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """All workers are of one run, which lives as long as this process does."""
    config = node.config
    if not options.CLOUD.value(config) and "OS_AUTH_URL" not in os.environ:
        return
    from pytest_osfutures.plugin import guard, workers

    known, path = config.stash.get(GUARD, None), None
    if known is not None or options.CLOUD.value(config) != "fake":
        path = guard.hold_run(config, known.ledger if known is not None else None).path
        config.stash[IN_USE] = True
    workers.introduce(node, path)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """Take over what a worker has to say at its end."""
    del error
    if _is_in_use(node.config):
        from pytest_osfutures.plugin.ending import worker_ended

        worker_ended(node)


@pytest.hookimpl(optionalhook=True)
def pytest_handlecrashitem(crashitem: str, report: Any) -> None:
    """List what the crashed test has left to the reaper."""
    config: pytest.Config = report.node.config
    if _is_in_use(config):
        from pytest_osfutures.plugin.ending import tell_of_crash

        tell_of_crash(config, crashitem, report)
