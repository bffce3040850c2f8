"""Conditions: their texts, bad arguments, and the judgement of answers."""

from __future__ import annotations

import builtins
import functools
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import pytest_osfutures as osf
from pytest_osfutures import ready
from pytest_osfutures.errors import InvalidArgument
from pytest_osfutures.ready.conditions import CloudInitStatus, Console, Function, Http, Ssh
from pytest_osfutures.ready.outcome import Met, Never, NotYet

KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nxx\n"


@pytest.fixture(scope="module")
def key() -> str:
    """Return the text of a new private key."""
    asyncssh = pytest.importorskip("asyncssh", reason="the extra `ssh`")
    text: str = asyncssh.generate_private_key("ssh-ed25519").export_private_key().decode()
    return text


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda: ready.tcp(0), "port=0 is not a whole number from 1 to 65535"),
        (lambda: ready.tcp(65536), "port=65536 is not"),
        (lambda: ready.tcp("22"), "port='22' is not"),  # type: ignore[arg-type]
        (lambda: ready.tcp(True), "port=True is not"),
        (lambda: ready.console("("), "pattern='(' is no regular expression: missing )"),
        (lambda: ready.console(""), "pattern='' matches an empty console"),
        (lambda: ready.console(7), "pattern=7 is no regular expression"),  # type: ignore[arg-type]
        (lambda: ready.console(b"x"), "pattern=b'x' is no regular"),  # type: ignore[arg-type]
        (lambda: ready.http("ftp://{address}"), "url='ftp://{address}' is not usable; accepted"),
        (lambda: ready.http("index.html"), "url='index.html' is not usable"),
        (lambda: ready.http("http://{host}/"), "url='http://{host}/' is not usable"),
        (lambda: ready.http(":99999/"), "url=':99999/' is not usable"),
        (lambda: ready.http(":0/"), "url=':0/' is not usable"),
        (lambda: ready.http("http://me:hunter2@{address}/"), "url: a user and a password in the"),
        (lambda: ready.http("/a b"), "url='/a b' is not usable"),
        (lambda: ready.http("/", status=99), "status=99 is not an HTTP status from 100 to 599"),
        (lambda: ready.http("http://lb/", address="fixed"), "url='http://lb/' names a host, so"),
        (lambda: ready.ping(via="me@host"), "ping() cannot go by way of a jump host"),
        (lambda: ready.cloud_init(address="fixed"), "cloud_init() reads the console; give user"),
        (lambda: ready.condition_of(7), "ready=7 is no condition; accepted are those of osf.ready"),
        (lambda: ready.condition_of([]), "ready=[] is no condition"),
        (lambda: ready.condition_of(ready.tcp), "ready=tcp: call it, as in osf.ready.tcp(22)"),
        (lambda: ready.condition_of([ready.tcp(2), "x"]), "ready='x' is no condition"),
    ],
)
def test_a_bad_argument_is_one_sentence(make: Any, why: str) -> None:
    with pytest.raises(InvalidArgument) as raised:
        make()
    assert str(raised.value).startswith(why)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("user", "value", "why"),
    [
        ("", KEY, "user='' is not the name of a user of the guest"),
        ("a b", KEY, "user='a b' is not the name of a user"),
        (None, KEY, "user=None is not the name of a user"),
        ("cirros", KEY, "key: the text is no private key that ssh can use"),
        ("cirros", "/nonexistent/key", "key: '/nonexistent/key' cannot be read: No such file"),
        ("cirros", Path("/"), "key: '/' cannot be read: Is a directory"),
        ("cirros", None, "key: an object of type NoneType has no private key; accepted: "),
        (
            "cirros",
            SimpleNamespace(private_key=None),
            "key: an object of type SimpleNamespace has no private",
        ),
    ],
)
def test_a_bad_login_is_one_sentence(user: Any, value: Any, why: str, key: str) -> None:
    with pytest.raises(InvalidArgument) as raised:
        ready.ssh(user, value)
    assert str(raised.value).startswith(why)


def test_a_key_is_a_text_a_file_or_a_keypair(key: str, tmp_path: Path) -> None:
    (tmp_path / "id").write_text(key)
    keypair = SimpleNamespace(name="laptop", private_key=key)
    given = [key, key.encode(), str(tmp_path / "id"), tmp_path / "id", keypair]
    made = [ready.ssh("cirros", each) for each in given]
    assert {repr(each) for each in made} == {"ssh('cirros')"}
    public = {each.key.value.export_public_key() for each in made if isinstance(each, Ssh)}
    assert len(public) == 1


def test_an_encrypted_key_is_refused(key: str) -> None:
    asyncssh: Any = pytest.importorskip("asyncssh")
    plain = asyncssh.import_private_key(key)
    secret = plain.export_private_key("pkcs8-pem", passphrase="secret").decode()
    with pytest.raises(InvalidArgument, match="is encrypted; give a key without a passphrase"):
        ready.ssh("cirros", secret)


