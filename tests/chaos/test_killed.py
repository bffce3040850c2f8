"""A killed run leaves no resources, by any signal and at any moment."""

from __future__ import annotations

import os
import re
import signal
import textwrap
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.chaos import suite as chaos
from tests.chaos.suite import SUITE, World, until


def suite(tests: int = 1, seconds: float = 600.0) -> str:
    """Return a suite with slow tests."""
    return SUITE.replace("{tests}", str(tests)).replace("{seconds}", str(seconds))


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Start one fake cloud for all tests."""
    with chaos.world(tmp_path_factory.mktemp("cloud")) as made:
        yield made


@pytest.fixture
def world(cloud: World, tmp_path: Path) -> Iterator[World]:
    """Return the ledgers and runs of one test."""
    made = World(cloud.url, tmp_path, cloud.clouds)
    yield made
    made.end()
    made.ask("/_osf/faults", method="DELETE")


@pytest.fixture(scope="module")
def waiting(
    cloud: World, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[World]]:
    """Start a run for each test that uses one, all at the same time."""
    items = [each for each in request.session.items if each.path == request.path]
    count = sum("ready" in getattr(each, "fixturenames", ()) for each in items)
    worlds = [World(cloud.url, tmp_path_factory.mktemp("run"), cloud.clouds) for _ in range(count)]
    for each in worlds:
        each.run(suite())
    unused = list(worlds)
    yield unused
    for each in worlds:
        each.end()


@pytest.fixture
def ready(waiting: list[World]) -> Iterator[World]:
    """Return the ledgers of a run that has created its resources."""
    made = waiting.pop()
    made.runs[0].made()
    yield made
    made.ask("/_osf/faults", method="DELETE")


def test_sigkill_leaves_nothing(ready: World) -> None:
    run = ready.runs[0]
    assert len(ready.left()) == 5
    run.kill()
    until(lambda: not ready.left(), "all is gone")
    ready.settle()
    ledger = run.ledger()
    assert {row.state for row in ledger.rows()} == {"gone"}
    assert ledger.steps()[-1] == "all of it is gone"
    ledger.close()
    after = ready.run("def test_x(os_cloud): pass", name="next")
    assert after.wait() == 0
    assert "was killed; deleted 5 resources of it, as " in after.out
    assert [path.suffix for path in ready.ledgers.iterdir()] == [".log"]


def test_a_waiting_reaper_needs_little_memory(ready: World) -> None:
    run = ready.runs[0]
    proc = Path(f"/proc/{run.reaper()}")
    (size,) = [line for line in (proc / "status").read_text().splitlines() if "VmRSS" in line]
    assert int(size.split()[1]) < 25 * 1024
    seen = (proc / "cmdline").read_text() + (proc / "environ").read_text()
    assert "OS_" not in seen
    assert os.getsid(run.reaper()) == run.reaper()
    run.kill()
    ready.settle()


def test_reap_finishes_after_a_killed_reaper(ready: World) -> None:
    run = ready.runs[0]
    os.kill(run.reaper(), signal.SIGKILL)
    run.kill(group=True)
    run.wait()
    left = ready.left()
    assert len(left) == 5
    listed = ready.command("ls")
    assert listed.returncode == 0
    head = listed.stdout.splitlines()[0]
    assert re.fullmatch("KIND +ID +NAME +STATUS +WHERE +AGE +RUN +RUN IS", head)
    dead = [line for line in listed.stdout.splitlines() if line.endswith("  dead")]
    assert len(dead) == 5
    assert all("  fake/demo  " in line for line in dead)
    would = ready.command("reap", "--dead", "--dry-run")
    assert would.stdout.count("would delete") == 5
    assert ready.left() == left
    reaped = ready.command("reap", "--dead", cloud=None)  # the ledger tells in which cloud
    assert reaped.returncode == 0
    assert reaped.stdout.endswith("nothing is left to reap in cloud fake\n")
    assert ready.left() == []


def test_the_next_run_finishes_after_a_killed_reaper(ready: World) -> None:
    run = ready.runs[0]
    os.kill(run.reaper(), signal.SIGKILL)
    run.kill()
    run.wait()
    after = ready.run("def test_x(os_cloud): pass", name="next")
    assert after.wait() == 0, after.out
    assert ready.left() == []
    assert "was killed" in after.out


def test_ctrl_c_deletes_and_reports(ready: World) -> None:
    run = ready.runs[0]
    run.kill(signal.SIGINT, group=True)
    assert run.wait() == 2
    assert ready.left() == []
    assert "osfutures: interrupted; deleting 5 resources first" in run.out
    ready.settle()
    assert list(ready.ledgers.iterdir()) == []


def test_ctrl_c_twice_leaves_the_rest_to_the_reaper(ready: World) -> None:
    slow = {"effect": "delay", "method": "DELETE", "seconds": 60}
    ready.ask("/_osf/faults", slow, "POST")
    run = ready.runs[0]
    run.kill(signal.SIGINT)
    until(lambda: "interrupted; deleting" in run.out, "the first word")
    run.kill(signal.SIGINT)
    run.wait()
    ready.ask("/_osf/faults", method="DELETE")
    assert run.process.returncode == 2
    more = run.out.partition("resources are left to the reaper, which writes to ")[2]
    assert "Traceback" not in run.out
    assert str(ready.ledgers) in more
    assert len(more.splitlines()) == 1
    until(lambda: not ready.left(), "all is gone")
    ready.settle()


def test_ctrl_c_in_a_teardown_counts_as_the_first(world: World) -> None:
    slow = {"effect": "delay", "method": "DELETE", "seconds": 40}
    world.ask("/_osf/faults", slow, "POST")
    run = world.run(suite(seconds=0.0))
    until(lambda: world.ask("/_osf/faults")["faults"][0]["fired"], "the teardown")
    run.kill(signal.SIGINT)
    assert run.wait() == 2
    assert "osfutures: interrupted; deleting 5 resources first" in run.out
    assert "left to the reaper" not in run.out
    assert world.left() == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_other_signals_act_like_ctrl_c(ready: World, number: int) -> None:
    run = ready.runs[0]
    run.kill(number)
    assert run.wait() == 2
    assert ready.left() == []
    assert "osfutures: interrupted; deleting 5 resources first" in run.out


def test_a_users_signal_handler_stays(world: World) -> None:
    text = """
    import signal, pytest

    @pytest.fixture(autouse=True, scope="session")
    def own():
        signal.signal(signal.SIGTERM, handler)

    def handler(*_):
        pass

    def test_it(own, os_cloud):
        assert signal.getsignal(signal.SIGTERM) is handler
        assert signal.getsignal(signal.SIGHUP) is not signal.SIG_DFL
    """
    run = world.run(textwrap.dedent(text))
    assert run.wait() == 0, run.out


def test_a_crashed_worker_leaves_nothing(world: World) -> None:
    text = suite(1, 0).replace("time.sleep(0)", "import os; os._exit(3)")
    run = world.run(text, "-n1", "--max-worker-restart=0")
    run.wait()
    assert "osfutures: left to the reaper" in run.out
    assert "server web (" in run.out
    until(lambda: not world.left(), "all is gone")
    world.settle()


def test_sigkill_of_controller_and_workers_leaves_nothing(world: World) -> None:
    both = [world.run(suite(2, 60.0), "-n2", name=name) for name in ("controller", "group")]
    for run in both:
        run.made(2)
    assert len(world.left()) == 20
    for run in both:
        run.kill(group=run.folder.name == "group")
    until(lambda: not world.left(), "all is gone")
    world.settle()


def test_all_workers_have_one_reaper(world: World) -> None:
    run = world.run(suite(2, 1.0), "-n2")
    run.made(2)
    run.reaper()  # there is one, and one ledger
    assert run.wait() == 0, run.out
    assert world.left() == []
    world.settle()
    assert list(world.ledgers.iterdir()) == []


SECRETIVE = """
import pytest
import pytest_osfutures as osf
import yaml, os

