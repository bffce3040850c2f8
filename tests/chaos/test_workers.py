"""Rules that hold over all workers of pytest-xdist together."""

from __future__ import annotations

import socket
import textwrap
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.suite import World, until


def test_the_server_limit_holds_over_all_workers(world: World) -> None:
    text = """
    import pytest

    @pytest.mark.parametrize("number", range(6))
    def test_one(number, os_servers):
        os_servers.create_async(f"web-{number}").result()
    """
    run = world.run(textwrap.dedent(text), "-n3", "--os-max-servers=1")
    assert run.wait() == 0, run.out
    rows = world.ask("/_osf/history")["resources"]
    servers = [row for row in rows if row["kind"] == "server"]
    assert len(servers) == 6
    for before, after in pairwise(servers):
        assert before["deleted_at"] <= after["created_at"]
    world.settle()


def test_all_workers_have_one_run_id(world: World) -> None:
    text = """
    import pytest

    @pytest.mark.parametrize("number", range(4))
    def test_one(number, os_volumes):
        os_volumes.create_async().result()
    """
    run = world.run(textwrap.dedent(text), "-n2")
    assert run.wait() == 0, run.out
    rows = world.ask("/_osf/history")["resources"]
    runs = {row["metadata"]["osf_run"] for row in rows if row["kind"] == "volume"}
    assert len(runs) == 1
    world.settle()
    assert list(world.ledgers.iterdir()) == []


def test_workers_wait_for_a_quota_of_all(world: World) -> None:
    world.ask("/_osf/settings", {"quotas": {"instances": 1, "volumes": 1}}, "PATCH")
    text = """
    import pytest

    @pytest.mark.parametrize("number", range(4))
    def test_one(number, os_servers, os_volumes):
        os_volumes.create_async().result()
        server = os_servers.create_async()
        server.result()
        assert server.attempts == ()
    """
    run = world.run(textwrap.dedent(text), "-n2", "--os-try-count=1")
    assert run.wait() == 0, run.out
    assert world.alive() == []
    world.settle()


SHARED = """
    import os, time
    import pytest

    @pytest.fixture(scope="session")
    def web(os_servers_shared):
        return os_servers_shared.create_async("web")

    @pytest.fixture(scope="session")
    def disk(os_volumes_shared):
        return os_volumes_shared.create_async(name="disk")

    def mark(text):
        with open({marks!r}, "a") as file:
            file.write(text + "\\n")

    def until(happened):
        while not happened():
            time.sleep(0.05)

    def marks():
        return open({marks!r}).read().split()
"""


def _shared(text: str) -> str:
    return textwrap.dedent(SHARED) + textwrap.dedent(text)


def _servers(world: World) -> list[dict[str, Any]]:
    rows = world.ask("/_osf/history")["resources"]
    return [row for row in rows if row["kind"] == "server"]


def test_workers_share_one_server_and_one_volume(world: World) -> None:
    text = """
    @pytest.mark.parametrize("number", range(2))
    def test_both(number, os_cloud, web, disk):
        mark(f"web:{web.result().id}")
        mark(f"disk:{disk.result().id}")
        mark("here")
        until(lambda: marks().count("here") == 2)  # so each worker has one of the two tests
        assert number, "one fails"

    def test_later(os_cloud, web):
        until(lambda: os_cloud.ledger.living() == 2)  # the controller and this worker
        assert os_cloud.nova.servers.get(web.result().id).status == "ACTIVE"
    """
    run = world.run(_shared(text), "-n2")
    assert run.wait() == 1, run.out
    assert "1 failed, 2 passed" in run.out
    marks = run.marks.read_text().split()
    assert len(marks) == 6
    assert len(set(marks)) == 3
    assert len(_servers(world)) == 1
    assert world.alive() == []
    assert "deleted" not in run.out  # by the end of the run: the last worker has done it
    world.settle()
    assert list(world.ledgers.iterdir()) == []


@pytest.mark.parametrize("moment", ["creating", "created"])
def test_a_shared_server_survives_its_creator(world: World, moment: str) -> None:
    world.ask("/_osf/settings", {"seconds": {"server.create": 40.0}}, "PATCH")
    text = """
    def test_dies(os_cloud, web):
        {wait}
        mark("created")
        until(lambda: "waits" in marks())
        os._exit(3)

    def test_lives(os_cloud, web_too):
        vm = web_too.result()
        mark("web:" + vm.id)
        until(lambda: {row.process for row in os_cloud.ledger.rows("bound")} == {str(os.getpid())})
        assert os_cloud.nova.servers.get(vm.id).status == "ACTIVE"

    @pytest.fixture(scope="session")
    def web_too(os_servers_shared):
        until(lambda: "created" in marks())
        web = os_servers_shared.create_async("web")
        mark("waits")
        return web
    """
    wait = "web.result()" if moment == "created" else "until(lambda: web.resource_id)"
    run = world.run(_shared(text.replace("{wait}", wait)), "-n2", "--max-worker-restart=0")
    assert run.wait() == 1, run.out
    assert "1 failed, 1 passed" in run.out
    servers = _servers(world)
    assert len(servers) == (1 if moment == "created" else 2)
    assert f"web:{servers[-1]['id']}" in run.marks.read_text()
    assert world.alive() == []
    world.settle()


