"""`python -m benchmarks.suite`: a suite with servers, in ways that people write such suites.

All contestants run one after another on the same process of the fake, with the same number of
tests, servers and volumes, and the same bodies of tests. Ratios and requests are more reliable than
seconds. `--picture` draws the schedule of the run with lookahead.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist
from typing import Any

from benchmarks.__main__ import ask, fake_cloud
from benchmarks.schedule_picture import picture

#: Seconds of the median build and of the median deletion, and the spread of both.
BUILD, DELETE, SIGMA = 6.0, 2.0, 0.3
#: The quota of servers.
QUOTA = 20
SETTINGS = {
    "seconds": {"server.create": BUILD, "server.delete": DELETE},
    "sigma": SIGMA,
    "quotas": {"instances": QUOTA, "cores": 40, "ram": 51200, "volumes": 40},
}


@dataclass(frozen=True)
class PlannedTest:
    """One test of the suite."""

    servers: int
    has_volume: bool
    #: Seconds that the body takes beside all waits.
    body: float


@dataclass(frozen=True)
class Contestant:
    """One way to write and run the suite."""

    name: str
    #: Returns the text of the test module.
    module: Callable[[Sequence[PlannedTest]], str]
    options: tuple[str, ...] = ()
    workers: int = 1


def plan(tests: int, seed: int = 0) -> list[PlannedTest]:
    """Return a suite with one to three servers a test, and a volume in each third test.

    60 tests have 97 servers and 20 volumes.
    """
    draw = random.Random(seed)
    counts = [1] * tests
    extra = round(tests * 37 / 60)
    while extra:
        index = draw.randrange(tests)
        if counts[index] < 3:
            counts[index] += 1
            extra -= 1
    volumes = set(draw.sample(range(tests), tests // 3))
    bodies = [draw.uniform(0.5, 1.5) for _ in range(tests)]
    return [PlannedTest(counts[n], n in volumes, bodies[n]) for n in range(tests)]


def bound(tests: Sequence[PlannedTest], workers: int) -> float:
    """Return the seconds of a perfect schedule, for the given number of processes.

    Either the bodies are the bound, after the quickest of the first builds, or the quota is: each
    server takes its place while it is built, used and deleted.
    """
    quickest = BUILD * math.exp(SIGMA * NormalDist().inv_cdf(1 / (QUOTA + 1)))
    mean = math.exp(SIGMA**2 / 2) * (BUILD + DELETE)
    places = sum(each.servers * (mean + each.body) for each in tests) / QUOTA
    return max(sum(each.body for each in tests) / workers + quickest, places)


# The modules

CLIENTS = """
import time, openstack, pytest
from cinderclient import client as cinder_client
from novaclient import client as nova_client

session = openstack.connect("fake").session
nova = nova_client.Client("2.90", session=session)
cinder = cinder_client.Client("3.60", session=session)
IMAGE = session.get("/v2/images", endpoint_filter={"service_type": "image"}).json()["images"][0]
FLAVOR = min(nova.flavors.list(), key=lambda flavor: flavor.ram)

def wait(get, status):
    while True:
        try:
            if get().status == status:
                return
        except Exception as error:
            if getattr(error, "code", 0) != 404 or status is not None:
                raise
            return
        time.sleep(1)

def create_server():
    for _ in range(600):
        try:
            return nova.servers.create("naive", IMAGE["id"], FLAVOR.id, nics="none")
        except Exception as error:
            if getattr(error, "code", 0) != 403:  # the quota
                raise
            time.sleep(1)

def ready_server():
    made = create_server()
    wait(lambda: nova.servers.get(made.id), "ACTIVE")
    return made

def ready_volume():
    made = cinder.volumes.create(1)
    wait(lambda: cinder.volumes.get(made.id), "available")
    return made

def delete(manager, made):
    manager.delete(made.id)
    wait(lambda: manager.get(made.id), None)
"""
FIXTURE = """
@pytest.fixture
def {name}():
    made = ready_{kind}()
    yield made
    delete({manager}, made)
