"""The teardown of fixtures: their scopes are kept, deleted, or deleted in the background."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from pytest_osfutures.plugin import options
from pytest_osfutures.plugin.failed_nodes import has_failed
from pytest_osfutures.plugin.fixtures import Node, current_run_session, failure
from pytest_osfutures.scopes import Scope, merged

if TYPE_CHECKING:
    from pytest_osfutures.plugin.run import RunSession
    from pytest_osfutures.scopes import SharedScope

_log = logging.getLogger("osfutures")


def close_scope(scope: Scope | SharedScope, request: pytest.FixtureRequest) -> None:
    """Delete or keep the resources of a scope, as --os-keep and --os-teardown say."""
    run_session = scope.run_session
    if run_session is not current_run_session(request.config):
        return  # a fork of the process that owns the scope and goes on using it
    with _failures():
        if is_kept(request.node):
            scope.keep()
        elif not run_session.deletes_in_background:
            scope.close()
        elif isinstance(scope, Scope):
            run_session.closing.append(scope)
        else:
            run_session.background.close(scope)


def is_kept(node: Node) -> bool:
    """Return True if --os-keep keeps the resources of a test, class, module or session."""
    keep = options.run_settings(node.config).keep
    return keep == "always" or (keep == "failed" and has_failed(node))


def end_test(run_session: RunSession) -> None:
    """Delete the resources of the fixtures that were torn down at the end of a test.

    All go together, so that servers go before the networks that they use.
    """
    lookahead = run_session.lookahead
    if lookahead.is_on and not run_session.worker:
        lookahead.end_fixtures()
    if run_session.deletes_in_background:
        run_session.delete_released()
        return
    if released := lookahead.take_released():
        whole = merged(released)
        whole.gone = lookahead.gone
        with _failures():
            whole.close()


@contextmanager
def _failures() -> Iterator[None]:
    """Turn errors into failures that pytest shows as their text."""
    try:
        yield
    except Exception as error:
        _log.debug("a teardown failed", exc_info=True)
        ours = type(error).__module__.startswith("pytest_osfutures.")
        text = str(error) if ours else f"{type(error).__name__}: {error}"
        raise failure(f"osfutures: {text}") from None
