"""The examples in the docstrings of the public modules run, on the embedded fake."""

from __future__ import annotations

import doctest
import importlib

import pytest

import pytest_osfutures as osf

MODULES = sorted(osf._PLACES)


def examples(module: str) -> list[doctest.DocTest]:
    """The docstrings of a module of the package that have examples."""
    found = doctest.DocTestFinder().find(importlib.import_module(f"pytest_osfutures.{module}"))
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
        "future.OperationFuture.next",
        "future.OperationFuture.result",
        "future.OperationFuture.undo",
        "policy.Poll",
        "policy.Retry",
        "waiting.as_completed",
        "waiting.gather",
        "waiting.wait",
    ],
)
def test_public_name_has_an_example(name: str) -> None:
    module = name.partition(".")[0]
    assert f"pytest_osfutures.{name}" in [each.name for each in examples(module)]
