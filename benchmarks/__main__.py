"""`python -m benchmarks`: compare this project with other tools on the same slow fake cloud.

Each contestant gets a fresh process of the fake, with the same latencies of the API and the same
build times by order of creation. Ratios and counts are more reliable than seconds.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
POST = 0.15
LATENCY = {
    "method_latency": {"GET": 0.03, "POST": POST, "DELETE": POST},
    "list_latency": 0.04,
    "item_latency": 0.001,
    "seconds": {"server.create": 6.0},
    "sigma": 0.4,
}
COLUMNS = (
    "wall s",
    "wall / ideal",
    "slowest build / ideal",
    "detection mean s",
    "p95 s",
    "slowest s",
    "requests a server",
    "CPU ms a server",
    "threads",
    "peak MB",
    "queued",
)
#: Concurrent requests of the ideal client, which learns at once that a server is ACTIVE.
SUBMITTERS = 8
#: Program and arguments by the contestant's name; only `engine` runs in this environment.
CONTESTANTS: dict[str, tuple[str, list[str]]] = {
    "engine": ("engine", []),
    "openstacksdk proxy, 64 threads": ("sdk_proxy", ["64"]),
    "openstacksdk cloud layer, 64 threads": ("sdk_cloud", ["64"]),
    "tempest, create all then wait": ("tempest_waiters", []),
    "rally, boot_servers' way": ("rally_utils", []),
    "novaclient, a plain loop": ("nova_loop", []),
}


def main() -> int:
    """Run the contestants one after another and print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--servers", type=int, default=500)
    parser.add_argument(
        "--peers", metavar="PYTHON", help="interpreter in whose environment the peers are installed"
    )
    parser.add_argument(
        "--only", action="append", help="run contestants whose name contains this text"
    )
    parser.add_argument(
        "--workers", type=int, default=0, help="worker processes of the API; 0: unlimited"
    )
    parser.add_argument("--seed", type=int, nargs="+", default=[0], help="seeds of the build times")
    args = parser.parse_args()
    print(f"| | {' | '.join(COLUMNS)} |\n|---{'|---' * len(COLUMNS)}|", flush=True)
    for name, (program, more) in CONTESTANTS.items():
        if args.only and not any(part in name for part in args.only):
            continue
        if program != "engine" and args.peers is None:
            continue
        python = sys.executable if program == "engine" else args.peers
        for seed in args.seed:
            row = race(python, program, more, args.servers, args.workers, seed)
            title = name if len(args.seed) == 1 else f"{name}, seed {seed}"
            print(f"| {title} | {row} |", flush=True)
    return 0


def race(python: str, program: str, more: list[str], servers: int, workers: int, seed: int) -> str:
    """Run one contestant on a fresh cloud and return its row of the table."""
    with fake_cloud(seed) as (control, clouds_yaml):
        ask(control + "/settings", "PATCH", {**LATENCY, "api_workers": workers})
        ask(control + "/counters", "DELETE")
        path = str(HERE / "contestants" / f"{program}.py")
        environment = {**os.environ, "OS_CLIENT_CONFIG_FILE": clouds_yaml}
        with tempfile.TemporaryFile("w+") as output:  # the logs of some peers would fill a pipe
            command = [python, path, str(servers), *more]
            process = subprocess.Popen(command, env=environment, stdout=output, text=True)
            threads, memory = observe(process)
            output.seek(0)
            said = output.read()
        if process.returncode:
            return f"failed with {process.returncode}" + " |" * (len(COLUMNS) - 1)
        told = json.loads(said.splitlines()[-1])
        counters = ask(control + "/counters")["requests"]
        rows = ask(control + "/history")["resources"]
    requests = sum(count for route, count in counters.items() if "/identity/" not in route)
    made = [row for row in rows if row["id"] in told["seen"]]
    late = sorted(told["seen"][row["id"]] - row["updated_at"] for row in made)
    cells = (
        f"{told['wall']:.1f}",
        f"{told['wall'] / ideal(made):.2f}",
        f"{max(build_seconds(row) for row in made) / ideal(made):.2f}",
        f"{sum(late) / len(late):.2f}",
        f"{late[int(len(late) * 0.95)]:.2f}",
        f"{late[-1]:.2f}",
        f"{requests / servers:.2f}",
        f"{1000 * told['cpu'] / servers:.1f}",
        str(threads),
        f"{memory / 1024:.0f}",
        str(longest_queue(made, told["began"], workers)) if workers else "-",
    )
    return " | ".join(cells)


def ideal(made: list[dict[str, Any]]) -> float:
    """Return the seconds that the ideal client would need."""
    ordered = sorted(made, key=lambda row: float(row["created_at"]))
    return max(
        number // SUBMITTERS * POST + build_seconds(row) for number, row in enumerate(ordered)
    )


def build_seconds(row: dict[str, Any]) -> float:
    """Return the seconds that the cloud took to build the server."""
    return float(row["updated_at"]) - float(row["created_at"])


def longest_queue(made: list[dict[str, Any]], began: float, workers: int) -> int:
    """Return the greatest number of create requests that waited for a worker at a time."""
    arrived = sorted(float(row["created_at"]) - began for row in made)
    free = [0.0] * workers
    starts = []
    for moment in arrived:
        free.sort()
        starts.append(max(moment, free[0]))
        free[0] = starts[-1] + POST
    return max(
        sum(1 for came, start in zip(arrived, starts, strict=True) if came <= moment < start)
        for moment in arrived
    )


def observe(process: subprocess.Popen[str]) -> tuple[int, int]:
    """Wait until the process ends; return its peak number of threads and peak memory in KiB."""
    threads = memory = 0
    status = Path(f"/proc/{process.pid}/status")
    while process.poll() is None:
        text = status.read_text() if status.exists() else ""
        for line in text.splitlines():
            name, _, value = line.partition(":")
            if name == "Threads":
                threads = max(threads, int(value))
            elif name == "VmHWM":
                memory = max(memory, int(value.split()[0]))
        time.sleep(0.05)
    return threads, memory


@contextmanager
def fake_cloud(seed: int = 0) -> Iterator[tuple[str, str]]:
    """Run a process of the fake; yield the URL of the control API and the path of clouds.yaml."""
    with tempfile.TemporaryDirectory() as place:
        clouds_yaml = str(Path(place) / "clouds.yaml")
        program = "import sys; from pytest_osfutures.commands.main import main; sys.exit(main())"
        command = [sys.executable, "-c", program, "fake", "--seed", str(seed)]
        command += ["--clouds-yaml", clouds_yaml]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            assert process.stdout is not None
            auth_url = process.stdout.readline().strip()
            yield auth_url.replace("/identity/v3", "/_osf"), clouds_yaml
        finally:
            process.terminate()
            process.wait()


def ask(url: str, method: str = "GET", body: dict[str, Any] | None = None) -> Any:
    """Send a request to the fake's control API and return the decoded body."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    with urllib.request.urlopen(
        urllib.request.Request(url, data, headers, method=method)
    ) as answer:
        return json.loads(answer.read() or b"null")


if __name__ == "__main__":
    sys.exit(main())
