"""One request on its way through a service: who asks, at which microversion, under which id."""

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
    """Who a token speaks for."""

    user_id: str = ""
    project_id: str = ""
    roles: tuple[str, ...] = ()
    token: str = ""

    @property
    def is_admin(self) -> bool:
        """Whether the policies for administrators let it through."""
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
    """What a handler needs to know of a request. `version` is (0, 0) without microversions."""

    model: Model
    runtime: Runtime
    request: Request
    caller: Caller
    version: Version
    request_id: str
    root: str  # URL of the service: scheme, host and prefix, without a slash at its end

    @property
    def context(self) -> RequestContext:
        """The context that the handler passes on to the model."""
        caller = self.caller
        return RequestContext(caller.project_id, caller.user_id, self.request_id, caller.is_admin)

    def json(self) -> dict[str, Any]:
        """The body, which has to be a JSON object. Raises ApiError(400)."""
        try:
            body = self.request.json()
        except ValueError:
            body = None
        if not isinstance(body, dict):
            raise ApiError(400, MALFORMED)
        return body

    def part(self, key: str) -> dict[str, Any]:
        """The object under `key`, the only envelope of the body. Raises ApiError(400)."""
        value = self.json().get(key)
        if not isinstance(value, dict):
            raise ApiError(400, MALFORMED)
        return value
