"""A script with `osf.scope` leaves nothing, by whatever signal it ends."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from pytest_osfutures.cleanup.ledger_files import ledgers
from tests.chaos.suite import LIMIT, World, until

HEAD = """
import asyncio, sys, time
import pytest_osfutures as osf

def made(s):
    disk, web = s.volumes.create_async(), s.servers.create_async("web")
    osf.gather(disk, web)
    print(s.run, flush=True)
"""
SCRIPTS = {
    "with": """
with osf.scope("fake", ledger=sys.argv[1], name="script") as s:
    made(s)
    time.sleep(600)
""",
    "enter": """
s = osf.scope("fake", ledger=sys.argv[1], name="script").enter()
try:
    made(s)
    time.sleep(600)
finally:
    s.close()
""",
    "asyncio": """
async def main():
    async with osf.scope("fake", ledger=sys.argv[1], name="script") as s:
        await asyncio.to_thread(made, s)
        await asyncio.sleep(600)

asyncio.run(main())
""",
    "trio": """
import trio

async def main():
    async with osf.scope("fake", ledger=sys.argv[1], name="script") as s:
        await trio.to_thread.run_sync(made, s)
        await trio.sleep(600)

trio.run(main)
""",
}


def _take_signals() -> None:
    """Ignore no signal: nohup and shells let their children ignore SIGHUP and SIGINT."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@contextmanager
def started(world: World, script: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start a script, and yield its process and the id of its run when it has its resources."""
    with subprocess.Popen(
        [sys.executable, "-c", HEAD + SCRIPTS[script], str(world.ledgers)],
        env=world.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=_take_signals,
    ) as process:
        try:
            assert process.stdout is not None
            run = process.stdout.readline().strip()
            assert run, process.communicate()
            assert len(world.alive(run)) == 2
            yield process, run
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
@pytest.mark.parametrize("script", list(SCRIPTS))
def test_a_script_that_is_asked_to_end_deletes_first(
    world: World, script: str, number: signal.Signals
) -> None:
    with started(world, script) as (process, run):
        process.send_signal(number)
        _, err = process.communicate(timeout=LIMIT)
        assert world.alive(run) == []  # by the script itself, not by the reaper afterwards
    assert process.returncode != 0
    assert "KeyboardInterrupt" in err
    world.settle()
    assert not list(world.ledgers.iterdir())  # neither ledger nor log


def test_the_reaper_deletes_what_a_killed_script_has_left(world: World) -> None:
    with started(world, "with") as (process, run):
        (ledger,) = ledgers(world.ledgers)
        assert {(row.kind, row.test) for row in ledger.rows("bound")} == {
            ("server", "script"),
            ("volume", "script"),
        }
        process.kill()
        process.wait()
    until(lambda: not world.alive(run), "all is gone")
    world.settle()
    assert {row.state for row in ledger.rows()} == {"gone"}
    ledger.close()


def test_a_second_interruption_leaves_the_rest_to_the_reaper(world: World) -> None:
    with started(world, "with") as (process, run):
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=LIMIT)
    assert process.returncode != 0
    until(lambda: not world.alive(run), "all is gone")
    world.settle()


def test_the_next_scope_cleans_up_after_a_run_without_reaper(world: World) -> None:
    code = HEAD + SCRIPTS["with"].replace('name="script"', 'reaper="off"')
    code = code.replace("time.sleep(600)", "import os; os._exit(1)")
    command = [sys.executable, "-c", code, str(world.ledgers)]
    env = world.environment()
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=LIMIT)
    run = done.stdout.strip()
    assert len(world.alive(run)) == 2
    after = (
        "import sys; import pytest_osfutures as osf\n"
        "with osf.scope('fake', ledger=sys.argv[1]) as s: pass"
    )
    command = [sys.executable, "-c", after, str(world.ledgers)]
    subprocess.run(command, env=env, timeout=LIMIT, check=True)
    assert world.alive(run) == []


def test_a_forked_child_leaves_the_scope_to_its_parent(world: World) -> None:
    code = (
        HEAD
        + """
import os
with osf.scope("fake", ledger=sys.argv[1]) as s:
    made(s)
    if not (child := os.fork()):
        try:
            s.servers.create_async()
        except osf.InvalidArgument as error:
            print(error, flush=True)
    else:
        os.waitpid(child, 0)
        print(s.cloud.nova.servers.list()[0].status, flush=True)
"""
    )
    command = [sys.executable, "-c", code, str(world.ledgers)]
    done = subprocess.run(
        command, env=world.environment(), capture_output=True, text=True, timeout=LIMIT
    )
    run, refusal, status = done.stdout.splitlines()
    assert refusal.startswith("a scope belongs to the process that has opened it")
    assert status == "ACTIVE"
    assert world.alive(run) == []
