"""Warnings about retries and unwatched failures (--os-retries, --os-unwatched)."""

from __future__ import annotations

import warnings
from collections.abc import Generator, Sequence

import pytest

from pytest_osfutures.errors import OSFuturesError, RetryWarning, UnwatchedWarning
from pytest_osfutures.plugin import options
from pytest_osfutures.plugin.fixtures import current_run_session, failure

#: The name of the plugin with the hooks.
NAME = "osfutures-traces"


def register_traces(config: pytest.Config) -> None:
    """Register the hooks, once."""
    if not config.pluginmanager.has_plugin(NAME):
        config.pluginmanager.register(Traces(), NAME)


class Traces:
    """The hooks that tell tests of their retries and unwatched failures."""

    def __init__(self) -> None:
        #: The ids of tests, classes and modules that have ended, and were not told yet.
        self._ending: set[str] = set()

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(
        self, request: pytest.FixtureRequest
    ) -> Generator[None, object, object]:
        """Note the node at whose end a fixture ends, for the calls of the fixture."""
        run_session = current_run_session(request.config)
        if run_session is None:
            return (yield)
        nodes = run_session.recorder.outcomes.fixture_nodes
        nodes.append(request.node.nodeid)
        try:
            return (yield)
        finally:
            nodes.pop()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, object, object]:
        """Tell of the retries so far; with --os-retries=fail a test that has passed fails."""
        result = yield
        fail_with(tell_retries(item), item)
        return result

    @pytest.hookimpl(tryfirst=True, specname="pytest_runtest_teardown")
    def pytest_osfutures_begin_teardown(
        self, item: pytest.Item, nextitem: pytest.Item | None
    ) -> None:
        """Note the test and the scopes that end."""
        run_session = current_run_session(item.config)
        if run_session is None:
            return
        coming = set() if nextitem is None else set(nextitem.listchain())
        ending = {each.nodeid for each in item.listchain() if each not in coming} | {item.nodeid}
        run_session.recorder.outcomes.end_keepers(ending)
        self._ending |= ending

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> None:
        """Tell of the retries and unwatched failures of a test, and of scopes that it ends.

        pytest skips this after an error of a fixture; the next test does the same then.
        """
        ending, self._ending = self._ending, set()
        fail_with([*tell_retries(item), *tell_unwatched(item, ending)], item)


#: Pairs of a test's id and the sentence with which the test fails.
Failures = list[tuple[str, str]]


def tell_retries(item: pytest.Item) -> Failures:
    """Warn of retries; return the sentences with which tests fail, by --os-retries."""
    run_session = current_run_session(item.config)
    if run_session is None:
        return []
    found = run_session.recorder.outcomes.take_retried()
    told = [(each.test, RetryWarning(each.retry_sentence())) for each in found]
    return _tell(item, told, options.RETRIES.value(item.config) or "warn")


def tell_unwatched(item: pytest.Item, keepers: set[str] | None) -> Failures:
    """Warn of unwatched failures; return the sentences with which tests fail, by --os-unwatched.

    Args:
        item: the test that runs or has run last.
        keepers: ids of the test, classes and modules that end; None for all.
    """
    run_session = current_run_session(item.config)
    if run_session is None:
        return []
    found = run_session.recorder.outcomes.take_unwatched(keepers)
    told = [(each.test, UnwatchedWarning(each.unwatched_sentence())) for each in found]
    return _tell(item, told, options.UNWATCHED.value(item.config) or "warn")


def tell_rest(session: pytest.Session) -> None:
    """Tell of the retries and unwatched failures that no test was told of."""
    run_session = current_run_session(session.config)
    if run_session is not None and session.items:
        last = session.items[-1]
        run_session.background.add_failures([*tell_retries(last), *tell_unwatched(last, None)])


def _tell(
    item: pytest.Item, told: Sequence[tuple[str, RetryWarning | UnwatchedWarning]], how: str
) -> Failures:
    failures: Failures = []
    for test, warning in told:
        owner = _find(item, test)
        if how == "fail":
            failures.append((owner.nodeid, str(warning)))
        elif how == "warn":
            try:
                _warn(owner, warning)
            except OSFuturesError as raised:  # a filter of warnings turns it into an error
                failures.append((owner.nodeid, f"{type(raised).__name__}: {raised}"))
    return failures


def _find(item: pytest.Item, test: str) -> pytest.Item:
    """Return the test with an id, or `item` if there is none."""
    if item.nodeid == test:
        return item
    return next((each for each in item.session.items if each.nodeid == test), item)


def _warn(item: pytest.Item, warning: RetryWarning | UnwatchedWarning) -> None:
    """Add a warning of a test to the summary of warnings, unless a filter ignores it."""
    place = str(item.path), (item.location[1] or 0) + 1
    if not item.config.pluginmanager.has_plugin("warnings"):
        warnings.warn_explicit(warning, type(warning), *place)
        return
    with warnings.catch_warnings(record=True) as log:
        warnings.warn_explicit(warning, type(warning), *place)
    for message in log:
        item.config.hook.pytest_warning_recorded.call_historic(
            kwargs={
                "warning_message": message,
                "nodeid": item.nodeid,
                "when": "runtest",
                "location": None,
            }
        )


def fail_with(failures: Failures, item: pytest.Item) -> None:
    """Fail the running test; failures of other tests become errors of these.

    Raises:
        pytest.fail.Exception: the running test fails.
    """
    run_session = current_run_session(item.config)
    assert run_session is not None or not failures
    if run_session is not None:
        run_session.background.add_failures(each for each in failures if each[0] != item.nodeid)
    if own := [text for test, text in failures if test == item.nodeid]:
        raise failure("\n".join(own))
