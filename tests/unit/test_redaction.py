"""Errors and the logs of our own sessions show no secrets."""

from __future__ import annotations

import logging
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_osfutures.clock import ManualClock
from pytest_osfutures.errors import ObjectCreationError, OperationDetails, OSFuturesError
from pytest_osfutures.redaction import (
    hide_in_logs,
    redact,
    redact_log,
    secrets_in,
    secrets_in_text,
    without_secrets,
)
from pytest_osfutures.transport.responses import error_message

from .api import NOVA, Api, answer, session

SECRET = "hunter2+/="


@pytest.mark.parametrize(
    "text",
    [
        '{"server": {"adminPass": "%s", "name": "web"}}',
        "{'adminPass': '%s', 'name': 'web'}",
        "adminPass': '%s' of web",
        "admin_pass=%s, name web",
        r"{\"user_data\": \"%s\", \"name\": \"web\"}",
        '{"OS-EXT-SRV-ATTR:user_data": "%s", "name": "web"}',
        '{"personality": [{"path": "/etc", "contents": "]%s"}], "name": "web"}',
        "{'connection_info': {'auth_password': 'a', 'd': {'x': '%s'}}, 'name': 'web'}",
        '{"private_key": "-----BEGIN\\n%s\\n", "name": "web"}',
        "web: Invalid input for field/attribute user_data. Value: %s. '%s' is not a 'base64'",
        "web: Invalid input for field/attribute adminPass. Value: %s.",
        'web X-Auth-Token: %s"',
        '{"name": "web", "auth_password": "cut off: %s',
        '{"name": "web", "secret": "with \\" in it: %s"}',
        "web b'password': b'%s'",
    ],
)
def test_the_values_of_secret_fields_are_hidden_and_the_rest_stays(text: str) -> None:
    shown = redact(text.replace("%s", SECRET))
    assert "hunter2" not in shown
    assert "web" in shown
    assert "***" in shown


@pytest.mark.parametrize(
    "text",
    [
        "no such token",
        "the password is too short",
        "",
        "key_name: x",
        "POST http://a/v3/auth/tokens: HTTPConnectionPool(host='a', port=9)",
    ],
)
def test_words_about_secrets_are_none(text: str) -> None:
    assert redact(text) == text


@given(st.text())
def test_any_text_can_be_redacted(text: str) -> None:
    assert redact(redact(text)) == redact(redact(redact(text)))
    assert "s3cret" not in redact(f'{text} "adminPass": "s3cret"')


def test_secrets_are_known_from_the_request_and_as_they_were_meant() -> None:
    server = {"adminPass": "hunter2", "user_data": "c2VjcmV0IGRhdGE=", "name": "web-server"}
    server["personality"] = [{"path": "/etc/motd", "contents": "Zm9vYmFy"}]  # type: ignore[assignment]
    found = set(secrets_in({"server": server}))
    assert found == {"hunter2", "c2VjcmV0IGRhdGE=", "secret data", "Zm9vYmFy", "foobar"}


def test_an_error_and_its_cause_show_no_secret() -> None:
    cause = ValueError(f"password={SECRET}")
    error = KeyError(f"value {SECRET} is wrong", {"adminPass": SECRET})
    error.details = {"adminPass": SECRET, "list": [f"x {SECRET}"]}  # type: ignore[attr-defined]
    error.__cause__ = cause
    shown = without_secrets(error, [SECRET])
    everything = [*shown.args, vars(shown), *cause.args]
    assert "hunter2" not in repr(everything)
    assert shown is error


def test_our_own_errors_have_no_secret_in_text_and_repr() -> None:
    words = f"{{'adminPass': '{SECRET}'}}"
    details = OperationDetails(operation="server.create", fault={"message": words, "code": 400})
    for error in (ObjectCreationError(words, details), OSFuturesError(words)):
        for each in (error, pickle.loads(pickle.dumps(error))):
            assert "hunter2" not in str(each) + repr(each)


