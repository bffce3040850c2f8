"""Who may import whom (design, section 3)."""

from __future__ import annotations

import ast
import functools
import inspect
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import pytest_osfutures

NAME = "pytest_osfutures"
PACKAGE = Path(inspect.getfile(pytest_osfutures)).parent
CLIENTS = {
    "requests",
    "keystoneauth1",
    "novaclient",
    "cinderclient",
    "openstack",
    "os_service_types",
}
#: Group 1: the standard library and each other, downwards; no I/O to a cloud.
SPINE = {
    "errors", "clock", "policy", "future", "waiting", "operation",
    "verdict", "watch", "snapshot", "pool", "monitor", "engine", "bucket", "timers", "room",
    "group", "width", "responses", "redaction",
}  # fmt: skip


def modules() -> dict[str, Path]:
    """Every module of the package by its name below the package."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        found[".".join(part for part in parts if part != "__init__")] = path
    return found


MODULES = modules()


@functools.cache
def imports(path: Path, *, deferred: bool) -> tuple[str, ...]:
    """The modules that a file imports: at once or, with `deferred`, also within functions."""
    return tuple(_imports(path, deferred))


def _imports(path: Path, deferred: bool) -> Iterator[str]:
    waiting: list[ast.AST] = [ast.parse(path.read_text())]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            module = node.module or ""
            yield module
            yield from (
                f"{module}.{alias.name}"
                for alias in node.names
                if f"{module}.{alias.name}".removeprefix(f"{NAME}.") in MODULES
            )
        elif isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        elif deferred or not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            waiting.extend(ast.iter_child_nodes(node))


def own(path: Path, *, deferred: bool) -> set[str]:
    """The package's own modules that a file imports."""
    found = {each for each in imports(path, deferred=deferred) if each.split(".")[0] == NAME}
    return {each.removeprefix(NAME).removeprefix(".") for each in found} - {""}


def foreign(path: Path, *, deferred: bool) -> set[str]:
    """The top-level packages of others that a file imports."""
    return {each.split(".")[0] for each in imports(path, deferred=deferred)} - {NAME}


def below(name: str, *folders: str) -> bool:
    return any(name == folder or name.startswith(f"{folder}.") for folder in folders)


@pytest.mark.parametrize("name", sorted(SPINE))
def test_1_the_spine_needs_the_standard_library_only(name: str) -> None:
    path = MODULES[name]
    assert foreign(path, deferred=True) <= set(sys.stdlib_module_names) | {"__future__"}
    outside = own(path, deferred=True) - SPINE
    assert not outside


def test_1_imports_go_downwards_everywhere() -> None:
    graph = {name: own(path, deferred=False) & set(MODULES) for name, path in MODULES.items()}
    for name, used in graph.items():
        used.discard(name)
        # A package is imported with its modules, which is no use of the package itself.
        used -= {each for each in used if name.startswith(f"{each}.")}
    tuple(TopologicalSorter(graph).static_order())


@pytest.mark.parametrize("name", [each for each in MODULES if below(each, "services")])
def test_2_the_tables_need_only_their_types(name: str) -> None:
    allowed = {"operation", "policy", "services", "stamp"}
    used = {each for each in own(MODULES[name], deferred=True) if not below(each, "services")}
    assert used <= allowed
    assert foreign(MODULES[name], deferred=True) <= set(sys.stdlib_module_names) | {"__future__"}


@pytest.mark.parametrize("name", [each for each in MODULES if below(each, "clients")])
def test_2_client_libraries_are_imported_when_they_are_used(name: str) -> None:
    assert not foreign(MODULES[name], deferred=False) & CLIENTS
    vendors = foreign(MODULES[name], deferred=True) & {"novaclient", "cinderclient", "openstack"}
    own_vendor = {"openstacksdk": "openstack"}.get(name.split(".")[-1], name.split(".")[-1])
    assert vendors <= {own_vendor}


def test_3_only_the_plugin_imports_pytest() -> None:
    users = {
        name
        for name, path in MODULES.items()
        if foreign(path, deferred=True) & {"pytest", "_pytest", "xdist", "pluggy"}
    }
    assert all(below(name, "plugin", "factories") for name in users), users


@pytest.mark.parametrize("name", [each for each in MODULES if below(each, "fakecloud")])
def test_4_the_fake_shares_no_knowledge_with_the_tables(name: str) -> None:
    used = own(MODULES[name], deferred=True)
    assert {each for each in used if not below(each, "fakecloud", "clock")} == set()


def test_4_the_tables_share_no_knowledge_with_the_fake() -> None:
    for name, path in MODULES.items():
        if below(name, "services", *SPINE):
            assert not {each for each in own(path, deferred=True) if below(each, "fakecloud")}


@pytest.mark.parametrize(
    "program",
    [
        "import pytest_osfutures",
        "from pytest_osfutures import Engine, OperationFuture, Poll, Retry, gather",
        "import pytest_osfutures.services, pytest_osfutures.submission",
    ],
)
def test_importing_it_imports_no_client(program: str) -> None:
    shown = f"import sys; {program}; print(*({sorted(CLIENTS)!r} & sys.modules.keys()))"
    shown = shown.replace("[", "{").replace("]", "}")
    done = subprocess.run(
        [sys.executable, "-c", shown],
        capture_output=True,
        text=True,
        check=True,
        cwd=PACKAGE.parent,
    )
    assert done.stdout.split() == []


def test_the_walk_finds_imports() -> None:
    assert "errors" in own(MODULES["policy"], deferred=False)
    assert "keystoneauth1" in foreign(MODULES["source"], deferred=True)
    assert "keystoneauth1" not in foreign(MODULES["source"], deferred=False)
