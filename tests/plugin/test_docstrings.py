"""The examples in the docstrings of fixtures and factories run on the embedded fake."""

from __future__ import annotations

import inspect
import textwrap

import pytest

from pytest_osfutures.plugin import factory_fixtures, fixtures, load_fixture
from pytest_osfutures.scopes import factories
from tests.plugin.test_factories import run

FACTORIES = """
    import doctest
    import importlib
    import pytest

    NAMES = {names!r}

    @pytest.mark.parametrize("module", {modules!r})
    def test_examples(module, request):
        found = importlib.import_module("pytest_osfutures.scopes.factories." + module)
        globs = {{name: request.getfixturevalue(name) for name in NAMES}}
        assert doctest.testmod(found, globs=globs).failed == 0
"""
#: Ends of the names of fixtures that refer to the fixture of a test for their examples.
OTHER_SCOPES = ("_class", "_module", "_session", "_shared")
SHARED = ["os_servers_shared", "os_volumes_shared", "os_snapshots_shared", "os_images_shared"]


@pytest.fixture(autouse=True)
def image_file(pytester: pytest.Pytester) -> None:
    """Provide the file that examples upload."""
    (pytester.path / "cirros.qcow2").write_bytes(b"data")


def documented() -> dict[str, str]:
    """Return the docstrings of the fixtures of a test by the names of the fixtures."""
    modules = (*factory_fixtures.MODULES, fixtures, load_fixture)
    return {
        name: inspect.cleandoc(inspect.getdoc(getattr(each, "__wrapped__", each)) or "")
        for module in modules
        for name, each in vars(module).items()
        if name.startswith("os_") and not name.endswith((*OTHER_SCOPES, "_args"))
    }


def test_examples_of_fixtures(pytester: pytest.Pytester) -> None:
    examples = {name: text.partition("Example:\n")[2] for name, text in documented().items()}
    assert all(examples.values()), examples
    text = "\n\n".join(map(textwrap.dedent, examples.values()))
    run(pytester, text).assert_outcomes(passed=len(examples))


def test_examples_of_factories(pytester: pytest.Pytester) -> None:
    names = [name for name in documented() if name != "os_cloud"] + SHARED
    run(pytester, FACTORIES.format(names=names, modules=factories.MODULES)).assert_outcomes(
        passed=len(factories.MODULES)
    )
