"""The entries to the fake: the transport adapter, the HTTP server and the command."""

from __future__ import annotations

import concurrent.futures
import gc
import http.client
import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from pytest_osfutures.clock import ManualClock, ScaledClock
from pytest_osfutures.commands.main import main
from pytest_osfutures.fakecloud import FakeCloud, Fault
from pytest_osfutures.fakecloud.shells.inprocess import URL, mount, session
from pytest_osfutures.fakecloud.shells.server import running

RUN = "import sys; from pytest_osfutures.commands.main import main; sys.exit(main())"


@pytest.fixture
def plain(cloud: FakeCloud) -> requests.Session:
    """Return a plain requests session that is mounted on the cloud."""
    made = requests.Session()
    mount(cloud, made)
    return made


def test_in_process_response_has_headers_and_body(plain: requests.Session) -> None:
    answer = plain.get(f"{URL}/identity/v3", timeout=5)
    assert answer.json()["version"]["links"][0]["href"] == f"{URL}/identity/v3/"
    assert answer.headers["content-type"] == "application/json"
    assert answer.ok
    refused = plain.get(f"{URL}/compute/v2.1/servers", timeout=5)
    assert refused.status_code == 401


def test_in_process_delay_passes_on_the_clouds_clock(
    cloud: FakeCloud, plain: requests.Session
) -> None:
    cloud.faults.add(Fault("delay", seconds=30))
    plain.get(f"{URL}/compute/", timeout=60)
    assert cloud.clock.now() == 30
    with pytest.raises(requests.exceptions.ReadTimeout):
        plain.get(f"{URL}/compute/", timeout=(5, 10))
    assert cloud.clock.now() == 40


def test_in_process_cut_is_a_connection_error(cloud: FakeCloud, plain: requests.Session) -> None:
    cloud.faults.add(Fault("cut"))
    with pytest.raises(requests.exceptions.ConnectionError):
        plain.get(f"{URL}/compute/", timeout=5)


def test_sessions_for_member_and_administrator(cloud: FakeCloud) -> None:
    for name, allowed in (("fake", 403), ("fake-admin", 200)):
        services = session(cloud, name).get(
            "/os-services", endpoint_filter=COMPUTE, raise_exc=False
        )
        assert services.status_code == allowed


COMPUTE = {"service_type": "compute"}


