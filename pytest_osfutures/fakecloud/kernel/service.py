"""The HTTP properties of a service: prefix, routes, microversions and error format."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from pytest_osfutures.fakecloud.kernel.call import Version
from pytest_osfutures.fakecloud.kernel.errors import ApiError
from pytest_osfutures.fakecloud.kernel.wire import Request, Response, UrlRoute, UrlRouter

KINDS = {
    400: "badRequest",
    401: "unauthorized",
    403: "forbidden",
    404: "itemNotFound",
    405: "badMethod",
    409: "conflictingRequest",
    413: "overLimit",
    415: "badMediaType",
    429: "overLimit",
    501: "notImplemented",
    503: "serviceUnavailable",
}


def kind_body(error: ApiError) -> dict[str, Any]:
    """Return the error body of Nova and Cinder: one key for the kind, with code and message."""
    kind = error.kind or KINDS.get(error.status, "computeFault")
    content: dict[str, Any] = {"code": error.status, "message": error.message}
    if "Retry-After" in error.headers:
        content["retryAfter"] = error.headers["Retry-After"]
    return {kind: content}


UNKNOWN_PATH = {
    "message": "The resource could not be found.<br /><br />\n\n\n",
    "code": "404 Not Found",
    "title": "Not Found",
}
UNAUTHORIZED = {
    "error": {
        "code": 401,
        "title": "Unauthorized",
        "message": "The request you have made requires authentication.",
    }
}


@dataclass(frozen=True, repr=False, match_args=False)
class Microversions:
    """The range of microversions of a service, and the headers that request one.

    https://specs.openstack.org/openstack/api-sig/guidelines/microversion_specification.html
    """

    name: str  #: the service type: `OpenStack-API-Version: compute 2.95`
    lowest: Version
    highest: Version
    old_header: str | None = None

    def requested(self, request: Request) -> Version:
        """Return the request's microversion. Raises ApiError: 400 malformed, 406 out of range."""
        text = self._text(request)
        if text is None:
            return self.lowest
        if text == "latest":
            return self.highest
        if not re.fullmatch(r"[1-9][0-9]{0,8}\.(0|[1-9][0-9]{0,8})", text):
            raise ApiError(
                400,
                f"API Version String {text} is of invalid format. "
                "Must be of format MajorNum.MinorNum.",
            )
        major, minor = text.split(".")
        version = (int(major), int(minor))
        if not self.lowest <= version <= self.highest:
            raise ApiError(
                406,
                f"Version {text} is not supported by the API. Minimum is "
                f"{version_text(self.lowest)} and maximum is {version_text(self.highest)}.",
                headers=self.headers(version),
            )
        return version

    def _text(self, request: Request) -> str | None:
        for part in request.headers.get("openstack-api-version", "").split(","):
            name, _, text = part.strip().partition(" ")
            if name == self.name:
                return text.strip()
        return request.headers.get(self.old_header.lower()) if self.old_header else None

    def headers(self, version: Version) -> dict[str, str]:
        """Return the headers of a response at `version`."""
        headers = {"OpenStack-API-Version": f"{self.name} {version_text(version)}"}
        if self.old_header:
            headers[self.old_header] = version_text(version)
        headers["Vary"] = ", ".join(headers)
        return headers


def version_text(version: Version) -> str:
    """Return a version in the format `2.95`."""
    return f"{version[0]}.{version[1]}"


@dataclass(frozen=True, repr=False, match_args=False)
class Service:
    """One service below its prefix. The paths of `routes` are relative to the prefix."""

    name: str  #: the name in fault rules and page limits: "compute"
    prefix: str  #: "/compute"
    routes: Sequence[UrlRoute]
    types: tuple[str, ...] = ()  #: the service types of the catalog
    microversions: Microversions | None = None
    error_body: Callable[[ApiError], Any] = kind_body
    error_type: str = "application/json"
    empty_type: str = "application/json"
    request_id_headers: tuple[str, ...] = ("x-openstack-request-id",)
    headers: Mapping[str, str] = field(default_factory=dict)  #: of each response
    unknown_path: Any = field(default_factory=lambda: UNKNOWN_PATH)
    unauthorized: Any = field(default_factory=lambda: UNAUTHORIZED)
    needs_project: bool = False  #: a token with another scope, or without one, is refused
    can_fail: bool = True  #: fault rules apply and requests are counted
    quota_status: int = 403  #: the status of a request over quota
    quota_headers: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def router(self) -> UrlRouter:
        """Return the router for paths below the prefix."""
        return UrlRouter(self.routes)

    def error_response(self, error: ApiError) -> Response:
        """Return the response for `error` in the service's own format."""
        headers = {"Content-Type": self.error_type} | error.headers
        return Response(error.status, self.error_body(error), headers)
