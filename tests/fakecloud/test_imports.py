"""The fake imports its HTTP libraries lazily."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest_osfutures.fakecloud

ROOT = Path(pytest_osfutures.fakecloud.__file__).parent
LAZY = {"aiohttp", "requests", "keystoneauth1"}  #: imported inside functions, or for types


def imported(tree: ast.AST) -> Iterator[str]:
    """Yield the modules that `tree` imports at any level."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            yield node.module or ""


def test_http_libraries_are_imported_lazily() -> None:
    for path in ROOT.rglob("*.py"):
        tree = ast.parse(path.read_text())
        for node in tree.body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                top = {name.split(".")[0] for name in imported(node)}
                assert not top & LAZY, f"{path.relative_to(ROOT)} imports {top & LAZY}"
