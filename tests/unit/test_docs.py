"""The pages of documentation name files, modules and headings that exist."""

from __future__ import annotations

import importlib
import importlib.util
import re
import runpy
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import pytest_osfutures as osf
from tests.unit import scripted
from tests.unit.operations import test_block_storage

TOP = Path(__file__).parents[2]
PACKAGE = TOP / "pytest_osfutures"
PAGES = [*(TOP / f"{name}.md" for name in ("README", "CONTRIBUTING", "SECURITY"))]
PAGES += sorted(TOP.glob("docs/*.md"))
#: Files that a page tells its readers to write.
WRITTEN_BY_READERS = {"test_web.py", "run.json", "old.json", "new.json"}
#: Repositories of services, whose files are sources of facts.
SERVICES = {"cinder", "designate", "glance", "heat", "ironic", "keystone", "manila", "neutron"}
SERVICES |= {"nova", "octavia", "placement", "tempest"}

pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def code(page: Path) -> Iterator[str]:
    """Yield the code spans and the lines of the code blocks of a page, without diffs."""
    text = re.sub(r"```diff\n.*?```", "", page.read_text(), flags=re.DOTALL)
    for block in re.findall(r"```\w*\n(.*?)```", text, flags=re.DOTALL):
        yield from block.splitlines()
    for line in text.splitlines():
        yield from [line] if line.startswith("    ") else re.findall(r"`([^`\n]+)`", line)


@pages
def test_files_in_code_exist(page: Path) -> None:
    named = {
        name
        for span in code(page)
        for name in re.findall(r"(?<![\w./<-])[\w-][\w./-]*\.(?:py|toml|md|json|txt)\b", span)
    }
    named |= {
        name for span in code(page) for name in re.findall(r"(?<![\w/.])tests/[\w./]*\w", span)
    }
    named = {name for name in named if name.partition("/")[0] not in SERVICES}
    missing = {name for name in named if not any((top / name).exists() for top in (TOP, PACKAGE))}
    assert missing <= WRITTEN_BY_READERS


@pages
def test_modules_and_attributes_in_code_exist(page: Path) -> None:
    for span in code(page):
        for name in re.findall(r"\bpytest_osfutures(?:\.\w+)+", span):
            assert resolve(name) is not None, name
        for name in re.findall(r"\bosf\.(\w+)", span):
            assert hasattr(osf, name), name
        for name in re.findall(r"python -m ((?:tests|benchmarks)[\w.]*)", span):
            assert importlib.util.find_spec(name) is not None, name


def resolve(name: str) -> object:
    """Import the longest prefix of a dotted name; return the attribute that the rest names."""
    module, *rest = name.split(".")
    found: object = importlib.import_module(module)
    for part in rest:
        if not hasattr(found, part) and isinstance(found, ModuleType):
            importlib.import_module(f"{found.__name__}.{part}")
        found = getattr(found, part)
    return found


@pages
def test_links_lead_to_files_and_headings(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", page.read_text()):
        path, _, heading = target.partition("#")
        file = page.parent / path if path else page
        assert file.exists(), target
        assert not heading or heading in set(anchors(file)), target


def anchors(page: Path) -> Iterator[str]:
    """Yield the anchors of a page: its headings as GitHub writes them, and explicit ids."""
    text = page.read_text()
    for title in re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE):
        yield re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
    yield from re.findall(r'<a (?:id|name)="([^"]+)">', text)


def test_diffs_of_the_contributing_page_fit_the_code() -> None:
    text = (TOP / "CONTRIBUTING.md").read_text()
    diffs = re.findall(r"```diff\n(.*?)```", text, flags=re.DOTALL)
    assert diffs
    for diff in diffs:
        assert fits(diff) or fits(diff, "--reverse"), diff


def fits(diff: str, *options: str) -> bool:
    """Return True if `git apply` accepts the diff."""
    command = ["git", "apply", "--check", "-C1", *options]
    return subprocess.run(command, cwd=TOP, input=diff, text=True, check=False).returncode == 0


def test_the_example_operation_of_the_contributing_page_passes_its_test(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (TOP / "CONTRIBUTING.md").read_text()
    section = text[text.index("## Add an operation") : text.index("## Add a resource type")]
    diff = re.findall(r"```diff\n(.*?)```", section, flags=re.DOTALL)[0]
    code = re.findall(r"```python\n(.*?)```", section, flags=re.DOTALL)[0]
    module = "pytest_osfutures/operations/block_storage.py"
    (tmp_path / module).parent.mkdir(parents=True)
    shutil.copy(TOP / module, tmp_path / module)
    command = ["git", "apply", "-C1"]
    subprocess.run(command, cwd=tmp_path, input=diff, text=True, check=True)
    for row in runpy.run_path(str(tmp_path / module))["OPERATIONS"]:
        monkeypatch.setitem(scripted.ROWS, row.name, row)
    namespace = vars(test_block_storage).copy()
    exec(code, namespace)
    (name,) = re.findall(r"def (test_\w+)", code)
    namespace[name]()
