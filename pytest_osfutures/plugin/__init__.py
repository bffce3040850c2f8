"""The pytest plugin: its hooks, which connect options, fixtures and the end of a run.

pytest loads this module in every run of every project that has the package installed. Therefore
nothing of OpenStack is imported before a fixture of the plugin is used.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Generator, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pytest_osfutures.plugin import factory_fixtures, fixtures, load_fixture, options
from pytest_osfutures.plugin.failed_nodes import mark_failed, mark_raised
from pytest_osfutures.plugin.fixtures import (
    IN_USE,
    ITEM,
    UNUSABLE,
    certainly_uses_plugin,
    current_run_session,
    forks,
    run_session_of,
)
from pytest_osfutures.plugin.run_id import FORKED, MAIN, RUN, is_forked, run_id, say, worker_id


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Register the modules with fixtures."""
    for module in (fixtures, load_fixture, *factory_fixtures.MODULES):
        pluginmanager.register(module, module.__name__)


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """Add the options if a conftest.py has loaded this plugin: too late for the next hook."""
    files = (getattr(plugin, "__file__", None) for plugin in pluginmanager.get_plugins())
    if any(file and Path(file).name == "conftest.py" for file in files):
        config: Any = pluginmanager.get_plugin("pytestconfig")
        options.add_options(config, parser)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(
    early_config: pytest.Config, parser: pytest.Parser, args: list[str]
) -> Iterator[None]:
    """Add the options when all plugins and the first conftest.py files have added their own."""
    options.hide_values(early_config, parser, args)
    try:
        return (yield)
    finally:  # pytest prints the help even if a conftest.py is broken
        options.add_options(early_config, parser)


def pytest_configure(config: pytest.Config) -> None:
    """Note the main process, and register the listener to reports of other processes."""
    options.free_names(config)
    config.stash[MAIN] = os.getpid()
    config.addinivalue_line("markers", options.MARK)
    config.pluginmanager.register(_Reports(config), "osfutures-reports")
    if not worker_id(config) and (files := options.REPORT.value(config)):
        from pytest_osfutures.plugin.report_files import ReportFiles

        config.pluginmanager.register(ReportFiles(config, files), "osfutures-report-files")


def pytest_report_header(config: pytest.Config) -> str | None:
    """Return a header line with the cloud of --os-cloud and the id for `osfutures reap --run`."""
    name = options.CLOUD.given(config)
    if not name or name == "fake":
        return f"osfutures: cloud {name}" if name else None
    return f"osfutures: cloud {name}, run {run_id(config)}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Note in the ledger which test runs, and report failed deletions in the background."""
    config = item.config
    config.stash[ITEM] = item
    if forks(item):
        config.stash[FORKED] = True
    run_session = current_run_session(config)
    if run_session is not None:
        run_session.begin_test(item)
    elif forks(item) and certainly_uses_plugin(item):
        _before_fork(config)
    try:
        return (yield)
    finally:
        run_session = current_run_session(config)
        if run_session is not None:
            run_session.delete_released()
            run_session.save_spans()
            if not run_session.worker:
                run_session.report_failures()


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item) -> None:
    """Delete the resources of the fixtures that a test's teardown has torn down.

    pytest skips this after an error of a fixture; `pytest_runtest_protocol` does the same then.
    """
    run_session = current_run_session(item.config)
    if run_session is not None:
        from pytest_osfutures.plugin.teardown import end_test

        end_test(run_session)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Begin a test or a further try of the test (pytest-rerunfailures)."""
    run_session = current_run_session(item.config)
    if run_session is not None:
        run_session.begin_try(item)


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
) -> Generator[None, object, object]:
    """Note the fixture to which calls belong; gather evidence if the fixture's teardown fails."""
    run_session = current_run_session(request.config)
    module = str(getattr(fixturedef.func, "__module__", ""))
    if run_session is None or module.startswith("pytest_osfutures.plugin."):
        return (yield)
    from pytest_osfutures.plugin.evidence import guard_teardown

    with run_session.usage.setting_up(fixturedef, request.node):
        try:
            return (yield)
        finally:
            guard_teardown(run_session, fixturedef)


@pytest.hookimpl(optionalhook=True, wrapper=True)
def pytest_timeout_set_timer(item: pytest.Item) -> Generator[None, object, object]:
    """Let pytest-timeout tell which future a test waits for when its time is over."""
    result = yield
    from pytest_osfutures.plugin.timeouts import tell_before_timeout

    tell_before_timeout(partial(current_run_session, item.config), item)
    return result


