"""One request with its model: the argument of each handler."""

from __future__ import annotations

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


@dataclass(frozen=True)
class Caller:
    """The user, project and roles of a token."""

    user_id: str = ""
    project_id: str = ""
    roles: tuple[str, ...] = ()
    token: str = ""

    @property
    def is_admin(self) -> bool:
        """Return True if the policies for administrators allow the caller's request."""
        return "admin" in self.roles


@dataclass(frozen=True)
class RequestContext:
    """The user, project and request id on whose behalf a model acts."""

    project_id: str
    user_id: str
    request_id: str = ""
    is_admin: bool = False


@dataclass(frozen=True)
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