def test_importing_the_fake_needs_no_http_library() -> None:
    code = (
        "import sys, pytest_osfutures.fakecloud; "
        "print([m for m in ('requests', 'aiohttp', 'keystoneauth1') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_server_cuts_and_delays(cloud: FakeCloud) -> None:
    with running(cloud) as url:
        assert requests.get(f"{url}/compute/", timeout=5).status_code == 200
        cloud.faults.add(Fault("cut", count=1))
        with pytest.raises(requests.exceptions.ConnectionError):
            requests.get(f"{url}/compute/", timeout=5)
        cloud.faults.add(Fault("delay", seconds=1000, count=1))
        with pytest.raises(requests.exceptions.ReadTimeout):
            requests.get(f"{url}/compute/", timeout=0.2)
        assert requests.get(f"{url}/compute/", timeout=5).status_code == 200


def test_server_holds_many_delayed_requests() -> None:
    cloud = FakeCloud(ManualClock())
    cloud.faults.add(Fault("delay", path="/identity", seconds=5))
    with running(cloud) as url:

        def ask(path: str) -> int:
            return requests.get(url + path, timeout=30).status_code

        with concurrent.futures.ThreadPoolExecutor(100) as pool:
            stalled = [pool.submit(ask, "/identity/v3") for _ in range(100)]
            assert ask("/compute/") == 200
            while cloud.counters["GET /identity/v3"] < len(stalled):
                ask("/compute/")
            assert not any(one.done() for one in stalled)
            assert isinstance(cloud.clock, ManualClock)
            cloud.clock.advance(5)
            assert {one.result() for one in stalled} == {200}


def test_server_stop_ends_abandoned_requests(caplog: pytest.LogCaptureFixture) -> None:
    """aiohttp forgets a lost connection while the handler of its request still waits."""
    cloud = FakeCloud(ManualClock())
    cloud.faults.add(Fault("delay", seconds=1000))
    with running(cloud) as url, pytest.raises(requests.exceptions.ReadTimeout):
        requests.get(f"{url}/compute/", timeout=0.2)
    gc.collect()  # asyncio logs a pending task when the task is destroyed
    assert caplog.messages == []


GUESTS = "--guests takes two different ports from 1 to 65535, as in 22:80 (ssh, http), not "


@contextmanager
def process(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run `osfutures fake`; yield the process and its first line."""
    env = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        [sys.executable, "-c", RUN, "fake", *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env=env,
    ) as child:
        try:
            assert child.stdout is not None
            yield child, child.stdout.readline().strip()
        finally:
            child.kill()


def get(url: str, headers: dict[str, str] | None = None, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    sent = {"Content-Type": "application/json", **(headers or {})}
    request = urllib.request.Request(url, data, sent)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_command_serves_until_a_signal(tmp_path: Path, number: signal.Signals) -> None:
    clouds = tmp_path / "clouds.yaml"
    arguments = ("--port", "0", "--clouds-yaml", str(clouds), "--manual-clock", "--seed", "7")
    with process(*arguments) as (child, auth_url):
        assert auth_url.startswith("http://127.0.0.1:")
        assert auth_url in clouds.read_text()
        assert "fake-admin:" in clouds.read_text()
        root = auth_url.removesuffix("/identity/v3")
        assert get(auth_url)["version"]["id"] == "v3.14"
        assert get(f"{root}/_osf/clock", body={"seconds": 5})["now"] == 5
        child.send_signal(number)
        assert child.wait(10) == 0


def test_command_rejects_invalid_options(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with running(FakeCloud(ScaledClock(1))) as url:
        taken = url.rpartition(":")[2]
        missing = str(tmp_path / "missing" / "clouds.yaml")
        for arguments, why in (
            (["--speed", "0"], "speed must be greater than 0, not 0.0"),
            (["--port", taken], f"cannot listen on port {taken}: Address already in use"),
            (["--port", "70000"], "--port must be from 0 to 65535, not 70000"),
            *(
                (["--guests", given], f"{GUESTS}{given!r}")
                for given in ("22", "22:22", "a:80", "0:1")
            ),
            (["--clouds-yaml", missing], f"cannot write {missing}: No such file or directory"),
        ):
            assert main(["fake", *arguments]) == 2
            captured = capsys.readouterr()
            assert captured.err == f"osfutures fake: {why}\n"
            assert captured.out == ""


FAULT = b'{"effect": "status", "status": 503}'
PAGES = [
    ("POST", {"Content-Type": "text/plain"}, 415),
    ("POST", {"Content-Type": "application/x-www-form-urlencoded"}, 415),
    ("POST", {}, 415),
    ("POST", {"Content-Type": "application/json", "Origin": "http://evil.example"}, 403),
    ("POST", {"Content-Type": "application/json", "Origin": "null"}, 403),
    ("POST", {"Content-Type": "application/json", "Origin": "http://localhost.evil.example"}, 403),
    ("POST", {"Content-Type": "application/json", "Host": "evil.example"}, 403),
    ("POST", {"Content-Type": "application/json", "Host": "evil.example:80"}, 403),
    ("POST", {"Content-Type": "application/json", "Host": "127.0.0.1.evil.example"}, 403),
    ("POST", {"Content-Type": "application/json", "Host": "["}, 403),
    ("POST", {"Content-Type": "application/json", "Host": "localhost"}, 403),
    ("POST", {"Content-Type": "application/json", "Host": "localhost:1"}, 403),
    ("POST", {"Content-Type": "application/json", "Host": "[::1]:8080"}, 403),
    ("POST", {"Content-Type": "application/json", "Host": "user@127.0.0.1:{port}"}, 403),
    ("POST", {"Content-Type": "application/json", "Host": "user:pass@localhost:{port}"}, 403),
    ("POST", {"Content-Type": "application/json", "Host": "localhost:{port}:{port}"}, 403),
    ("POST", {"Content-Type": "application/json", "Host": "localhost:{port}/x"}, 403),
    ("POST", {"Content-Type": "application/json", "Host": "localhost:\xb2"}, 403),
    ("POST", {"Content-Type": "application/json", "Host": ""}, 403),
    ("POST", {"Content-Type": "application/json", "Sec-Fetch-Site": "cross-site"}, 403),
    ("POST", {"Content-Type": "application/json", "Sec-Fetch-Site": "same-site"}, 403),
    ("POST", {"Content-Type": "application/json", "Sec-Fetch-Site": "other"}, 403),
    ("POST", {"Content-Type": "application/json", "Origin": "http://localhost:3000"}, 403),
    ("POST", {"Content-Type": "application/json", "Origin": "http://localhost"}, 403),
    ("POST", {"Content-Type": "application/json", "Origin": "https://localhost:{port}"}, 403),
    ("POST", {"Content-Type": "application/json", "Origin": "http://u@localhost:{port}"}, 403),
    ("POST", {"Content-Type": "application/json", "Origin": "localhost:{port}"}, 403),
    ("POST", {"Content-Type": "application/json", "Origin": ""}, 403),
    ("GET", {"Origin": "http://127.0.0.1:3000"}, 403),
    ("DELETE", {"Origin": "https://evil.example"}, 403),
    ("GET", {"Host": "rebound.example"}, 403),
    ("POST", {"Content-Type": "application/json"}, 201),
    ("POST", {"Content-Type": "application/json; charset=utf-8"}, 201),
    ("POST", {"Content-Type": "application/json", "Origin": "http://127.0.0.1:{port}"}, 201),
    ("POST", {"Content-Type": "application/json", "Origin": "http://localhost:{port}"}, 201),
    ("POST", {"Content-Type": "application/json", "Origin": "http://[::1]:{port}"}, 201),
    ("POST", {"Content-Type": "application/json", "Host": "LOCALHOST:{port}"}, 201),
    ("POST", {"Content-Type": "application/json", "Host": "127.1.2.3:{port}"}, 201),
    ("POST", {"Content-Type": "application/json", "Host": "[::1]:{port}"}, 201),
    ("POST", {"Content-Type": "application/json", "Sec-Fetch-Site": "same-origin"}, 201),
    ("POST", {"Content-Type": "application/json", "Sec-Fetch-Site": "none"}, 201),
    ("DELETE", {}, 204),
]


@pytest.fixture(scope="module")
def address() -> Iterator[tuple[str, int]]:
    """Yield the address of a fake cloud on HTTP."""
    with running(FakeCloud(ManualClock())) as url:
        host, _, port = url.rpartition("/")[2].partition(":")
        yield host, int(port)


@pytest.mark.parametrize(("method", "headers", "status"), PAGES)
def test_web_page_cannot_use_the_control_api(
    address: tuple[str, int], method: str, headers: dict[str, str], status: int
) -> None:
    connection = http.client.HTTPConnection(*address, timeout=10)
    connection.putrequest(method, "/_osf/faults", skip_host="Host" in headers)
    body = FAULT if method == "POST" else b""
    for name, value in {**headers, "Content-Length": str(len(body))}.items():
        connection.putheader(name, value.replace("{port}", str(address[1])))
    connection.endheaders(body)
    assert connection.getresponse().status == status
    connection.close()


def test_web_page_cannot_use_the_services(address: tuple[str, int]) -> None:
    for headers in ({"Host": "evil.example"}, {"Origin": "http://evil.example"}):
        connection = http.client.HTTPConnection(*address, timeout=10)
        connection.request("POST", "/identity/v3/auth/tokens", b"{}", headers)
        assert connection.getresponse().status == 403
        connection.close()


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "nonsense"])
def test_invalid_gzip_body_is_a_bad_request(address: tuple[str, int], encoding: str) -> None:
    connection = http.client.HTTPConnection(*address, timeout=10)
    headers = {"Content-Type": "application/json", "Content-Encoding": encoding}
    connection.request("POST", "/identity/v3/auth/tokens", b"\x1f\x8bnonsense", headers)
    assert connection.getresponse().status == 400
    connection.close()


def test_odd_request_line_is_no_server_error(address: tuple[str, int]) -> None:
    for path in ("/compute/%ff", "/%", "//x", "/compute/v2.1/servers?limit=%ff&limit=%C2%B2"):
        connection = http.client.HTTPConnection(*address, timeout=10)
        connection.request("GET", path)
        assert connection.getresponse().status < 500
        connection.close()
