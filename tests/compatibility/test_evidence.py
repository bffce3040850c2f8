"""Evidence of failed tests beside plugins that repeat, end or report tests."""

from __future__ import annotations

import json
import re

import pytest

from pytest_osfutures.fakecloud import FakeCloud
from pytest_osfutures.fakecloud.kernel.faults import Fault
from tests.chaos.suite import holder
from tests.compatibility.conftest import Run

#: A fixture with a server that stays in its last state; the time of set-up does not count.
SLOW = """
    import asyncio
    import time
    import pytest
    import pytest_osfutures as osf

    @pytest.fixture
    def slow(os_servers):
        future = os_servers.create_async("slow")
        while not (future.history and future.history[-1].task_state == "spawning"):
            time.sleep(0.01)
        return future
"""
PLAIN = """
    def test_plain(slow, os_servers):
        osf.gather(slow, os_servers.create_async("other"))
"""
AWAITED = """
    def test_awaited(slow):
        async def wait():
            await slow

        asyncio.run(wait())
"""
TIMEOUT = ("--timeout=1", "-otimeout_func_only=true")
WAITING = (
    r"^waiting since 20\d\d-\S+Z \(\d+\.\d s\) for server.create of 'slow' \(\S+\): "
    r"running for \d+\.\d s, last status BUILD \(spawning\)$"
)
FAILING = """
    def test_failed(os_servers):
        os_servers.create_async("web").result()
        assert 0

    def test_passed(os_servers):
        os_servers.create_async("web").result()
"""
TITLE = r"^-+ osfutures: evidence -+$"


def names(pytester: pytest.Pytester) -> set[str]:
    """Return the ends of the paths of files with evidence, after the names of the tests."""
    paths = (pytester.path / "test-results" / "osfutures").rglob("*.txt")
    return {f"{each.parent.name}/{each.name}".partition("_failed")[2] for each in paths}


@pytest.mark.parametrize("artifacts", ["retain-on-failure", "off"])
@pytest.mark.parametrize("text", [PLAIN, AWAITED], ids=["plain", "awaited"])
def test_a_timeout_by_a_signal_tells_the_waits(
    run: Run, served: FakeCloud, artifacts: str, text: str
) -> None:
    pytest.importorskip("pytest_timeout")
    served.faults.add(Fault("stuck", operation="server.create"))
    options = (*TIMEOUT, "--timeout-method=signal", f"--os-artifacts={artifacts}")
    result = run("pytest_timeout", SLOW + text, *options)
    result.assert_outcomes(failed=1)
    assert re.search(WAITING, result.stdout.str(), re.MULTILINE)
    told = re.search(r"^server 'slow' \(\S+\): BUILD", result.stdout.str(), re.MULTILINE)
    assert (told is None) == (artifacts == "off")


@pytest.mark.parametrize("workers", [(), ("-n1",)], ids=["alone", "worker"])
def test_a_timeout_that_ends_the_process_tells_the_waits(
    run: Run, served: FakeCloud, pytester: pytest.Pytester, workers: tuple[str, ...]
) -> None:
    pytest.importorskip("pytest_timeout")
    served.faults.add(Fault("stuck", operation="server.create"))
    options = (*TIMEOUT, "--timeout-method=thread", *workers)
    result = run("pytest_timeout", SLOW + PLAIN, *options)
    assert re.search(WAITING, result.stdout.str(), re.MULTILINE)
    assert any((pytester.path / "test-results").rglob("call.txt"))
    while any(holder(lock) for lock in pytester.path.glob("*.reaper.lock")):
        served.clock.sleep(1.0)  # a reaper without its cloud would go on for an hour
    assert not [row for row in served.alive() if row["kind"] == "server"]


def test_reruns_and_workers_have_folders_of_their_own(run: Run, pytester: pytest.Pytester) -> None:
    pytest.importorskip("pytest_rerunfailures")
    options = ("--reruns=1", "--tx=2*popen", "--dist=each")
    result = run("pytest_rerunfailures", FAILING, *options)
    assert result.parseoutcomes() == {"failed": 2, "passed": 2, "rerun": 2}
    assert len(re.findall(TITLE, result.stdout.str(), re.MULTILINE)) == 2
    found = {re.sub("-[0-9a-f]{8}", "", each) for each in names(pytester)}
    ends = ("-gw0", "-gw0-rerun1", "-gw1", "-gw1-rerun1")
    assert found == {f"{each}/call.txt" for each in ends}


@pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["alone", "workers"])
def test_html_has_attachments(
    run: Run, served: FakeCloud, pytester: pytest.Pytester, workers: tuple[str, ...]
) -> None:
    pytest.importorskip("pytest_html")
    served.settings.console_output = "BOOT of web"
    page = pytester.path / "report.html"
    pytester.makeini("[pytest]\naddopts = -p pytest_metadata.plugin -p pytest_html.fixtures")
    result = run("pytest_html.plugin", FAILING, f"--html={page}", *workers)
    result.assert_outcomes(passed=1, failed=1)
    assets = [path.read_text() for path in (pytester.path / "assets").glob("*.txt")]
    assert sorted(each.partition(" ")[0] for each in assets) == ["BOOT", "server"]
    assert "OpenStack evidence of the call" in page.read_text()


def test_allure_has_attachments(run: Run, served: FakeCloud, pytester: pytest.Pytester) -> None:
    pytest.importorskip("allure_pytest")
    served.settings.console_output = "BOOT of web"
    place = pytester.path / "allure"
    result = run("allure_pytest.plugin", FAILING, f"--alluredir={place}")
    result.assert_outcomes(passed=1, failed=1)
    results = (json.loads(each.read_text()) for each in place.glob("*-result.json"))
    attached = {each["name"]: each.get("attachments", []) for each in results}
    assert attached["test_passed"] == []
    evidence, console = ((place / each["source"]).read_text() for each in attached["test_failed"])
    assert evidence.startswith("server 'web'")
    assert console.startswith("BOOT of")
