"""mypy and pyright reveal the types of a user's suite, and find its mistakes."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

SUITE = Path(__file__).parent / "suite.py"
ROOT = SUITE.parents[2]
#: The words of a type checker by the line of the suite.
Words = dict[int, list[tuple[str, str]]]


def mypy() -> Words:
    """Return (severity, message) of each line as mypy says them."""
    pytest.importorskip("mypy", reason="the dependency group `types` is not installed")
    words: Words = {}
    command = [sys.executable, "-m", "mypy", "--output=json", "--config-file=pyproject.toml"]
    for line in output([*command, str(SUITE)]).splitlines():
        found = json.loads(line)
        words.setdefault(found["line"], []).append((found["severity"], found["message"]))
    return words


def pyright() -> Words:
    """Return (severity, message) of each line as pyright says them."""
    pytest.importorskip("pyright", reason="the dependency group `types` is not installed")
    words: Words = {}
    command = [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable]
    for found in json.loads(output([*command, str(SUITE)]))["generalDiagnostics"]:
        line = found["range"]["start"]["line"] + 1
        words.setdefault(line, []).append((found["severity"], found["message"]))
    return words


def output(command: list[str]) -> str:
    """Return the standard output of a type checker, which exits with 1 after errors."""
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stdout


def revealed(words: list[tuple[str, str]]) -> list[str]:
    """Return the types in `Revealed type is "T"` and `Type of "x" is "T"`, without modules."""
    found = [re.search(r'(?:Revealed type|Type of .*) is "(.*)"', text, re.S) for _, text in words]
    types = [match[1] for match in found if match]
    return [re.sub(r"(?:\w+\.)+(?=\w)", "", text).replace("builtins.", "") for text in types]


@pytest.mark.parametrize("checker", [mypy, pyright])
def test_a_type_checker_knows_the_types_and_finds_the_mistakes(
    checker: Callable[[], Words],
) -> None:
    words, wrong = checker(), []
    for number, line in enumerate(SUITE.read_text().splitlines(), 1):
        said = words.get(number, [])
        mistaken = any(severity == "error" for severity, _ in said)
        expected = re.search(r"# reveals: (.*)", line)
        if expected and expected[1] not in revealed(said):
            wrong.append(f"{number}: expected {expected[1]}, got {said}")
        elif mistaken is not line.endswith("# error"):
            wrong.append(f"{number}: {line.strip()}: {said}")
    assert not wrong, "\n".join(wrong)