def test_the_clouds_words_about_a_request_have_no_secret() -> None:
    echo = {"badRequest": {"message": f"not valid: {{'adminPass': '{SECRET}'}}", "code": 400}}
    assert error_message(answer(400, echo)) == "not valid: {'adminPass': ***}"
    assert "hunter2" not in error_message(answer(400, {"adminPass": SECRET, "x": [1]}))


@pytest.mark.parametrize("split", [None, True])
def test_a_session_of_ours_logs_without_secrets(
    caplog: pytest.LogCaptureFixture, split: bool | None
) -> None:
    caplog.set_level(logging.DEBUG)
    mine: Any = session(Api(ManualClock()))
    mine._split_loggers = split
    hide_in_logs(mine)
    echo = answer(400, {"badRequest": {"adminPass": SECRET, "message": "no"}})
    api = mine.session.get_adapter(NOVA)
    api.fault("POST", "/servers", lambda _: echo)
    body = {"server": {"name": "web", "adminPass": SECRET, "user_data": "hunter2"}}
    mine.post(f"{NOVA}/servers", json=body, raise_exc=False, logger=logging.getLogger("theirs"))
    assert "REQ: curl" in caplog.text
    assert "RESP BODY" in caplog.text
    assert '"name": "web"' in caplog.text
    assert "hunter2" not in caplog.text


@pytest.mark.parametrize(
    "text",
    [
        "web\nSet the following 'random' passwords\nroot:%s\nubuntu:%s\n",
        "[ 1] cloud-init[8]: Set the following 'random' passwords web\n[ 1] cloud-init[8]: x:%s",
        "web\n+ echo root:%s\n+ chpasswd",
        "web\n+ chpasswd\n+ echo root:%s",
        "echo 'root:%s' | chpasswd web\n",
        "login web as 'cirros' user. default password: '%s'. use 'sudo' for root.",
        "web password: %s and %s",
        "web: The Administrator password is %s",
        "web: password for user root set to %s",
        "web + export DB_PASSWORD=%s",
        "web + mysql --password %s -u root",
        "web: kubeadm join 192.0.2.1:6443 --token %s",
        "web: curl -u admin:%s http://192.0.2.1",
        "web: git clone https://joe:%s@example.org/x.git",
        "web: CREATE USER x IDENTIFIED BY '%s'",
        "web: Authorization: Bearer %s",
        "web: root:$6$salt$%s:19000",
        "web\n-----BEGIN OPENSSH PRIVATE KEY-----\n%s\n%s\n-----END OPENSSH PRIVATE KEY-----",
        "%s\n-----END RSA PRIVATE KEY-----\nweb",
        "web\n-----BEGIN PRIVATE KEY-----\n%s",
    ],
)
def test_secrets_of_consoles_are_hidden(text: str) -> None:
    shown = redact_log(text.replace("%s", "hunter2hunter2"))
    assert "hunter2" not in shown
    assert "web" in shown
    assert "***" in shown


@pytest.mark.parametrize(
    "text",
    [
        "[    0.000000] Linux version 5.4.0 (buildd@host) #1 SMP",
        "systemd[1]: Started Forward Password Requests to Wall Directory Watch.",
        "ci-info: no authorized SSH keys fingerprints found for user ubuntu.",
        "-----BEGIN SSH HOST KEY FINGERPRINTS-----\n256 SHA256:abc root@web (ED25519)",
        "12:34:56 http://192.0.2.1:80/x eth0: up",
        "cirros login: ",
    ],
)
def test_plain_lines_of_consoles_stay(text: str) -> None:
    assert redact_log(text) == text


def test_known_secrets_of_consoles_are_hidden_anywhere() -> None:
    assert redact_log("xhunter2y", ["hunter2"]) == "x***y"


def test_secrets_in_user_data() -> None:
    data = "#!/bin/sh\nPASSWORD='one two'\necho root:three | chpasswd\nlock_passwd: false\nx: y"
    assert set(secrets_in_text(data)) == {"one two", "three"}
