"""The examples and the README's quickstart run as they are documented."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
Started = dict[str, subprocess.Popen[str]]


COMMANDS = {
    "suites": ("-m", "pytest", "-p", "osfutures", "--os-cloud", "fake", "examples"),
    "blueprint": ("examples/blueprint.py",),
    "load": ("examples/load.py", "fake", "5"),
    "script": ("examples/script.py",),
    "unittest": ("-m", "unittest", "examples/test_unittest.py"),
}


@pytest.fixture(scope="module")
def started() -> Iterator[Started]:
    """Start all examples at the same time, without the clouds of this machine."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("OS_")}
    pipe = subprocess.PIPE
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(
                subprocess.Popen(
                    [sys.executable, *args], cwd=ROOT, env=env, stdout=pipe, stderr=pipe, text=True
                )
            )
            for name, args in COMMANDS.items()
        }


def output(process: subprocess.Popen[str]) -> str:
    """Return the output of a command that has to succeed."""
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, out + err
    return out


def test_suites_pass_on_the_fake(started: Started) -> None:
    assert re.search(r"\d+ passed", output(started["suites"]))


def test_blueprint_script_prints_its_steps(started: Started) -> None:
    lines = output(started["blueprint"]).splitlines()
    assert re.fullmatch(r"accepted: [0-9a-f-]{36} - done already\? False", lines[0])
    assert sorted(lines[1:3]) == ["ready: first ACTIVE", "ready: second ACTIVE"]
    assert lines[3:] == ["attached: in-use", "deleted: True"]


def test_load_script_prints_a_table(started: Started) -> None:
    head, *rows = output(started["load"]).splitlines()
    assert head.split()[:4] == ["operation", "count", "p50", "s"]
    found = [row.split()[:2] for row in rows]
    assert found == [["server.create", "5"], ["server.stop", "5"], ["server.delete", "5"]]


def test_scripts_with_scopes(started: Started) -> None:
    assert re.fullmatch(r"web has osf-\w+-\d+ as /dev/sdb\n", output(started["script"]))
    output(started["unittest"])


@pytest.mark.parametrize("script", ["blueprint.py nope", "load.py nope", "script.py --cloud nope"])
def test_unknown_cloud_ends_a_script_with_one_sentence(script: str, tmp_path: Path) -> None:
    name, *args = script.split()
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples" / name), *args],
        env=env,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "unknown cloud 'nope'" in done.stderr
    assert "Traceback" not in done.stderr


def test_quickstart_of_the_readme_passes(pytester: pytest.Pytester) -> None:
    (block,) = re.findall(
        r"```python\n(.*?def test_web.*?)```", (ROOT / "README.md").read_text(), re.S
    )
    pytester.makepyfile(block)
    pytester.runpytest_subprocess("--os-cloud=fake").assert_outcomes(passed=1)