"""


def names_of(test: PlannedTest) -> list[str]:
    """Return the fixtures of a test."""
    return list("abc"[: test.servers]) + (["disk"] if test.has_volume else [])


def bodies_only(tests: Sequence[PlannedTest]) -> str:
    """Return tests without a cloud."""
    return "import time\n" + "".join(
        f"\ndef test_{number}():\n    time.sleep({test.body:.3f})\n"
        for number, test in enumerate(tests)
    )


def naive(tests: Sequence[PlannedTest]) -> str:
    """Return tests whose fixtures create, poll each second, yield and delete."""
    text = CLIENTS
    for name in "abc":
        text += FIXTURE.format(name=name, kind="server", manager="nova.servers")
    text += FIXTURE.format(name="disk", kind="volume", manager="cinder.volumes")
    for number, test in enumerate(tests):
        arguments = ", ".join(names_of(test))
        text += f"\ndef test_{number}({arguments}):\n    time.sleep({test.body:.3f})\n"
    return text


def classes(tests: Sequence[PlannedTest]) -> str:
    """Return tests in tempest's layout: classes whose tests share two servers, and a volume."""
    text = CLIENTS + "import unittest\n"
    for first in range(0, len(tests), 4):
        part = tests[first : first + 4]
        text += f"""
class Test{first}(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.servers = [create_server() for _ in range(2)]
        for each in cls.servers:
            wait(lambda: nova.servers.get(each.id), "ACTIVE")
        cls.volumes = [ready_volume() for _ in range({int(any(t.has_volume for t in part))})]

    @classmethod
    def tearDownClass(cls):
        for each in cls.servers:
            nova.servers.delete(each.id)
        for each in cls.servers:
            wait(lambda: nova.servers.get(each.id), None)
        for each in cls.volumes:
            delete(cinder.volumes, each)
"""
        for number, test in enumerate(part, first):
            text += f"\n    def test_{number}(self):\n        time.sleep({test.body:.3f})\n"
    return text


def declared(tests: Sequence[PlannedTest]) -> str:
    """Return tests with declared resources."""
    text = "import time\nimport pytest_osfutures as osf\nfrom pytest_osfutures import factories\n"
    text += "".join(f"{name} = factories.server()\n" for name in "abc")
    text += "disk = factories.volume()\n"
    for number, test in enumerate(tests):
        arguments = ", ".join(names_of(test))
        text += f"\ndef test_{number}({arguments}):\n"
        text += f"    osf.gather({arguments})\n    time.sleep({test.body:.3f})\n"
    return text


OURS = ("-p", "osfutures", "--os-cloud", "fake")
CONTESTANTS = (
    Contestant("bodies only, without a cloud", bodies_only),
    Contestant("plain pytest, a create-poll-yield-delete fixture", naive),
    Contestant("tempest's layout, two servers a class", classes),
    Contestant("plain pytest, xdist -n 8", naive, ("-n", "8"), 8),
    Contestant("pytest-osfutures, one process", declared, OURS),
    Contestant("pytest-osfutures, xdist -n 4", declared, (*OURS, "-n", "4"), 4),
)


def run(
    contestant: Contestant, tests: Sequence[PlannedTest], environment: Mapping[str, str]
) -> tuple[float, Path]:
    """Run the suite of a contestant; return the seconds and the folder of the suite."""
    folder = Path(tempfile.mkdtemp(prefix="suite-"))
    (folder / "test_suite.py").write_text(contestant.module(tests))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_suite.py"]
    command += contestant.options
    if contestant.module is declared:
        command.append("--os-report=run.json")
    else:
        command += ["-p", "no:osfutures"]
    began = time.monotonic()
    result = subprocess.run(
        command,
        cwd=folder,
        env={**environment, "XDG_STATE_HOME": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.monotonic() - began
    if result.returncode:
        raise SystemExit(f"{contestant.name} failed:\n{result.stdout[-3000:]}{result.stderr}")
    return seconds, folder


def main() -> int:
    """Run the contestants one after another, print a table, and draw the schedule."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.suite", description=__doc__)
    parser.add_argument("--tests", type=int, default=60, help="number of tests; 12 is a quick run")
    parser.add_argument("--only", action="append", help="run contestants that contain this text")
    parser.add_argument("--picture", metavar="FILE", type=Path, help="draw the schedule (SVG)")
    args = parser.parse_args()
    tests = plan(args.tests)
    servers = sum(each.servers for each in tests)
    volumes = sum(each.has_volume for each in tests)
    print(f"{len(tests)} tests, {servers} servers, {volumes} volumes, a quota of {QUOTA} servers")
    print("\n| | wall s | bound s | x bound | requests |\n|---|---|---|---|---|", flush=True)
    with fake_cloud() as (control, clouds_yaml):
        ask(control + "/settings", "PATCH", SETTINGS)
        environment = {**os.environ, "OS_CLIENT_CONFIG_FILE": clouds_yaml}
        for each in CONTESTANTS:
            if args.only and not any(part in each.name for part in args.only):
                continue
            ask(control + "/counters", "DELETE")
            seconds, folder = run(each, tests, environment)
            requests = sum(ask(control + "/counters")["requests"].values())
            best = bound(tests, each.workers)
            cells = f"{seconds:.1f} | {best:.1f} | {seconds / best:.2f} | {requests}"
            print(f"| {each.name} | {cells} |", flush=True)
            if args.picture and each.module is declared and each.workers == 1:
                args.picture.write_text(picture(report_of(folder)))
    return 0


def report_of(folder: Path) -> dict[str, Any]:
    """Return the report that a run has written."""
    report: dict[str, Any] = json.loads((folder / "run.json").read_text())
    return report


if __name__ == "__main__":
    sys.exit(main())
