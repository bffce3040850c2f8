"""The live line: what a run waits for, on a terminal and in the log."""

from __future__ import annotations

import re

import pytest

from tests.plugin.terminal import run_in_terminal, screen_of

CONFTEST = """
from pytest_osfutures.plugin import progress
progress.PATIENCE, progress.PAUSE = 0.3, 0.1
"""
SUITE = """
    import pytest
    import pytest_osfutures as osf
    from pytest_osfutures.fakecloud import Fault

    def late(cloud, operation):
        cloud.fake.faults.add(Fault("late", operation=operation, seconds=SECONDS))

    @pytest.fixture
    def disk(os_cloud, os_volumes):
        late(os_cloud, "volume.create")
        return os_volumes.create_async().result()

    def test_setup(disk):
        print("hello")

    def test_call(os_cloud, os_servers):
        late(os_cloud, "server.create")
        osf.gather(os_servers.create_async(), os_servers.create_async())

    def test_teardown(os_cloud, os_servers):
        os_cloud.fake.faults.clear()
        late(os_cloud, "server.delete")
        os_servers.create_async().result()

    def test_failed():
        assert 0
"""
WAYS = {
    "rich": ["-p", "no:sugar"],
    "verbose": ["-p", "no:sugar", "-v", "--capture=sys"],
    "uncaptured": ["-p", "no:sugar", "-s"],
    "workers": ["-p", "no:sugar", "-n2", "--dist=loadfile"],
    "sugar": [],
}


def run(pytester: pytest.Pytester, *options: str, **environment: str) -> str:
    """Run the suite in a terminal."""
    pytester.makeconftest(CONFTEST)
    seconds = 60 if "-n2" in options else 20  # workers send their states once a second
    pytester.makepyfile(test_it=f"    SECONDS = {seconds}\n{SUITE}")
    options = ("--os-cloud=fake", "-p", "no:cacheprovider", *options)
    return run_in_terminal([str(pytester.path), *options], environment)


@pytest.mark.parametrize(
    "way",
    [
        "rich",
        "workers",
        *(pytest.param(each, marks=pytest.mark.slow) for each in WAYS if each[0] in "vus"),
    ],
)
def test_a_line_tells_what_the_run_waits_for(pytester: pytest.Pytester, way: str) -> None:
    if way == "sugar":
        pytest.importorskip("pytest_sugar")
    written = run(pytester, *WAYS[way])
    for text in (
        r"waiting for 1 volume: 1 creating, \d s",
        r"waiting for 2 servers: 2 BUILD/spawning, \d s",
        r"waiting for the deletion of 1 server: 1 ACTIVE/deleting, \d s",
    ):
        assert re.search(text, written), text
    screen = screen_of(written)
    assert not [line for line in screen if "waiting for" in line]
    assert any("1 failed, 3 passed" in line or "3 passed" in line for line in screen)
    if way == "rich":
        assert any(re.match(r"test_it\.py \.\.\.F +\[100%\]", line) for line in screen)
    if way == "verbose":
        assert any(re.match(r"test_it\.py::test_call PASSED +\[ 50%\]", line) for line in screen)
    if way == "uncaptured":
        assert any("hello" in line for line in screen)


def test_the_line_is_plain_without_rich(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(rich="raise ImportError")
    written = run(pytester, "-p", "no:sugar", PYTHONPATH=str(pytester.path))
    assert re.search(r"\r\x1b\[2Kwaiting for 2 servers: 2 BUILD/spawning, \d s", written)
    assert not [line for line in screen_of(written) if "waiting for" in line]


@pytest.mark.slow
@pytest.mark.parametrize("environment", [{"TERM": "dumb"}, {"TERM": ""}])
def test_no_line_on_a_dumb_terminal(pytester: pytest.Pytester, environment: dict[str, str]) -> None:
    assert "waiting for" not in run(pytester, "-p", "no:sugar", **environment)


@pytest.mark.slow
def test_the_line_has_no_color_if_the_user_wants_none(pytester: pytest.Pytester) -> None:
    written = run(pytester, "-p", "no:sugar", NO_COLOR="1")
    colors = re.findall(r"\x1b\[([0-9;]*)m", written)
    assert "waiting for" in written
    assert not [each for each in colors if re.search(r"\b[349][0-7]\b", each)]


def test_the_log_tells_of_long_waits_without_a_terminal(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(CONFTEST + "progress.LOG_PAUSE = 0.5\n")
    pytester.makepyfile(test_it=f"    SECONDS = 20\n{SUITE}")
    result = pytester.runpytest_inprocess(
        "--os-cloud=fake", "-rP", "--log-level=DEBUG", "-p", "no:sugar"
    )
    result.assert_outcomes(passed=3, failed=1)
    lines = [line for line in result.outlines if "osfutures:" in line]
    told = [line for line in lines if "waiting for 2 servers" in line]
    assert told
    assert all(line.startswith("INFO ") for line in told)
    assert [line for line in lines if re.match(r"DEBUG .*server\.create \(\S+\) is accepted", line)]
    assert [line for line in lines if re.match(r"DEBUG .*server\.create \(\S+\) is done", line)]
    assert [line for line in lines if re.match(r"INFO .*undo of server\.create \(\S+\): do", line)]
    assert not [line for line in result.outlines if line.startswith("waiting for")]