def test_all_workers_get_the_failure_of_a_shared_server(world: World) -> None:
    world.ask("/_osf/faults", {"effect": "error", "operation": "server.create"}, "POST")
    text = """
    @pytest.mark.parametrize("number", range(2))
    def test_it(number, web):
        mark("here")
        until(lambda: marks().count("here") == 2)
        web.result()
    """
    run = world.run(_shared(text), "-n2", "--os-try-count=1", "--tb=short")
    assert run.wait() == 1, run.out
    assert len(_servers(world)) == 1
    assert run.out.count("E   pytest_osfutures.errors.ObjectCreationError: server.create") == 2
    assert world.alive() == []
    world.settle()


@pytest.fixture
def far(world: World, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the directory of ledgers of one worker, as if it were on another host."""
    monkeypatch.setenv("XDG_STATE_HOME", str(world.ledgers))
    return world.place / "far"


def _two(far: Path) -> list[str]:
    """Return a suite with one worker on another host."""
    beside, apart = ("--tx", "popen"), ("--tx", f"popen//env:XDG_STATE_HOME={far}")
    return [*beside, *apart, "--dist=load", "--os-ledger="]


def _files(place: Path) -> list[str]:
    return sorted(path.name for path in place.glob("pytest-osfutures/*"))


def test_a_worker_on_another_host_has_a_partial_ledger(world: World, far: Path) -> None:
    text = """
    @pytest.mark.parametrize("number", range(2))
    def test_it(number, os_cloud, os_volumes, web):
        mark("here")
        until(lambda: marks().count("here") == 2)
        os_cloud.cinder.volumes.create_async(1, name="forgotten").result()
        disk, vm = os_volumes.create_async().result(), web.result()
        mark(f"run:{os_cloud.run}")
        mark(f"web:{vm.id}")
        mark(str(os_cloud.ledger.path))
        if "/far" in str(os_cloud.ledger.path):
            mark(f"volume:{disk.id}")
            assert 0
    """
    run = world.run(_shared(text), *_two(far), "--os-keep=failed")
    assert run.wait() == 1, run.out
    assert "1 failed, 1 passed" in run.out
    marks = set(run.marks.read_text().split())
    (of,) = [each.removeprefix("run:") for each in marks if each.startswith("run:")]
    webs = [each.removeprefix("web:") for each in marks if each.startswith("web:")]
    assert len(webs) == 2  # one for each host
    host = socket.gethostname()
    (apart,) = [Path(each) for each in marks if each.startswith(str(far))]
    assert apart.name == f"{of}@{host}.sqlite"
    (kept,) = [each.removeprefix("volume:") for each in marks if each.startswith("volume:")]
    alive = world.alive(of)
    assert f"volume {kept}" in alive
    assert f"kept: volume osf-{of[:6]}" in run.out
    assert (
        f"server {webs[0]}" in alive or f"server {webs[1]}" in alive
    )  # of the session that failed
    assert len(alive) == 2, run.out


def test_a_crash_on_another_host_is_for_its_reaper(world: World, far: Path) -> None:
    text = """
    @pytest.mark.parametrize("number", range(2))
    def test_it(number, os_cloud, os_servers):
        vm = os_servers.create_async().result()
        mark("here")
        until(lambda: marks().count("here") == 2)
        if "/far" in str(os_cloud.ledger.path):
            mark(f"dies:{vm.id}")
            os._exit(3)
        until(lambda: "gone" in marks())
        assert os_cloud.nova.servers.get(vm.id).status == "ACTIVE"
    """
    run = world.run(_shared(text), *_two(far), "--max-worker-restart=0")
    dead = until(
        lambda: [each[5:] for each in run.marks.read_text().split() if each.startswith("dies:")],
        "a death",
    )
    until(lambda: f"server {dead[0]}" not in world.alive(), "the reaper elsewhere")
    assert len(world.alive()) == 1
    run.marks.write_text(run.marks.read_text() + "gone\n")
    assert run.wait() == 1, run.out
    assert "1 failed, 1 passed" in run.out
    assert world.alive() == []


def test_without_a_reaper_the_end_sweeps_a_cut_session(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugin = """
    import pytest

    def pytest_sessionfinish(session):
        if not hasattr(session.config, "workerinput"):
            raise KeyboardInterrupt  # as a second Ctrl-C
    """
    text = """
    def test_it(os_cloud):
        os_cloud.cinder.volumes.create_async(1, name="forgotten").result()
    """
    (world.place / "cut_short.py").write_text(textwrap.dedent(plugin))
    monkeypatch.setenv("PYTHONPATH", str(world.place))
    run = world.run(textwrap.dedent(text), "-n1", "-p", "cut_short", "--os-reaper=off")
    run.wait()
    assert "osfutures: deleting 1 resource, as there is no reaper" in run.out
    assert world.alive() == []
