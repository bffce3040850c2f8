"""The value of a declared fixture: the future of the resource, while the fixture is set up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import pytest

from pytest_osfutures.errors import InvalidArgument
from pytest_osfutures.plugin.default_arguments import (
    arguments_fixture,
    checked,
    marked_arguments,
)
from pytest_osfutures.plugin.fixtures import current_run_session, failure, run_session_of
from pytest_osfutures.plugin.item_needs import ItemNeed, Key
from pytest_osfutures.plugin.need import Need
from pytest_osfutures.plugin.teardown import is_kept

if TYPE_CHECKING:
    from pytest_osfutures.futures import OperationFuture

__tracebackhide__ = True  # pytest: an error belongs to the line of the test


def use(
    declaration: Need, request: pytest.FixtureRequest, values: Mapping[str, Any]
) -> Iterator[OperationFuture[Any]]:
    """Yield the future of a declared need while its fixture is set up."""
    run_session = run_session_of(request.config)
    try:
        key = Key(declaration, request.node, getattr(request, "param_index", 0))
        need = declaration.with_param(getattr(request, "param", None))
        need = need.with_defaults(_given_arguments(declaration, request, values))
        instance = run_session.lookahead.claim(ItemNeed(key, need, {}), request, values)
    except InvalidArgument as error:
        raise failure(str(error)) from None
    run_session.usage.note(instance.future)
    yield instance.future
    if run_session is current_run_session(request.config):
        run_session.lookahead.release(instance)
        if is_kept(request.node):
            instance.scope.keep()
            instance.cost.clear()


def _given_arguments(
    declaration: Need, request: pytest.FixtureRequest, values: Mapping[str, Any]
) -> dict[str, Any]:
    name = arguments_fixture(declaration.factory)
    given = checked(name, values[name])
    if declaration.scope == "function":
        given.update(marked_arguments(request.node, declaration.factory))
    return given
