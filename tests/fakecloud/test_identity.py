"""Keystone: tokens, scopes, credentials, visibility."""

from __future__ import annotations

from typing import Any

from pytest_osfutures.fakecloud.services.identity.models import PASSWORD
from tests.fakecloud.api_client import ApiClient

TOKENS = "/identity/v3/auth/tokens"


def password(name: str = "demo", given: str = PASSWORD, **scope: Any) -> dict[str, Any]:
    user = {"name": name, "domain": {"id": "default"}, "password": given}
    return {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}, **scope}}


def test_wrong_password_is_rejected(demo: ApiClient) -> None:
    for body in (
        password(given="wrong"),
        password("nobody"),
        password(scope={"project": {"name": "admin", "domain": {"id": "default"}}}),
    ):
        response = demo("POST", TOKENS, body)
        assert response.status == 401
        assert response.body == {
            "error": {
                "code": 401,
                "message": "The request you have made requires authentication.",
                "title": "Unauthorized",
            }
        }
        assert response.headers["WWW-Authenticate"] == 'Keystone uri="http://cloud/identity/v3"'


def test_malformed_requests(demo: ApiClient) -> None:
    assert demo("POST", TOKENS, {"auth": {}}).status == 400
    assert demo("POST", TOKENS, {}).status == 400
    broken = {"auth": {"identity": {"methods": ["password"]}}}
    assert demo("POST", TOKENS, broken).status == 400


def test_scopes(demo: ApiClient) -> None:
    default = demo("POST", TOKENS, password()).body["token"]
    assert default["project"]["name"] == "demo"
    assert [role["name"] for role in default["roles"]] == ["reader", "member"]
    unscoped = demo("POST", TOKENS, password(scope="unscoped"))
    assert "project" not in unscoped.body["token"]
    again = {
        "auth": {
            "identity": {
                "methods": ["token"],
                "token": {"id": unscoped.headers["X-Subject-Token"]},
            },
            "scope": {"project": {"id": demo.project_id}},
        }
    }
    scoped = demo("POST", TOKENS, again)
    assert scoped.status == 201
    assert scoped.body["token"]["project"]["id"] == demo.project_id


def test_tokens_expire_and_can_be_revoked(demo: ApiClient) -> None:
    demo.cloud.settings.token_seconds = 60
    demo.token = demo.log_in()
    shown = demo("GET", TOKENS, headers={"X-Subject-Token": demo.token})
    assert shown.body["token"]["user"]["name"] == "demo"
    demo.clock.advance(60)
    expired = demo("GET", "/servers")
    assert expired.status == 401
    assert "WWW-Authenticate" in expired.headers
    demo.token = demo.log_in()
    assert demo("DELETE", TOKENS, headers={"X-Subject-Token": demo.token}).status == 204
    assert demo("GET", "/servers").status == 401


def test_application_credentials(demo: ApiClient) -> None:
    user_id = demo.cloud.identity.user_named("demo").id
    path = f"/identity/v3/users/{user_id}/application_credentials"
    made = demo("POST", path, {"application_credential": {"name": "ci"}})
    credential = made.body["application_credential"]
    assert demo("POST", path, {"application_credential": {"name": "ci"}}).status == 409
    identity = {
        "methods": ["application_credential"],
        "application_credential": {"id": credential["id"], "secret": credential["secret"]},
    }
    token = demo("POST", TOKENS, {"auth": {"identity": identity}})
    assert token.body["token"]["project"]["id"] == demo.project_id
    assert "secret" not in demo.get(path)["application_credentials"][0]
    assert demo("DELETE", f"{path}/{credential['id']}").status == 204
    assert demo("POST", TOKENS, {"auth": {"identity": identity}}).status == 401


def test_visibility_by_role(demo: ApiClient, admin: ApiClient) -> None:
    for kind in ("projects", "users", "services", "endpoints", "roles", "domains"):
        refused = demo("GET", f"/identity/v3/{kind}")
        assert refused.status == 403
        assert refused.body["error"]["message"] == (
            f"You are not authorized to perform the requested action: identity:list_{kind}."
        )
        assert admin.get(f"/identity/v3/{kind}")[kind]
    assert [p["name"] for p in demo.get("/identity/v3/auth/projects")["projects"]] == ["demo"]
    assert demo.get(f"/identity/v3/projects/{demo.project_id}")["project"]["name"] == "demo"


def test_catalog(demo: ApiClient) -> None:
    catalog = demo.get("/identity/v3/auth/catalog")["catalog"]
    urls = {entry["type"]: entry["endpoints"][0]["url"] for entry in catalog}
    assert urls["compute"] == "http://cloud/compute/v2.1"
    assert urls["volumev3"] == urls["block-storage"]
    assert urls["volumev3"].endswith(demo.project_id)
    assert {e["interface"] for e in catalog[0]["endpoints"]} == {"public", "internal", "admin"}


def test_version_documents_need_no_token(demo: ApiClient) -> None:
    demo.token = "none"
    assert demo("GET", "/identity").status == 300
    assert demo("GET", "/identity/").status == 300
    assert demo("GET", "/identity/v3/").body["version"]["id"] == "v3.14"
    assert demo("GET", "/compute/").body["versions"][-1]["version"] == "2.104"
    assert demo("GET", "/compute/v2.1").body["version"]["min_version"] == "2.1"
