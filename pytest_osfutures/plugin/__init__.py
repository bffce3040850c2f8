"""The pytest plugin: options, fixtures, and what holds them together.

pytest loads this in every run of every project that has the package installed, so it imports
nothing of OpenStack until a fixture or an option of it is used.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from typing import Any

import pytest

from pytest_osfutures.plugin import fixtures, options
from pytest_osfutures.plugin import run_id as place
from pytest_osfutures.plugin.failed_nodes import mark_failed
from pytest_osfutures.plugin.fixtures import (
    IN_USE,
    ITEM,
    UNUSABLE,
    certainly_uses_plugin,
    current_run_session,
    run_session_of,
)


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Let pytest find the fixtures, which have a module of their own."""
    pluginmanager.register(fixtures, "osfutures-fixtures")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options and their ini twins."""
    options.declare(parser)


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(parser: pytest.Parser) -> Iterator[None]:
    """Leave out the options that a conftest.py has itself."""
    with options.aside(parser):
        return (yield)


def pytest_configure(config: pytest.Config) -> None:
    """Remember which process this is, and listen to the reports of others."""
    config.stash[place.MAIN] = os.getpid()
    config.pluginmanager.register(_Reports(config), "osfutures-reports")


def pytest_report_header(config: pytest.Config) -> str | None:
    """Say which cloud is tested, if one was asked for, and the id for `osfutures reap --run`."""
    name = options.CLOUD.given(config)
    if not name or name == "fake":
        return f"osfutures: cloud {name}" if name else None
    return f"osfutures: cloud {name}, run {place.run_id(config)}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Note in the ledger whose resources these are; tell of deletions that have failed."""
    config = item.config
    config.stash[ITEM] = item
    run_session = current_run_session(config)
    if run_session is not None:
        run_session.ledger.test = item.nodeid
    elif _forks(item) and certainly_uses_plugin(item):
        _before_fork(config)
    try:
        return (yield)
    finally:
        run_session = current_run_session(config)
        if run_session is not None and not run_session.worker:
            run_session.report_failures()


def _forks(item: pytest.Item) -> bool:
    """Whether pytest-forked will run a test in a child process."""
    forked = item.config.getoption("forked", False)
    return bool(forked or item.get_closest_marker("forked"))


def _before_fork(config: pytest.Config) -> None:
    """Let the parent be one of the run's processes before its children are."""
    if place.worker_id(config):
        run_session_of(config)
    elif options.CLOUD.value(config) != "fake":
        from pytest_osfutures.plugin.run import join_run

        join_run(config)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Remember what has failed, for --os-keep; tell another process what it has to know."""
    if call.excinfo is not None:
        _hide_source(call.excinfo.value)
    report = yield
    if report.failed:
        mark_failed(item)
    if UNUSABLE in item.config.stash:
        vars(report)["osfutures_unusable"] = item.config.stash[UNUSABLE]
    run_session = current_run_session(item.config)
    if (
        run_session is not None
        and (run_session.worker or run_session.forked)
        and run_session.ledger.path is not None
    ):
        vars(report)["osfutures_run"] = run_session.ledger.run
    return report


def _hide_source(error: BaseException) -> None:
    """Let failures that are sentences be shown so within a group too, where pytest shows all."""
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            _hide_source(each)
            if isinstance(each, pytest.fail.Exception) and not each.pytrace:
                each.__traceback__ = None


class _Reports:
    """Hears in the main process what workers of xdist and forked children report."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Join the run that another process is using; end the tests if there is no cloud.

        Raises pytest.UsageError: exit status 4.
        """
        if place.worker_id(self.config) or place.is_forked(self.config):
            return
        if why := getattr(report, "osfutures_unusable", None):
            raise pytest.UsageError(why)
        run = getattr(report, "osfutures_run", None)
        if run is not None and not _is_in_use(self.config):
            from pytest_osfutures.plugin.run import join_run

            self.config.stash[place.RUN] = run
            join_run(self.config)


@pytest.hookimpl(wrapper=True)
def pytest_runtestloop(session: pytest.Session) -> Generator[None, object, object]:
    """Try the named cloud before the first test; wait at last for deletions in the background."""
    config = session.config
    named = options.CLOUD.given(config) and not place.worker_id(config)
    runs = not (config.option.collectonly or config.option.setupplan or session.testsfailed)
    if named and runs and any(certainly_uses_plugin(item) for item in session.items):
        run_session_of(config)  # raises UsageError: exit status 4, before anything was made
    result = yield
    run_session = current_run_session(config)
    if run_session is not None:
        run_session.background.wait(lambda text: place.say(session.config, text))
        if not run_session.worker:
            run_session.report_failures()
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
        from pytest_osfutures.plugin.session_end import announce_interruption

        announce_interruption(session.config)
    try:
        return (yield)
    except KeyboardInterrupt:
        raise pytest.exit.Exception("interrupted again", pytest.ExitCode.INTERRUPTED) from None


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Delete what the fixtures could not, and let the run fail for what is left then."""
    if _is_in_use(session.config):
        from pytest_osfutures.plugin.session_end import finish

        finish(session)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say what was swept, kept or left."""
    if _is_in_use(config):
        from pytest_osfutures.plugin.session_end import write_summary

        write_summary(config, terminalreporter)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Let go of the cloud, or leave what there is to the reaper."""
    if _is_in_use(config):
        from pytest_osfutures.plugin.session_end import leave

        leave(config)
        config.stash[IN_USE] = 0


def _is_in_use(config: pytest.Config) -> bool:
    return config.stash.get(IN_USE, 0) == os.getpid()


# xdist


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """All workers are of one run."""
    from pytest_osfutures.plugin import xdist as workers

    workers.configure_node(node)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """Take over what a worker has to say at its end."""
    del error
    if _is_in_use(node.config):
        from pytest_osfutures.plugin.session_end import collect_worker

        collect_worker(node)


@pytest.hookimpl(optionalhook=True)
def pytest_handlecrashitem(crashitem: str, report: Any) -> None:
    """List what the crashed test has left to the reaper."""
    config: pytest.Config = report.node.config
    if _is_in_use(config):
        from pytest_osfutures.plugin.session_end import add_crash_section

        add_crash_section(config, crashitem, report)
