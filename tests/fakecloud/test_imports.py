"""The fake shares no table and no code with the product but the clock."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest_osfutures.fakecloud

ROOT = Path(pytest_osfutures.fakecloud.__file__).parent
ALLOWED = ("pytest_osfutures.fakecloud", "pytest_osfutures.clock")
LAZY = {"aiohttp", "requests", "keystoneauth1"}  # only inside functions, or for types


def imported(tree: ast.AST) -> Iterator[str]:
    """The modules that `tree` imports, wherever in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            yield node.module or ""


def test_only_the_clock_is_shared() -> None:
    files = list(ROOT.rglob("*.py"))
    assert files
    for path in files:
        for name in imported(ast.parse(path.read_text())):
            if name.split(".")[0] == "pytest_osfutures":
                assert name.startswith(ALLOWED), f"{path.relative_to(ROOT)} imports {name}"


def test_http_libraries_are_imported_late() -> None:
    for path in ROOT.rglob("*.py"):
        tree = ast.parse(path.read_text())
        for node in tree.body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                top = {name.split(".")[0] for name in imported(node)}
                assert not top & LAZY, f"{path.relative_to(ROOT)} imports {top & LAZY}"