DATA, WORD = "planted" + "-data", "planted" + "-word"

def mark(text):
    with open({marks!r}, "a") as file:
        file.write(text + "\\n")

@pytest.fixture(autouse=True, scope="session")
def run(os_cloud):
    mark("run " + os_cloud.run)

def test_answers(os_cloud, os_servers):
    vm = os_servers.create_async("web", userdata=DATA).result()
    mark("secret " + vm.adminPass)
    mark("secret " + os_cloud.session.get_token())
    os_cloud.nova.volumes.create_server_volume_async(vm.id, "no-such-volume")

def test_refused(os_cloud):
    more = {"nics": "none", "userdata": DATA, "admin_pass": WORD}
    os_cloud.nova.servers.create_async("web", "no-image", "no-flavor", **more)

def test_refused_later(os_servers):
    more = {"userdata": DATA, "admin_pass": WORD}
    os_servers.create_async("web", availability_zone="nowhere", **more).result()

def test_busy(os_servers):
    vm = os_servers.create_async("web").result()
    vm.stop_async().result()
    vm.change_password_async(WORD).result()

def test_wrong_password(os_cloud, tmp_path, monkeypatch):
    known = yaml.safe_load(open(os.environ["OS_CLIENT_CONFIG_FILE"]))
    known["clouds"]["fake"]["auth"]["password"] = WORD
    (tmp_path / "clouds.yaml").write_text(yaml.safe_dump(known))
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(tmp_path / "clouds.yaml"))
    osf.connect("fake")

