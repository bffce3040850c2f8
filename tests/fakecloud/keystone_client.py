"""A client of Keystone for tests: it creates what they need, and logs in with any scope."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pytest_osfutures.fakecloud.kernel.wire import Response
from tests.fakecloud.api_client import ApiClient

ROOT = "/identity/v3"
TOKENS = f"{ROOT}/auth/tokens"
SECRET = "a secret"


@dataclass
class Keystone:
    """An administrator of Keystone. Paths are relative to v3."""

    admin: ApiClient

    def __call__(self, method: str, path: str, body: Any = None, token: str = "") -> Response:
        headers = {"X-Auth-Token": token} if token else {}
        return self.admin(method, ROOT + path, body, headers)

    def make(self, kind: str, **content: Any) -> str:
        """Create a resource; return its id."""
        response = self("POST", f"/{kind}s", {kind: content})
        assert response.status == 201, response
        return str(response.body[kind]["id"])

    def user(self, name: str = "ann", project_id: str | None = None) -> str:
        """Create a user, who is a member of the project if one is given; return the user's id."""
        user_id = self.make("user", name=name, password=SECRET)
        if project_id is not None:
            self.grant(user_id, project_id)
        return user_id

    def role(self, name: str = "member") -> str:
        """Return the id of a role."""
        return str(self("GET", f"/roles?name={name}").body["roles"][0]["id"])

    def grant(self, user_id: str, project_id: str, role: str = "member") -> None:
        """Give a role in a project to a user."""
        path = f"/projects/{project_id}/users/{user_id}/roles/{self.role(role)}"
        assert self("PUT", path).status == 204

    def log_in(self, user_id: str, scope: Any = None) -> Response:
        """Ask for a token for a user that `user` has created."""
        user = {"id": user_id, "password": SECRET}
        return self.authenticate({"methods": ["password"], "password": {"user": user}}, scope)

    def authenticate(self, identity: Any, scope: Any = None) -> Response:
        """Ask for a token."""
        auth = {"identity": identity} | ({} if scope is None else {"scope": scope})
        return self("POST", "/auth/tokens", {"auth": auth})

    def token(self, user_id: str, project_id: str) -> str:
        """Return a token of a user in a project."""
        response = self.log_in(user_id, {"project": {"id": project_id}})
        assert response.status == 201, response
        return response.headers["X-Subject-Token"]

    def works(self, token: str) -> bool:
        """Return True if Nova accepts the token."""
        status = self.admin("GET", "/servers", headers={"X-Auth-Token": token}).status
        assert status in (200, 401)
        return status == 200
