"""Keystone: projects, users, groups, roles, domains and the catalog; tokens follow the changes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakecloud.api_client import ApiClient
from tests.fakecloud.keystone_client import SECRET, Keystone


@pytest.fixture
def keystone(admin: ApiClient) -> Keystone:
    return Keystone(admin)


def test_new_user_works_in_a_new_project_only(keystone: Keystone, admin: ApiClient) -> None:
    project, other = keystone.make("project", name="blue"), keystone.make("project", name="red")
    user = keystone.user(project_id=project)
    token = keystone.token(user, project)
    assert keystone.log_in(user, {"project": {"id": other}}).status == 401
    body = {"keypair": {"name": "k", "public_key": "ssh-rsa AAAA"}}
    headers = {"X-Auth-Token": token}
    assert admin("POST", "/os-keypairs", body, headers).status == 201
    network = {"network": {"name": "own"}}
    made = admin("POST", "/network/v2.0/networks", network, headers).body["network"]
    assert made["project_id"] == project
    stranger = {"X-Auth-Token": keystone.token(keystone.user("bob", other), other)}
    path = f"/network/v2.0/networks/{made['id']}"
    assert [admin("GET", path, headers=h).status for h in (headers, stranger)] == [200, 404]
    groups = admin("GET", "/network/v2.0/security-groups", headers=headers).body["security_groups"]
    assert [(group["name"], group["project_id"]) for group in groups] == [("default", project)]


@pytest.mark.parametrize(
    "change",
    [
        lambda keystone, user, project: keystone(
            "PATCH", f"/users/{user}", {"user": {"enabled": False}}
        ),
        lambda keystone, user, project: keystone(
            "PATCH", f"/users/{user}", {"user": {"password": "new"}}
        ),
        lambda keystone, user, project: keystone(
            "PATCH", f"/projects/{project}", {"project": {"enabled": False}}
        ),
        lambda keystone, user, project: keystone("DELETE", f"/users/{user}"),
        lambda keystone, user, project: keystone("DELETE", f"/projects/{project}"),
        lambda keystone, user, project: keystone(
            "DELETE", f"/projects/{project}/users/{user}/roles/{keystone.role()}"
        ),
    ],
    ids=["user-off", "password", "project-off", "user-gone", "project-gone", "role-gone"],
)
def test_change_makes_tokens_invalid(keystone: Keystone, change: Any) -> None:
    project = keystone.make("project", name="blue")
    user = keystone.user(project_id=project)
    token, bystander = keystone.token(user, project), keystone.admin.token
    assert keystone.works(token)
    assert change(keystone, user, project).status in (200, 204)
    assert not keystone.works(token)
    assert keystone.log_in(user, {"project": {"id": project}}).status == 401
    assert keystone.works(bystander)


def test_token_loses_one_role_of_two(keystone: Keystone) -> None:
    project = keystone.make("project", name="blue")
    user = keystone.user(project_id=project)
    keystone.grant(user, project, "admin")
    token = keystone.token(user, project)
    assert keystone("GET", "/projects", token=token).status == 200
    path = f"/projects/{project}/users/{user}/roles/{keystone.role('admin')}"
    assert keystone("DELETE", path).status == 204
    assert keystone("GET", "/projects", token=token).status == 403
    assert keystone.works(token)


def test_groups_give_their_roles(keystone: Keystone) -> None:
    project, user = keystone.make("project", name="blue"), keystone.user()
    group = keystone.make("group", name="crew")
    path = f"/projects/{project}/groups/{group}/roles/{keystone.role()}"
    assert keystone("PUT", path).status == 204
    assert keystone.log_in(user, {"project": {"id": project}}).status == 401
    assert keystone("PUT", f"/groups/{group}/users/{user}").status == 204
    token = keystone.token(user, project)
    assert keystone("HEAD", f"/groups/{group}/users/{user}").status == 204
    assert [g["name"] for g in keystone("GET", f"/users/{user}/groups").body["groups"]] == ["crew"]
    assert keystone("DELETE", f"/groups/{group}/users/{user}").status == 204
    assert not keystone.works(token)


def test_roles_are_inherited_from_domain_and_parent(keystone: Keystone) -> None:
    domain = keystone.make("domain", name="acme")
    parent = keystone.make("project", name="parent", domain_id=domain)
    child = keystone.make("project", name="child", parent_id=parent)
    user, role = keystone.user(), keystone.role()
    inherited = f"/OS-INHERIT/domains/{domain}/users/{user}/roles/{role}/inherited_to_projects"
    assert keystone("PUT", inherited).status == 204
    assert keystone.log_in(user, {"project": {"id": child}}).status == 201
    assert keystone.log_in(user, {"domain": {"id": domain}}).status == 401
    found = keystone("GET", f"/role_assignments?user.id={user}&effective").body["role_assignments"]
    assert {each["scope"]["project"]["id"] for each in found} == {parent, child}
    (given,) = keystone("GET", f"/role_assignments?user.id={user}").body["role_assignments"]
    assert given["scope"]["OS-INHERIT:inherited_to"] == "projects"
    assert keystone("DELETE", inherited).status == 204
    assert keystone.log_in(user, {"project": {"id": child}}).status == 401


def test_scope_of_domain_and_system(keystone: Keystone) -> None:
    domain = keystone.make("domain", name="acme")
    user, role = keystone.user(), keystone.role("reader")
    for path in (f"/domains/{domain}", "/system"):
        assert keystone("PUT", f"{path}/users/{user}/roles/{role}").status == 204
    in_domain = keystone.log_in(user, {"domain": {"name": "acme"}})
    assert in_domain.body["token"]["domain"] == {"id": domain, "name": "acme"}
    on_system = keystone.log_in(user, {"system": {"all": True}})
    assert on_system.body["token"]["system"] == {"all": True}
    urls = {entry["type"]: entry["endpoints"] for entry in on_system.body["token"]["catalog"]}
    assert urls["volumev3"] == []
    token = on_system.headers["X-Subject-Token"]
    assert keystone("GET", "/users", token=token).status == 200
    assert keystone("POST", "/users", {"user": {"name": "x"}}, token=token).status == 403
    headers = {"X-Auth-Token": token}
    assert keystone.admin("GET", "/servers", headers=headers).status == 403
    assert keystone.admin("GET", "/flavors", headers=headers).status == 200
    own = keystone("GET", "/auth/domains", token=in_domain.headers["X-Subject-Token"])
    assert [each["name"] for each in own.body["domains"]] == ["acme"]


def test_domains_are_deleted_with_all_that_is_theirs(keystone: Keystone) -> None:
    domain = keystone.make("domain", name="acme")
    project = keystone.make("project", name="demo", domain_id=domain)  # as in the domain Default
    user = keystone.make("user", name="admin", domain_id=domain, password=SECRET)
    assert keystone("DELETE", f"/domains/{domain}").status == 403
    disabled = keystone("PATCH", f"/domains/{domain}", {"domain": {"enabled": False}})
    assert disabled.body["domain"]["enabled"] is False
    assert keystone("DELETE", f"/domains/{domain}").status == 204
    for path in (f"/projects/{project}", f"/users/{user}", f"/domains/{domain}"):
        assert keystone("GET", path).status == 404


@pytest.mark.parametrize(
    ("kind", "content", "status", "message"),
    [  # as Keystone 30 answers
        ("project", {}, 400, "Value: {}. 'name' is a required property"),
        ("project", {"name": 5}, 400, "field/attribute name. Value: 5. 5 is not of type 'string'"),
        ("project", {"name": "admin"}, 409, "same id in the same domain: name is admin, project"),
        ("project", {"name": "x", "domain_id": "none"}, 400, "Could not find domain: none."),
        ("user", {"name": "admin"}, 409, "entry found with name admin at domain ID default."),
        ("user", {"name": ""}, 400, "Value: . '' should be non-empty"),
        ("role", {"name": "admin"}, 409, "store role - Duplicate entry found with name admin."),
        ("service", {}, 400, "Value: {}. 'type' is a required property"),
    ],
)
def test_bad_resources_are_refused(
    keystone: Keystone, kind: str, content: Any, status: int, message: str
) -> None:
    answer = keystone("POST", f"/{kind}s", {kind: content})
    assert answer.status == status
    assert message in answer.body["error"]["message"]


def test_members_change_nothing(keystone: Keystone, demo: ApiClient) -> None:
    for method, path, body in (
        ("POST", "/projects", {"project": {"name": "x"}}),
        ("POST", "/users", {"user": {"name": "x"}}),
        ("PUT", f"/projects/{demo.project_id}/users/x/roles/{keystone.role()}", None),
        ("DELETE", f"/projects/{demo.project_id}", None),
        ("POST", "/services", {"service": {"type": "x"}}),
    ):
        assert keystone(method, path, body, token=demo.token).status == 403
    own = demo.cloud.identity.user_named("demo").id
    shown = keystone("GET", f"/users/{own}", token=demo.token)
    assert shown.body["user"]["name"] == "demo"


def test_own_password(keystone: Keystone) -> None:
    project = keystone.make("project", name="blue")
    user = keystone.user(project_id=project)
    token = keystone.token(user, project)
    body = {"user": {"original_password": "wrong", "password": "new"}}
    assert keystone("POST", f"/users/{user}/password", body).status == 401
    body["user"]["original_password"] = SECRET
    assert keystone("POST", f"/users/{user}/password", body).status == 204
    assert not keystone.works(token)
    assert keystone.log_in(user).status == 401


def test_projects_have_tags_and_relatives(keystone: Keystone) -> None:
    parent = keystone.make("project", name="parent", tags=["a"])
    child = keystone.make("project", name="child", parent_id=parent)
    assert keystone("PUT", f"/projects/{child}/tags/b").status == 201
    assert keystone("GET", f"/projects/{child}/tags/b").status == 204
    assert keystone("GET", f"/projects/{child}/tags/c").status == 404
    named = [p["name"] for p in keystone("GET", "/projects?tags-any=b,c").body["projects"]]
    assert named == ["child"]
    shown = keystone("GET", f"/projects/{parent}?subtree_as_ids").body["project"]
    assert shown["subtree"] == {child: None}
    shown = keystone("GET", f"/projects/{child}?parents_as_ids").body["project"]
    assert shown["parents"] == {parent: {"default": None}}
    assert keystone("DELETE", f"/projects/{parent}").status == 403


def test_roles_imply_roles(keystone: Keystone) -> None:
    project = keystone.make("project", name="blue")
    user, boss = keystone.user(), keystone.make("role", name="boss")
    keystone.grant(user, project, "boss")
    path = f"/roles/{boss}/implies/{keystone.role()}"
    assert keystone("HEAD", path).status == 404
    assert keystone("PUT", path).status == 201
    token = keystone.log_in(user, {"project": {"id": project}}).body["token"]
    assert [role["name"] for role in token["roles"]] == ["reader", "member", "boss"]
    assert keystone("PUT", f"/roles/{keystone.role()}/implies/{boss}").status == 403
    assert keystone("DELETE", path).status == 204
    token = keystone.log_in(user, {"project": {"id": project}}).body["token"]
    assert [role["name"] for role in token["roles"]] == ["boss"]
    assert keystone("DELETE", f"/roles/{keystone.role()}").status == 403  # immutable


def test_catalog_follows_services_and_endpoints(keystone: Keystone) -> None:
    service = keystone.make("service", type="dns", name="designate")
    endpoint = {"service_id": service, "interface": "public", "region_id": "RegionOne"}
    made = keystone.make("endpoint", url="http://dns:9001/$(project_id)s", **endpoint)
    entries = keystone("GET", "/auth/catalog").body["catalog"]
    dns = next(entry for entry in entries if entry["type"] == "dns")
    assert dns["endpoints"][0]["url"] == f"http://dns:9001/{keystone.admin.project_id}"
    assert keystone("DELETE", f"/endpoints/{made}").status == 204
    renamed = keystone("PATCH", f"/services/{service}", {"service": {"enabled": False}})
    assert renamed.body["service"]["enabled"] is False
    types = {entry["type"] for entry in keystone("GET", "/auth/catalog").body["catalog"]}
    assert "dns" not in types
    assert keystone("DELETE", f"/services/{service}").status == 204
    assert keystone("GET", f"/services/{service}").status == 404
    assert keystone("DELETE", "/regions/RegionOne").status == 403


def test_domain_is_a_project_too(keystone: Keystone) -> None:
    domain = keystone.make("project", name="acme", is_domain=True)
    assert keystone("GET", f"/domains/{domain}").body["domain"]["name"] == "acme"
    shown = keystone("PATCH", f"/projects/{domain}", {"project": {"enabled": False}})
    assert (shown.body["project"]["is_domain"], shown.body["project"]["enabled"]) == (True, False)
    assert keystone("DELETE", f"/projects/{domain}").status == 204
    assert keystone("GET", f"/projects/{domain}").status == 404


def test_roles_of_a_domain_give_access_by_what_they_imply(keystone: Keystone) -> None:
    domain, project = keystone.make("domain", name="acme"), keystone.make("project", name="blue")
    user, role = keystone.user(), keystone.make("role", name="local", domain_id=domain)
    assert keystone("PUT", f"/projects/{project}/users/{user}/roles/{role}").status == 204
    effective = f"/role_assignments?user.id={user}&effective"
    assert keystone("GET", effective).body["role_assignments"] == []
    assert keystone.log_in(user, {"project": {"id": project}}).status == 401
    assert keystone("PUT", f"/roles/{role}/implies/{keystone.role('reader')}").status == 201
    token = keystone.log_in(user, {"project": {"id": project}}).body["token"]
    assert [each["name"] for each in token["roles"]] == ["reader"]
