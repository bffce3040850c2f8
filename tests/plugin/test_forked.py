"""Fixtures work in forked processes: with pytest-forked, and in tests that fork."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_osfutures.fakecloud import FakeCloud

#: A conftest.py that runs each test in a child process, as pytest-forked does.
FORKING = """
import os, pickle
from _pytest.runner import runtestprotocol
import pytest

def pytest_addoption(parser):
    parser.addoption("{option}", action="store_true")

@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item):
    if not item.config.getoption("{option}"):
        return None
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    ours, theirs = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            with open(theirs, "wb") as pipe:
                reports = runtestprotocol(item, log=False)
                pickle.dump(reports, pipe)
        finally:
            os._exit(0)
    os.close(theirs)
    with open(ours, "rb") as pipe:
        said = pipe.read()
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    text = f"CRASHED {{status}}"
    crash = pytest.TestReport(item.nodeid, item.location, {{}}, "failed", text, "call")
    for report in pickle.loads(said) if said else [crash]:
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True
"""
EVERYTHING = """
    import pytest_osfutures as osf

    def test_one(os_cloud, os_servers, os_volumes_module, os_keypairs_session, os_networks,
                 os_images_shared):
        vm, disk = osf.gather(os_servers.create_async(), os_volumes_module.create_async())
        os_cloud.nova.volumes.create_server_volume_async(vm.id, disk.id).result()
        assert os_keypairs_session.create().private_key
        os_networks.create_async(cidr="10.1.0.0/24").result()
        assert os_images_shared.create_async(vm, "picture").result()

    def test_two(os_servers):
        assert os_servers.create_async().result().status == "ACTIVE"

    def test_three(request):
        assert request.getfixturevalue("os_volumes").create_async().result().id
"""


def run(
    pytester: pytest.Pytester, text: str, *args: str, option: str = "--forked"
) -> pytest.RunResult:
    """Run the tests in `text` with their own directory of ledgers."""
    pytester.makepyfile(text)
    pytester.makeconftest(FORKING.format(option=option))
    return pytester.runpytest_subprocess(f"--os-ledger={pytester.path}/ledgers", *args)


def stamped(cloud: FakeCloud) -> list[str]:
    """Return the names of the resources in the cloud that carry the stamp of a run."""
    return [row["name"] for row in cloud.alive() if "osf_run" in str(row)]


@pytest.mark.parametrize("option", ["--forked", "--in-a-way-of-its-own"])
@pytest.mark.parametrize("args", [[], ["-n1"]])
def test_fixtures_work_in_a_fork(
    pytester: pytest.Pytester, http_cloud: str, served: FakeCloud, args: list[str], option: str
) -> None:
    args = [f"--os-cloud={http_cloud}", option, *args]
    result = run(pytester, EVERYTHING, *args, option=option)
    result.assert_outcomes(passed=3)
    assert result.ret == 0
    assert stamped(served) == []
    assert list((pytester.path / "ledgers").iterdir()) == []
    result.stdout.no_fnmatch_line("*OpenStack resources*")


def test_fixtures_work_in_a_fork_on_the_embedded_fake(pytester: pytest.Pytester) -> None:
    run(pytester, EVERYTHING, "--os-cloud=fake", "--forked").assert_outcomes(passed=3)
    assert not (pytester.path / "ledgers").exists()


def test_resources_of_a_killed_fork_are_deleted(
    pytester: pytest.Pytester, http_cloud: str, served: FakeCloud
) -> None:
    text = """
    import os, signal

    def test_dies(os_cloud, os_servers):
        os_servers.create_async("orphan").result()
        os.kill(os.getpid(), signal.SIGKILL)

    def test_lives(os_servers):
        assert os_servers.create_async("fine").result().status == "ACTIVE"
    """
    result = run(pytester, text, f"--os-cloud={http_cloud}", "--forked")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*CRASHED -9*"])
    assert result.ret == 1
    assert stamped(served) == []
    ever = {row["name"]: row["metadata"] for row in served.ever() if row["kind"] == "server"}
    assert ever["orphan"]["osf_run"] == ever["fine"]["osf_run"]
    assert list((pytester.path / "ledgers").iterdir()) == []


def test_missing_cloud_in_a_fork_is_a_usage_error(pytester: pytest.Pytester) -> None:
    result = run(pytester, EVERYTHING, "--forked")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --os-cloud: no cloud was chosen*"])


FORKS = """
    import os
    import pytest
    import pytest_osfutures as osf

    def child(what):
        pid = os.fork()
        if not pid:
            status = 1
            try:
                what()
                status = 0
            finally:
                os._exit(status)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    def test_forks(os_cloud, os_servers, os_volumes_session, request):
        before = os_servers.create_async("before").result()
        going = os_servers.create_async("going")

        def what():
            with pytest.raises(osf.EngineError, match="Connect again in the child"):
                going.result()
            assert os_servers.create_async("of child").result().status == "ACTIVE"
            os_volumes_session.create_async(name="of child").result()
            assert request.getfixturevalue("os_snapshots_class") is not None
            assert len(os_cloud.ledger.processes()) == 2

        assert child(what) == 0
        assert going.result().status == "ACTIVE"
        assert os_cloud.nova.servers.get(before.id).status == "ACTIVE"
        assert os_servers.create_async("after").result().status == "ACTIVE"
"""


def test_resources_of_a_test_that_forks_are_deleted(
    pytester: pytest.Pytester, http_cloud: str, served: FakeCloud, tmp_path: Path
) -> None:
    result = run(pytester, FORKS, f"--os-cloud={http_cloud}")
    result.assert_outcomes(passed=1)
    assert result.ret == 0
    assert stamped(served) == []
    assert list((pytester.path / "ledgers").iterdir()) == []
