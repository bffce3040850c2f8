"""The examples in the docstrings of the public modules run, on the embedded fake."""

from __future__ import annotations

import doctest
import importlib.util

import pytest

import pytest_osfutures as osf

PUBLIC = [getattr(osf, name) for names in osf._PLACES.values() for name in names]
#: The modules that define the public names.
MODULES = sorted({each.__module__ for each in PUBLIC if hasattr(each, "__module__")})
MODULES += ["pytest_osfutures.ready.make"]
if importlib.util.find_spec("asyncssh"):  # the extra `ssh`
    MODULES += ["pytest_osfutures.ready.jump"]


def examples(module: str) -> list[doctest.DocTest]:
    """The docstrings of a module that have examples."""
    found = doctest.DocTestFinder().find(importlib.import_module(module))
    return [each for each in found if each.examples]


@pytest.mark.parametrize(
    "example",
    [pytest.param(each, id=each.name) for module in MODULES for each in examples(module)],
)
def test_docstring_example_runs(example: doctest.DocTest) -> None:
    output: list[str] = []
    example.globs |= {"osf": osf, "cloud": osf.connect("fake")}
    result = doctest.DocTestRunner(verbose=False).run(example, out=output.append)
    assert result.failed == 0, "".join(output)


@pytest.mark.parametrize(
    "name",
    [
        "futures.future.OperationFuture.next",
        "futures.future.OperationFuture.result",
        "futures.future.OperationFuture.undo",
        "policy.Poll",
        "policy.Retry",
        "futures.waiting.as_completed",
        "futures.waiting.gather",
        "futures.waiting.wait",
    ],
)
def test_public_name_has_an_example(name: str) -> None:
    assert f"pytest_osfutures.{name}" in [
        each.name for module in MODULES for each in examples(module)
    ]
