"""One request with its model: the argument of each handler."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pytest_osfutures.fakecloud.kernel.errors import ApiError
from pytest_osfutures.fakecloud.kernel.runtime import Runtime
from pytest_osfutures.fakecloud.kernel.wire import Request

Model = TypeVar("Model")
Version = tuple[int, int]

MALFORMED = (
    "The server could not comply with the request since it is either malformed or otherwise "
    "incorrect."
)


_PATH_PART = re.compile(r"(?P<name>\{[^}]*\})|(?P<any>\*\*)|(?P<one>\*)|(?P<literal>[^{}*]+)")


@dataclass(frozen=True, repr=False, match_args=False)
class AccessLimit:
    """The access rules of an application credential: all other requests are refused.

    Each rule is a service type, a method and a pattern of the path, with keystonemiddleware's
    wildcards: `*` or `{name}` for one segment of the path, `**` for any number.
    """

    rules: tuple[tuple[str, str, re.Pattern[str]], ...]

    @classmethod
    def of(cls, rules: Iterable[tuple[str, str, str]]) -> AccessLimit:
        """Return the limit for rules of service type, method and path.

        Example:
            >>> limit = AccessLimit.of([("compute", "GET", "/v2.1/servers/*")])
            >>> limit.allows({"compute"}, "GET", "/v2.1/servers/1")
            True
            >>> limit.allows({"compute"}, "GET", "/v2.1/servers/1/action")
            False
        """
        return cls(tuple((kind, method, _path_pattern(path)) for kind, method, path in rules))

    def allows(self, types: Collection[str], method: str, *paths: str) -> bool:
        """Return True if a rule allows one of the paths of a service with those types."""
        return any(
            kind in types and method == allowed and any(map(pattern.fullmatch, paths))
            for kind, allowed, pattern in self.rules
        )


def _path_pattern(path: str) -> re.Pattern[str]:
    wildcards = {"name": "[^/]+", "one": "[^/]+", "any": ".*"}
    parts = (match for match in _PATH_PART.finditer(path))
    return re.compile(
        "".join(wildcards.get(part.lastgroup or "") or re.escape(part[0]) for part in parts)
    )


@dataclass(frozen=True, repr=False, match_args=False)
class Caller:
    """The user, scope and roles of a token. The scope is a project, a domain, the system or none.

    A request to any service but Keystone needs a project.
    """

    user_id: str = ""
    project_id: str = ""
    roles: tuple[str, ...] = ()
    token: str = ""
    domain_id: str = ""
    is_system: bool = False
    access_limit: AccessLimit | None = None

    @property
    def is_admin(self) -> bool:
        """Return True if the policies for administrators allow the caller's request."""
        return "admin" in self.roles


@dataclass(frozen=True, repr=False, match_args=False)
class RequestContext:
    """The user, project and request id on whose behalf a model acts."""

    project_id: str
    user_id: str
    request_id: str = ""
    is_admin: bool = False


@dataclass(frozen=True, repr=False, match_args=False)
class Call(Generic[Model]):
    """One validated request, as a handler gets it."""

    model: Model  #: the model of the service
    runtime: Runtime
    request: Request
    caller: Caller
    version: Version  #: the microversion; (0, 0) for a service without microversions
    request_id: str
    root: str  #: the service's URL: scheme, host and prefix, without a trailing slash

    @property
    def context(self) -> RequestContext:
        """Return the context that the handler passes to the model."""
        caller = self.caller
        return RequestContext(caller.project_id, caller.user_id, self.request_id, caller.is_admin)

    def json(self) -> dict[str, Any]:
        """Return the body, a JSON object. Raises ApiError(400) for anything else."""
        try:
            body = self.request.json()
        except ValueError:
            body = None
        if not isinstance(body, dict):
            raise ApiError(400, MALFORMED)
        return body

    def part(self, key: str) -> dict[str, Any]:
        """Return the object under `key` of the body. Raises ApiError(400)."""
        value = self.json().get(key)
        if not isinstance(value, dict):
            raise ApiError(400, MALFORMED)
        return value