def _before_fork(config: pytest.Config) -> None:
    """Let this process join the run before its forked children do."""
    if worker_id(config):
        run_session_of(config)
    elif options.CLOUD.value(config) != "fake":
        from pytest_osfutures.plugin.run_ledger import join_run

        join_run(config)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Mark failed tests for --os-keep, and add messages for the main process to the report.

    Attributes of a report are all that pytest-xdist and pytest-forked carry to the main process.
    """
    if call.excinfo is not None:
        _hide_source(call.excinfo.value)
        mark_raised(item)
    report = yield
    if report.failed:
        mark_failed(item)
    run_session = current_run_session(item.config)
    if run_session is not None:
        from pytest_osfutures.plugin.evidence import add_evidence

        add_evidence(run_session, item, report, call.excinfo and call.excinfo.value)
    if UNUSABLE in item.config.stash:
        vars(report)["osfutures_unusable"] = item.config.stash[UNUSABLE]
    if (
        run_session is not None
        and (run_session.worker or run_session.forked)
        and run_session.ledger.path is not None
    ):
        vars(report)["osfutures_run"] = run_session.ledger.run
    if run_session is not None:
        run_session.end_phase(report)
    return report


def _hide_source(error: BaseException) -> None:
    """Remove the tracebacks of failures with `pytrace=False` within an exception group.

    pytest shows tracebacks of all members of a group: a teardown with several errors is a group.
    """
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            _hide_source(each)
            if isinstance(each, pytest.fail.Exception) and not each.pytrace:
                each.__traceback__ = None


class _Reports:
    """The listener in the main process to reports of workers and forked children."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Join the run of a worker or a child; end the session if it has no cloud.

        Raises:
            pytest.UsageError: there is no cloud; pytest ends with exit status 4.
        """
        if worker_id(self.config) or is_forked(self.config):
            return
        if waits := getattr(report, "osfutures_waits", None):
            from pytest_osfutures.plugin.xdist import workers_progress

            if (progress := workers_progress(self.config)) is not None:
                progress.receive(*waits)
        if message := getattr(report, "osfutures_message", None):
            say(self.config, message)
        if text := getattr(report, "osfutures_crash_evidence", None):
            from pytest_osfutures.plugin.xdist import CRASH_EVIDENCE

            self.config.stash.setdefault(CRASH_EVIDENCE, {})[report.nodeid] = text
        if why := getattr(report, "osfutures_unusable", None):
            raise pytest.UsageError(why)
        run = getattr(report, "osfutures_run", None)
        if run is not None and not _is_in_use(self.config):
            from pytest_osfutures.plugin.run_ledger import join_run

            self.config.stash[RUN] = run
            join_run(self.config)


@pytest.hookimpl(wrapper=True)
def pytest_runtestloop(session: pytest.Session) -> Generator[None, object, object]:
    """Connect to the cloud of --os-cloud before the first test; await background deletions last."""
    config = session.config
    named = options.CLOUD.given(config) and not worker_id(config)
    runs = not (config.option.collectonly or config.option.setupplan or session.testsfailed)
    if named and runs and any(certainly_uses_plugin(item) for item in session.items):
        run_session_of(config)  # raises UsageError: exit status 4 before any resource exists
    try:
        return (yield)
    finally:
        run_session = current_run_session(config)
        if run_session is not None:
            from pytest_osfutures.plugin.traces import tell_rest

            tell_rest(session)
            run_session.lookahead.stop()
            run_session.delete_released()
            if not isinstance(sys.exception(), KeyboardInterrupt):  # its end waits with a bound
                run_session.wait_for_background()
                if not run_session.worker:
                    run_session.report_failures()


@pytest.hookimpl(wrapper=True, tryfirst=True, specname="pytest_sessionfinish")
def pytest_osfutures_interrupted(
    session: pytest.Session, exitstatus: int
) -> Generator[None, object, object]:
    """Print before the teardown of an interrupted session that deletions take a moment.

    A second interrupt ends the session with one line instead of a traceback.
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
    """Delete the resources that fixtures have left; fail the session if some stay."""
    if _is_in_use(session.config):
        from pytest_osfutures.plugin.session_end import finish_session

        finish_session(session)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Print the operations of the run, and the resources that were swept, are kept or are left."""
    xdist = sys.modules.get("pytest_osfutures.plugin.xdist")
    if _is_in_use(config) or (xdist is not None and config.stash.get(xdist.SPANS, [])):
        from pytest_osfutures.plugin.summary import write_summary

        write_summary(config, terminalreporter)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave the run; resources that are left are the reaper's."""
    if _is_in_use(config):
        from pytest_osfutures.plugin.session_end import leave_run

        leave_run(config)
        config.stash[IN_USE] = 0


def _is_in_use(config: pytest.Config) -> bool:
    """Return True if this process has joined a run."""
    return config.stash.get(IN_USE, 0) == os.getpid()


# Hooks of pytest-xdist


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Send a new worker the id of the run."""
    from pytest_osfutures.plugin import xdist

    xdist.configure_node(node)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """Collect the spans, kept resources and failed deletions of a worker that has ended."""
    from pytest_osfutures.plugin import xdist

    del error
    xdist.collect_spans(node)
    failures = getattr(node, "workeroutput", {}).get("osfutures_failures")
    if failures or _is_in_use(node.config):  # on the embedded fake a controller joins no run
        from pytest_osfutures.plugin.session_end import collect_worker

        collect_worker(node)


@pytest.hookimpl(optionalhook=True)
def pytest_handlecrashitem(crashitem: str, report: Any) -> None:
    """Add the evidence of a crashed test, and the resources that it has left, to its report."""
    from pytest_osfutures.plugin.background import EVIDENCE
    from pytest_osfutures.plugin.xdist import CRASH_EVIDENCE

    config: pytest.Config = report.node.config
    if text := config.stash.get(CRASH_EVIDENCE, {}).pop(crashitem, None):
        report.sections.append((EVIDENCE, text))
    if _is_in_use(config):
        from pytest_osfutures.plugin.session_end import add_crash_section

        add_crash_section(config, crashitem, report)
