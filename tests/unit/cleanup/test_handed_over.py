"""The reaper's settings: absolute paths, no credentials in the environment, few logins."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from pytest_osfutures import cloud as clouds
from pytest_osfutures import config as clouds_yaml
from pytest_osfutures.cleanup import reaper_process
from pytest_osfutures.cloud import reconnect
from pytest_osfutures.transport import session as sessions

TEXT = """
clouds:
  devstack:
    cacert: ca.pem
    cert: certs/client.pem
    key: ~/client.key
    region_name: RegionOne
    auth: {auth_url: 'http://127.0.0.1:9/v3', username: u, project_name: p, password: secret.txt,
           user_domain_id: default, project_domain_id: default}
"""


@pytest.mark.parametrize("relative", [True, False])
def test_paths_in_clouds_yaml_become_absolute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, relative: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "ca.pem").touch()
    (tmp_path / "secret.txt").touch()  # what is no path stays what it is
    file = Path("clouds.yaml") if relative else tmp_path / "clouds.yaml"
    file.write_text(TEXT)
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(file))
    region = clouds_yaml.region(clouds_yaml.read(), "devstack")
    monkeypatch.chdir("/")
    config = region.config
    assert (config["cacert"], config["cert"], config["key"]) == (
        str(tmp_path / "ca.pem"),
        str(tmp_path / "certs" / "client.pem"),
        str(tmp_path / "home" / "client.key"),
    )
    assert config["auth"]["password"] == "secret.txt"
    assert config["region_name"] == "RegionOne"
    rebuilt = clouds_yaml.rebuilt(
        clouds.Cloud("x", region.get_session(), config=region).configuration() or {}
    )
    assert rebuilt.get_requests_verify_args()[0] == str(tmp_path / "ca.pem")


def test_existing_files_of_auth_plugins_become_absolute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "token").touch()
    given = {"auth": {"token_file": "token", "other_file": "nowhere"}, "verify": True, "cert": None}
    assert clouds_yaml.absolute(given) == {
        **given,
        "auth": {"token_file": str(tmp_path / "token"), "other_file": "nowhere"},
    }


def test_the_environment_has_paths_and_no_credentials(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", "/etc/ca.pem")
    monkeypatch.setenv("OS_PASSWORD", "secret")
    monkeypatch.delenv("NETRC", raising=False)
    env = reaper_process._environment()
    assert env["REQUESTS_CA_BUNDLE"] == str(tmp_path / "ca.pem")
    assert env["SSL_CERT_FILE"] == "/etc/ca.pem"
    assert "OS_PASSWORD" not in env
    assert "NETRC" not in env


def test_a_refused_login_is_shared_by_all_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    from keystoneauth1.exceptions import Unauthorized
    from keystoneauth1.identity.v3 import Password
    from requests import Response

    asked: list[float] = []
    now = [100.0]

    def refuse(self: Any, session: Any) -> Any:
        del self, session
        asked.append(now[0])
        answer = Response()
        answer.status_code = 401
        answer._content = b'{"error": {"message": "no", "code": 401, "title": "Unauthorized"}}'
        raise Unauthorized("no", response=answer)

    monkeypatch.setattr(sessions, "monotonic", lambda: now[0])
    auth = {"auth_url": "http://127.0.0.1:9/v3", "username": "u", "password": "p"}
    cloud = reconnect("x", {"auth_type": "password", "auth": auth, "config": {}})
    monkeypatch.setattr(Password, "get_auth_ref", refuse)
    auth_plugin: Any = cloud.session.auth
    del auth_plugin.get_auth_ref
    sessions.remember_refusals(auth_plugin)

    def send_request() -> None:
        with pytest.raises(Unauthorized):
            cloud.session.get_token()

    threads = [threading.Thread(target=send_request) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert asked == [100.0]
    now[0] += sessions.REFUSED_SECONDS + 1
    send_request()
    assert len(asked) == 2
