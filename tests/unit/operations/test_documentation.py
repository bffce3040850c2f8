"""docs/operations.md has an anchor for each operation, and each reference to it resolves."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_osfutures.operations import TABLE

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "docs" / "operations.md").read_text()
ANCHORS = Counter(re.findall(r'<a id="([\w-]+)"></a>', TEXT))
NAMES = sorted({operation.name for operation in TABLE.operations})


def anchor(name: str) -> str:
    """Return the anchor of an operation."""
    return re.sub(r"[._ ]", "-", name)


def references() -> Iterator[tuple[str, str]]:
    """Yield the files that refer to an anchor, with the anchors."""
    for folder in ("pytest_osfutures", "tests", "docs"):
        for path in (ROOT / folder).rglob("*"):
            if path.suffix in (".py", ".md"):
                text = path.read_text()
                for group in re.findall(
                    r"operations\.md((?:#[\w-]+(?:,? (?:and|to) (?=#))?)+)", text
                ):
                    for name in re.findall(r"#([\w-]+)", group):
                        yield str(path.relative_to(ROOT)), name


@pytest.mark.parametrize("name", NAMES)
def test_each_operation_has_one_anchor(name: str) -> None:
    assert ANCHORS[anchor(name)] == 1
    assert f'<a id="{anchor(name)}"></a>`{name}` |' in TEXT


def test_each_reference_resolves() -> None:
    found = list(references())
    assert len(found) > 10
    assert [each for each in found if each[1] not in ANCHORS] == []
    assert [name for name in re.findall(r"\]\(#([\w-]+)\)", TEXT) if name not in ANCHORS] == []


def test_no_anchor_is_left_of_an_operation_that_is_gone() -> None:
    rows = re.findall(r'\| <a id="[\w-]+"></a>`([^`]+)` \|', TEXT)
    assert sorted(rows) == NAMES