def test_nobody_there(os_cloud):
    known = osf.connect("fake")
    known.api_client.catalog()
    known.api_client._bases["compute"] = "http://127.0.0.1:9"
    known.api_client.send("POST", "compute", "/servers", {"server": {"user_data": DATA}})

def test_wait(os_servers):
    os_servers.create_async("more").result()
    mark("made")
    __import__("time").sleep(30)
"""


def test_no_secret_leaves_the_process(world: World) -> None:
    password = yaml.safe_load(world.clouds.read_text())["clouds"]["fake"]["auth"]["password"]
    args = ("-v", "--tb=long", "--junitxml=junit.xml", "--log-level=INFO")
    run, again = (world.run(SECRETIVE, *args, name=name) for name in ("ends", "dies"))
    run.made()
    again.made()
    again.kill()
    run.kill(signal.SIGTERM)  # so that the reports are written
    run.wait()
    world.settle()
    assert world.left() == []
    marks = (run.marks.read_text() + again.marks.read_text()).splitlines()
    secrets = {line.split()[1] for line in marks if line.startswith("secret")}
    assert len(secrets) == 4
    secrets |= {"planted-data", b64encode(b"planted-data").decode(), "planted-word"}
    written = b"".join(path.read_bytes() for path in world.ledgers.iterdir())
    reports = run.out + again.out + (run.folder / "junit.xml").read_text()
    assert b"web" in written
    assert reports.count("test_refused_later") > 2
    assert run.out.count("Error Traceback") == 0
    assert run.out.count("6 failed") == 1
    # The fake's password is a common word, so it is looked for where no words are.
    assert password.encode() not in written
    for secret in secrets:
        assert len(secret) > 5
        assert secret.encode() not in written + reports.encode()


KEYS = """
import time
import pytest

@pytest.fixture(scope="session", autouse=True)
def run(os_cloud):
    mark("run " + os_cloud.run)

def test_keys(os_keypairs, os_keypairs_session):
    for key in (os_keypairs.create(), os_keypairs_session.create()):
        assert key.private_key_file.stat().st_mode & 0o777 == 0o600
    mark("made")
    time.sleep(600)

def mark(text):
    with open({marks!r}, "a") as file:
        file.write(text + "\\n")
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_no_private_key_is_left(world: World, number: int) -> None:
    run = world.run(KEYS)
    run.made()
    assert len(list(world.ledgers.rglob("*.pem"))) == 2
    run.kill(number)
    until(lambda: not world.left(), "all is gone")
    world.settle()
    run.wait()
    assert [path for path in world.ledgers.rglob("*") if ".keys" in str(path)] == []
