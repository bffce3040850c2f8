"""The examples in docstrings and in docs/fakecloud.md run."""

from __future__ import annotations

import doctest
import re
from pathlib import Path
from types import ModuleType

import pytest

from pytest_osfutures.fakecloud import cloud
from pytest_osfutures.fakecloud.kernel import faults
from pytest_osfutures.fakecloud.shells import inprocess, server

PAGE = Path(__file__).parents[2] / "docs" / "fakecloud.md"


@pytest.mark.parametrize("module", [cloud, inprocess, server], ids=lambda module: module.__name__)
def test_docstring_examples(module: ModuleType) -> None:
    result = doctest.testmod(module)
    assert result.attempted
    assert not result.failed


def test_python_examples_of_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    exec(compile(code, PAGE.name, "exec"), {})  # the page's own code
    assert capsys.readouterr().out == "{'servers': []}\n"


def test_page_lists_all_effects() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (requests|operations) \|", PAGE.read_text(), re.MULTILINE)
    effects = {"requests": faults.REQUEST_EFFECTS, "operations": faults.OPERATION_EFFECTS}
    assert sorted(rows) == sorted((name, kind) for kind, names in effects.items() for name in names)
