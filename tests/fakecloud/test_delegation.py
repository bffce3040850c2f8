"""Keystone: application credentials with restrictions and access rules, and trusts."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from pytest_osfutures.fakecloud.kernel.wire import Response
from tests.fakecloud.api_client import ApiClient
from tests.fakecloud.keystone_client import TOKENS, Keystone


@pytest.fixture
def keystone(admin: ApiClient) -> Keystone:
    return Keystone(admin)


class Person:
    """The user demo, with one application credential."""

    def __init__(self, demo: ApiClient, keystone: Keystone, **content: Any) -> None:
        self.keystone = keystone
        self.id = demo.cloud.identity.user_named("demo").id
        self.path = f"/users/{self.id}/application_credentials"
        made = keystone(
            "POST", self.path, {"application_credential": {"name": "ci"} | content}, demo.token
        )
        assert made.status == 201, made
        self.credential = made.body["application_credential"]

    def log_in(self) -> Response:
        given = {key: self.credential[key] for key in ("id", "secret")}
        return self.keystone.authenticate(
            {"methods": ["application_credential"], "application_credential": given}
        )

    @property
    def token(self) -> str:
        return self.log_in().headers["X-Subject-Token"]


def test_restricted_credential_makes_no_other(demo: ApiClient, keystone: Keystone) -> None:
    person = Person(demo, keystone)
    assert person.log_in().body["token"]["application_credential"]["restricted"] is True
    body = {"application_credential": {"name": "more"}}
    refused = keystone("POST", person.path, body, person.token)
    assert refused.status == 403
    assert "not allowed for managing application credentials" in refused.body["error"]["message"]
    assert keystone.works(person.token)


def test_unrestricted_credential_makes_others(demo: ApiClient, keystone: Keystone) -> None:
    person = Person(demo, keystone, unrestricted=True)
    body = {"application_credential": {"name": "more"}}
    assert keystone("POST", person.path, body, person.token).status == 201


def test_credential_has_the_chosen_roles(demo: ApiClient, keystone: Keystone) -> None:
    person = Person(demo, keystone, roles=[{"name": "reader"}])
    assert [role["name"] for role in person.log_in().body["token"]["roles"]] == ["reader"]
    body = {"application_credential": {"name": "x", "roles": [{"name": "admin"}]}}
    assert keystone("POST", person.path, body, demo.token).status == 400


def test_credential_expires(demo: ApiClient, keystone: Keystone) -> None:
    person = Person(demo, keystone, expires_at=_later(demo, 60))
    token = person.token
    demo.clock.advance(59)
    assert keystone.works(token)
    demo.clock.advance(2)
    assert demo("GET", "/servers", headers={"X-Auth-Token": token}).status == 401
    assert person.log_in().status == 401


def _later(client: ApiClient, seconds: float) -> str:
    token = client("GET", TOKENS, headers={"X-Subject-Token": client.token}).body["token"]
    issued = token["issued_at"]
    return (datetime.fromisoformat(issued) + timedelta(seconds=seconds)).strftime(
        "%Y-%m-%dT%H:%M:%S"
    )


@pytest.mark.parametrize("root", ["", "/compute"])
def test_access_rules_allow_only_their_requests(
    demo: ApiClient, keystone: Keystone, root: str
) -> None:
    rules = [
        {"service": "compute", "method": "GET", "path": f"{root}/v2.1/servers"},
        {"service": "compute", "method": "GET", "path": f"{root}/v2.1/servers/*"},
        {"service": "block-storage", "method": "POST", "path": "/v3/**"},
    ]
    person = Person(demo, keystone, access_rules=rules)
    headers = {"X-Auth-Token": person.token}
    volumes = f"/volume/v3/{demo.project_id}/volumes"
    expected = {
        ("GET", "/servers"): 200,
        ("GET", "/servers/detail"): 200,
        ("GET", "/servers/a/ips"): 401,
        ("DELETE", "/servers/a"): 401,
        ("GET", "/flavors"): 401,
        ("POST", volumes): 202,
        ("GET", volumes): 401,
        ("GET", "/identity/v3/auth/projects"): 401,
    }
    body = {"volume": {"size": 1}}
    found = {
        (method, path): demo(method, path, body if method == "POST" else None, headers).status
        for method, path in expected
    }
    assert found == expected


def test_access_rules_are_listed_and_kept_while_used(demo: ApiClient, keystone: Keystone) -> None:
    rule = {"service": "compute", "method": "GET", "path": "/v2.1/servers"}
    person = Person(demo, keystone, access_rules=[rule])
    path = f"/users/{person.id}/access_rules"
    (listed,) = keystone("GET", path, token=demo.token).body["access_rules"]
    assert listed.items() >= rule.items()
    assert keystone("DELETE", f"{path}/{listed['id']}", token=demo.token).status == 403
    gone = keystone("DELETE", f"{person.path}/{person.credential['id']}", token=demo.token)
    assert gone.status == 204
    assert keystone("DELETE", f"{path}/{listed['id']}", token=demo.token).status == 204
    bad = {"name": "x", "access_rules": [rule | {"method": "LIST"}]}
    answer = keystone("POST", person.path, {"application_credential": bad}, demo.token)
    assert answer.status == 400


def test_credential_ends_with_its_tokens(demo: ApiClient, keystone: Keystone) -> None:
    person = Person(demo, keystone)
    token = person.token
    path = f"{person.path}/{person.credential['id']}"
    assert keystone("DELETE", path, token=demo.token).status == 204
    assert not keystone.works(token)


def _trust(keystone: Keystone, demo: ApiClient, trustee: str, **content: Any) -> Response:
    body = {
        "trustor_user_id": demo.cloud.identity.user_named("demo").id,
        "trustee_user_id": trustee,
        "project_id": demo.project_id,
        "impersonation": True,
        "roles": [{"name": "member"}],
    }
    return keystone("POST", "/OS-TRUST/trusts", {"trust": body | content}, demo.token)


@pytest.mark.parametrize("impersonation", [True, False])
def test_trustee_acts_for_the_trustor(
    keystone: Keystone, demo: ApiClient, impersonation: bool
) -> None:
    service = keystone.user("heat")
    trust = _trust(keystone, demo, service, impersonation=impersonation).body["trust"]
    issued = keystone.log_in(service, {"OS-TRUST:trust": {"id": trust["id"]}})
    token = issued.headers["X-Subject-Token"]
    assert issued.body["token"]["project"]["id"] == demo.project_id
    assert issued.body["token"]["user"]["name"] == ("demo" if impersonation else "heat")
    assert issued.body["token"]["OS-TRUST:trust"]["id"] == trust["id"]
    assert keystone.works(token)
    again = {"methods": ["token"], "token": {"id": token}}
    assert keystone.authenticate(again).status == 403
    path = f"/OS-TRUST/trusts/{trust['id']}"
    roles = keystone("GET", f"{path}/roles", token=demo.token).body["roles"]
    assert [role["name"] for role in roles] == ["member"]
    assert keystone("DELETE", path, token=demo.token).status == 204
    assert not keystone.works(token)


def test_trusts_end_with_their_uses_and_their_time(keystone: Keystone, demo: ApiClient) -> None:
    service = keystone.user("heat")
    once = _trust(keystone, demo, service, remaining_uses=1).body["trust"]
    scope = {"OS-TRUST:trust": {"id": once["id"]}}
    assert [keystone.log_in(service, scope).status for _ in range(2)] == [201, 403]
    short = _trust(keystone, demo, service, expires_at=_later(demo, 60)).body["trust"]
    scope = {"OS-TRUST:trust": {"id": short["id"]}}
    assert keystone.log_in(service, scope).status == 201
    demo.clock.advance(61)
    assert keystone.log_in(service, scope).status == 401


def test_trusts_are_refused(keystone: Keystone, demo: ApiClient) -> None:
    service, other = keystone.user("heat"), keystone.user("other")
    assert _trust(keystone, demo, service, trustor_user_id=other).status == 403
    assert _trust(keystone, demo, service, roles=[]).status == 403
    assert _trust(keystone, demo, service, roles=[{"name": "admin"}]).status == 404
    assert _trust(keystone, demo, "nobody").status == 404
    trust = _trust(keystone, demo, service).body["trust"]
    assert keystone.log_in(other, {"OS-TRUST:trust": {"id": trust["id"]}}).status == 403
    listed = keystone("GET", f"/OS-TRUST/trusts?trustee_user_id={service}").body["trusts"]
    assert [each["id"] for each in listed] == [trust["id"]]


def test_passcodes_are_refused_in_words(keystone: Keystone) -> None:
    identity = {"methods": ["totp"], "totp": {"user": {"id": "x", "passcode": "123456"}}}
    refused = keystone.authenticate(identity)
    assert refused.status == 401
    error = refused.body["error"]
    assert error["message"] == "Attempted to authenticate with an unsupported method."
    assert error["identity"] == {"methods": ["password", "token", "application_credential"]}