def test_without_the_extra_ssh_one_sentence_names_the_extra(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plain = builtins.__import__

    def without(name: str, *args: Any) -> Any:
        if name == "asyncssh":
            raise ImportError(name)
        return plain(name, *args)

    monkeypatch.setattr(builtins, "__import__", without)
    makers: list[Callable[[], object]] = [lambda: ready.ssh("cirros", KEY)]
    makers.append(lambda: ready.tcp(22, via="me@bastion"))
    for make in makers:
        with pytest.raises(InvalidArgument) as raised:
            make()
        assert str(raised.value) == "ssh needs the extra `ssh`: pip install 'pytest-osfutures[ssh]'"


def test_a_server_without_a_network_has_no_address_for_a_condition() -> None:
    needs = ready.condition_of([ready.cloud_init(), ready.tcp(22)])
    with pytest.raises(InvalidArgument, match=r"ready=tcp\(22\) needs an address, and the server"):
        ready.check_addresses(needs, "none")
    ready.check_addresses(needs, "auto")
    ready.check_addresses(ready.tcp(22, address="192.0.2.1"), "none")
    ready.check_addresses(ready.http("http://lb/"), "none")


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("/health?deep=1", (None, "http", 80, "/health?deep=1")),
        (":8080", (None, "http", 8080, "/")),
        ("https://{address}/", (None, "https", 443, "/")),
        ("http://{address}:81/x", (None, "http", 81, "/x")),
        ("http://lb.example:81/x", ("lb.example", "http", 81, "/x")),
    ],
)
def test_the_parts_of_a_url(url: str, parts: tuple[Any, ...]) -> None:
    found = ready.http(url)
    assert isinstance(found, Http)
    assert (found.reach.ip, found.scheme, found.port, found.target) == parts


@pytest.mark.parametrize(
    ("answer", "status", "outcome"),
    [
        (b"HTTP/1.1 200 OK\r\n", None, Met()),
        (b"HTTP/1.0 204\r\n", None, Met()),
        (b"HTTP/1.1 302 Found\r\n", None, NotYet("HTTP status 302")),
        (b"HTTP/1.1 302 Found\r\n", 302, Met()),
        (b"HTTP/1.1 200 OK\r\n", 204, NotYet("HTTP status 200")),
        (b"SSH-2.0-OpenSSH\r\n", None, NotYet("no HTTP answer")),
        (b"", None, NotYet("the connection was closed")),
    ],
)
def test_the_judgement_of_http(answer: bytes, status: int | None, outcome: object) -> None:
    condition = ready.http("/", status=status)
    assert isinstance(condition, Http)
    assert condition.judged(answer) == outcome


@pytest.mark.parametrize(
    ("status", "output", "outcome"),
    [
        (0, "status: done\n", Met()),
        (0, "status: running\n", NotYet("cloud-init's status is running")),
        (2, "\nstatus: not started", NotYet("cloud-init's status is not started")),
        (1, "status: error\ndetail: x", Never("cloud-init's status is error")),
        (0, "status: disabled", Never("cloud-init's status is disabled")),
        (127, "sh: not found", NotYet("'cloud-init status' exits with 127: sh: not found")),
        (0, "nonsense", NotYet("'cloud-init status' says no status: nonsense")),
        (2, "status: done\n", Met()),  # with recoverable errors
    ],
)
def test_the_judgement_of_cloud_init(status: int, output: str, outcome: object, key: str) -> None:
    condition = ready.cloud_init("cirros", key)
    assert isinstance(condition, CloudInitStatus)
    assert condition.judge(status, output, "") == outcome


def test_the_last_line_of_cloud_init_on_a_console() -> None:
    condition = ready.cloud_init()
    assert isinstance(condition, Console)
    running = "[   5.1] cloud-init[433]: Cloud-init v. 24.4.1 running 'modules:final' at Sat"
    line = "[   5.8] cloud-init[433]: Cloud-init v. 24.4.1-0ubuntu1~22.04.1 finished at Sat, 28 Nov"
    assert condition.judge(running) == NotYet("the console does not show it")
    assert condition.judge(f"{running}\n{line} 2026") == Met()
    assert condition.judge("\n") == NotYet("the console is empty")


def test_the_judgement_of_a_function() -> None:
    def broken(server: object) -> bool:
        raise ValueError("bad")

    async def waits(server: object) -> object:
        return server

    assert Function("f()", lambda vm: vm == "vm").call("vm") == Met()
    assert Function("f()", lambda vm: 0).call("vm") == NotYet("it returned 0")
    assert Function("f()", broken).call("vm") == NotYet("ValueError: bad")
    assert Function("f()", waits).call("vm") == Met()

    def stops(server: object) -> object:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Function("f()", stops).call("vm")


def test_texts_of_conditions_show_what_the_user_wrote(key: str) -> None:
    jump = osf.ready.jump("10.0.0.1", "ops", key, port=2222)
    shown = osf.ready.ssh("cirros", key, port=23, command="uptime", address="fixed", via=jump)
    text = "ssh('cirros', port=23, command='uptime', address='fixed', via='ops@10.0.0.1:2222')"
    assert repr(shown) == text
    assert repr(osf.ready.http("/", verify=False)) == "http('/', verify=False)"
    assert repr(ready.condition_of([osf.ready.ping(), len])) == "[ping(), len()]"
    named = repr(ready.condition_of(lambda vm: vm))
    assert re.fullmatch(r"lambda at test_conditions\.py:\d+", named)
    assert repr(ready.condition_of(functools.partial(max, 1))).startswith("functools.partial(")
