"""Whatever a run dies of, nothing is left behind."""

from __future__ import annotations

import os
import re
import signal
import textwrap
from base64 import b64encode
from pathlib import Path

import pytest
import yaml

from tests.chaos.suite import SUITE, World, until


def suite(tests: int = 1, seconds: float = 30.0) -> str:
    """A suite whose tests take their time."""
    return SUITE.replace("{tests}", str(tests)).replace("{seconds}", str(seconds))


def test_kill_9(world: World) -> None:
    run = world.run(suite())
    run.made()
    assert len(world.alive()) == 5
    run.kill()
    until(lambda: not world.alive(), "all is gone")
    world.settle()
    ledger = run.ledger()
    assert {row.state for row in ledger.rows()} == {"gone"}
    assert ledger.steps()[-1] == "all of it is gone"
    ledger.close()
    after = world.run("def test_x(os_cloud): pass", name="next")
    assert after.wait() == 0
    assert "was killed; deleted 5 resources of it, as " in after.out
    assert [path.suffix for path in world.ledgers.iterdir()] == [".log"]


def test_the_reaper_is_light_and_knows_no_openstack_while_it_waits(world: World) -> None:
    run = world.run(suite())
    run.made()
    proc = Path(f"/proc/{run.reaper()}")
    (size,) = [line for line in (proc / "status").read_text().splitlines() if "VmRSS" in line]
    assert int(size.split()[1]) < 25 * 1024
    seen = (proc / "cmdline").read_text() + (proc / "environ").read_text()
    assert "OS_" not in seen
    assert os.getsid(run.reaper()) == run.reaper()
    run.kill()
    world.settle()


def test_a_killed_reaper_is_no_loss(world: World) -> None:
    run = world.run(suite())
    run.made()
    os.kill(run.reaper(), signal.SIGKILL)
    run.kill(group=True)
    run.wait()
    left = world.alive()
    assert len(left) == 5
    listed = world.command("ls")
    assert listed.returncode == 0
    head = listed.stdout.splitlines()[0]
    assert re.fullmatch("KIND +ID +NAME +STATUS +WHERE +AGE +RUN +RUN IS", head)
    assert listed.stdout.count("  fake/demo  ") == 5
    assert listed.stdout.count("  dead\n") == 5
    would = world.command("reap", "--dead", "--dry-run")
    assert would.stdout.count("would delete") == 5
    assert world.alive() == left
    reaped = world.command("reap", "--dead", cloud=None)  # the ledger tells in which cloud
    assert reaped.returncode == 0
    assert reaped.stdout.endswith("nothing is left to reap in cloud fake\n")
    assert world.alive() == []


def test_the_next_run_finishes_the_job_of_a_killed_reaper(world: World) -> None:
    run = world.run(suite())
    run.made()
    os.kill(run.reaper(), signal.SIGKILL)
    run.kill()
    run.wait()
    after = world.run("def test_x(os_cloud): pass", name="next")
    assert after.wait() == 0, after.out
    assert world.alive() == []
    assert "was killed" in after.out


def test_ctrl_c_once_deletes_and_says_so(world: World) -> None:
    run = world.run(suite())
    run.made()
    run.kill(signal.SIGINT, group=True)
    assert run.wait() == 2
    assert world.alive() == []
    assert "osfutures: interrupted; deleting 5 resources first" in run.out
    world.settle()
    assert list(world.ledgers.iterdir()) == []


def test_ctrl_c_twice_leaves_it_to_the_reaper(world: World) -> None:
    slow = {"effect": "delay", "method": "DELETE", "seconds": 60}
    world.ask("/_osf/faults", slow, "POST")
    run = world.run(suite())
    run.made()
    run.kill(signal.SIGINT)
    until(lambda: "interrupted; deleting" in run.out, "the first word")
    run.kill(signal.SIGINT)
    run.wait()
    world.ask("/_osf/faults", method="DELETE")
    assert run.process.returncode == 2
    more = run.out.partition("resources are left to the reaper, which writes to ")[2]
    assert "Traceback" not in run.out
    assert str(world.ledgers) in more
    assert len(more.splitlines()) == 1
    until(lambda: not world.alive(), "all is gone")
    world.settle()


def test_ctrl_c_in_a_teardown_is_the_first_one_all_the_same(world: World) -> None:
    slow = {"effect": "delay", "method": "DELETE", "seconds": 40}
    world.ask("/_osf/faults", slow, "POST")
    run = world.run(suite(seconds=0.0))
    until(lambda: world.ask("/_osf/faults")["faults"][0]["fired"], "the teardown")
    run.kill(signal.SIGINT)
    assert run.wait() == 2
    assert "osfutures: interrupted; deleting 5 resources first" in run.out
    assert "left to the reaper" not in run.out
    assert world.alive() == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_other_signals_are_as_ctrl_c(world: World, number: int) -> None:
    run = world.run(suite())
    run.made()
    run.kill(number)
    assert run.wait() == 2
    assert world.alive() == []
    assert "osfutures: interrupted; deleting 5 resources first" in run.out


def test_somebody_elses_handler_stays(world: World) -> None:
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


def test_a_crashed_worker(world: World) -> None:
    text = suite(1, 0).replace("time.sleep(0)", "import os; os._exit(3)")
    run = world.run(text, "-n1", "--max-worker-restart=0")
    run.wait()
    assert "osfutures: left to the reaper" in run.out
    assert "server web (" in run.out
    until(lambda: not world.alive(), "all is gone")
    world.settle()


@pytest.mark.parametrize("group", [False, True], ids=["controller", "group"])
def test_kill_9_with_workers(world: World, group: bool) -> None:
    run = world.run(suite(2, 5.0), "-n2")
    run.made(2)
    run.kill(group=group)
    until(lambda: not world.alive(), "all is gone")
    world.settle()


def test_one_reaper_for_all_workers_and_nothing_left(world: World) -> None:
    run = world.run(suite(4, 0.0), "-n4")
    assert run.wait() == 0, run.out
    assert world.alive() == []
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
    known.source.catalog()
    known.source._bases["compute"] = "http://127.0.0.1:9"
    known.source.send("POST", "compute", "/servers", {"server": {"user_data": DATA}})

def test_wait(os_servers):
    os_servers.create_async("more").result()
    mark("made")
    __import__("time").sleep(30)
"""


def test_no_secret_leaves_the_process(world: World) -> None:
    password = yaml.safe_load(world.clouds.read_text())["clouds"]["fake"]["auth"]["password"]
    args = ("-v", "--tb=long", "--junitxml=junit.xml", "--log-level=INFO")
    run = world.run(SECRETIVE, *args)
    run.made()
    run.kill(signal.SIGTERM)  # so that the reports are written
    run.wait()
    again = world.run(SECRETIVE, *args, name="again")
    again.made()
    again.kill()
    world.settle()
    assert world.alive() == []
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
