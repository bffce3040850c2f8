"""Client of the APIs of one project: the only module of this package that sends requests."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

from pytest_osfutures.clock import Clock
from pytest_osfutures.engine import ReadRequest, ReadResult
from pytest_osfutures.errors import without_frames
from pytest_osfutures.operations import Body
from pytest_osfutures.parsing import MalformedResponseError
from pytest_osfutures.policy import Poll
from pytest_osfutures.redaction import secrets_in, without_secrets
from pytest_osfutures.transport import capture
from pytest_osfutures.transport.documents import parse_catalog, parse_items, parse_resource
from pytest_osfutures.transport.microversions import microversion_headers
from pytest_osfutures.transport.paging import Page, iterate_pages
from pytest_osfutures.transport.responses import (
    describe_refusal,
    error_message,
    is_bad_request,
    is_invisible,
    is_missing,
    is_retryable,
    is_success,
    retry_after,
)
from pytest_osfutures.transport.service_config import ServiceConfig, official_type
from pytest_osfutures.transport.session_errors import is_permanent_error, is_proxy_response

__tracebackhide__ = True  # pytest would show the bodies of requests, which may have secrets

#: Lowest and highest API version of the services that may offer several major versions.
_VERSIONS = {
    "compute": ("2.1", "2.latest"),
    "block-storage": ("3.0", "3.latest"),
    "image": ("2.0", "2.latest"),
    "network": ("2.0", "2.latest"),
}
#: The version at the beginning of a path.
_VERSION = re.compile(r"\A/v\d+(?:\.\d+)?(?=/|\Z)")
#: The project id at the beginning of a path, for sessions that do not know their project.
_PROJECT = re.compile(r"\A/[0-9a-f]{32}(?=/)")
#: Content types other than JSON, by method and service.
#: https://docs.openstack.org/api-ref/image/v2/#update-image
_CONTENT_TYPES = {
    ("PATCH", "image"): {"Content-Type": "application/openstack-images-v2.1-json-patch"}
}


@dataclass(frozen=True)
class ResolvedUrl:
    """The parts of a URL: service, endpoint, and the path as the tables of operations have it."""

    #: Official service type, such as "block-storage".
    service: str
    #: Endpoint with version and project, without a final slash.
    base: str
    #: Path below the endpoint, without the query.
    path: str


class _RefusedReadError(Exception):
    """A read that the service refused, with its response."""

    def __init__(self, response: Any) -> None:
        super().__init__(response)
        self.response = response


@dataclass(eq=False)
class ApiClient:
    """A client that reads and sends through a user's keystoneauth1 session.

    Two clients are equal if they use the same session and find the same endpoints, so that the
    engine shares the reads of all clients on one session.
    """

    #: keystoneauth1 session.
    session: Any
    #: keystoneauth1 auth plugin, if it is not the session's own.
    auth: Any = None
    #: Interface of the endpoints: "public", "internal" or "admin".
    interface: str | None = None
    #: Name of the region of the endpoints.
    region: str | None = None
    #: Timeouts of the reads.
    poll: Poll = field(default_factory=Poll)
    #: Settings of single services in clouds.yaml.
    config: ServiceConfig | None = None

    def __post_init__(self) -> None:
        self._bases: dict[str, str] = {}
        self._catalog: tuple[list[tuple[str, str]], str | None] | None = None
        self._lock = threading.Lock()
        self._key = (id(self.session), id(self.auth), self.interface, self.region, id(self.config))
        self._hash = hash(self._key)
        self.cloud_time = capture.install(self.session)

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, ApiClient) and self._key == other._key)

    def __hash__(self) -> int:  # computed once, because the engine uses it for each read
        return self._hash

    # Endpoints

    def find_url(self, url: str) -> ResolvedUrl | None:
        """Find the service of a URL by the longest matching endpoint of the token's catalog.

        Returns None if no endpoint matches.
        """
        plain = url.split("?", 1)[0]
        matching = [(base, name) for base, name in self.catalog()[0] if _is_below(plain, base)]
        if not matching:
            return None
        return self._resolved(plain, *max(matching, key=lambda pair: len(pair[0])))

    def resolve_url(self, url: str, service: str) -> ResolvedUrl:
        """Find the service of a URL by the catalog, or else split the URL before its version.

        Args:
            url: URL of a request of some client.
            service: Service type of that client, for sessions that have no catalog.
        """
        found = self.find_url(url)
        if found is not None:
            return found
        plain = url.split("?", 1)[0]
        parts = urlsplit(plain)
        root = re.split(r"/v\d+(?:\.\d+)?/", parts.path, maxsplit=1)[0]
        return self._resolved(
            plain, f"{parts.scheme}://{parts.netloc}{root}", official_type(service)
        )

    def _resolved(self, plain: str, base: str, service: str) -> ResolvedUrl:
        """Move version and project from the path to the base, and remember the base."""
        project = self.catalog()[1]
        path = _VERSION.sub("", plain[len(base) :])
        if project and (path + "/").startswith(f"/{project}/"):
            path = path[len(project) + 1 :]
        elif project is None:
            path = _PROJECT.sub("", path)
        resolved = ResolvedUrl(service, plain[: len(plain) - len(path)], path)
        with self._lock:
            self._bases[service] = resolved.base
        return resolved

    def catalog(self) -> tuple[list[tuple[str, str]], str | None]:
        """Return all endpoints with their service types, and the project id; cached.

        Call it before a request leaves: a session holds a lock while it fetches a token.
        """
        if self._catalog is None:
            auth = self.auth or self.session.auth
            services: Mapping[str, Any] = {}
            if hasattr(auth, "get_access"):
                catalog = auth.get_access(self.session).service_catalog
                if isinstance(catalog.catalog, list):  # keystoneauth1 raises for one unusable entry
                    catalog.catalog[:] = parse_catalog(catalog.catalog)
                services = catalog.get_endpoints_data()
            name = official_type if self.config is None else self.config.official_type
            endpoints = [
                (endpoint.url.rstrip("/"), name(service))
                for service, found in services.items()
                for endpoint in found
                if endpoint.url
            ]
            project = self.session.get_project_id(auth=self.auth) if auth is not None else None
            if self.config is not None:
                endpoints += self.config.endpoints(project)
            self._catalog = endpoints, project
        return self._catalog

    def base(self, service: str) -> str:
        """Return the endpoint of a service, with version and project, without a final slash.

        A service that has no versions has none in its endpoint. Raises keystoneauth1's
        EndpointNotFound if the cloud has no such service, and DiscoveryFailure or another
        ClientException if the service does not say which versions it has.
        """
        from keystoneauth1.exceptions import DiscoveryFailure, EndpointNotFound

        with self._lock:
            if service in self._bases:
                return self._bases[service]
        self.catalog()  # removes the unusable entries, for which keystoneauth1 would raise
        endpoint_filter, override = self._endpoint_filter(service)
        if override is not None and _has_version(override):
            return override
        lowest, highest = _VERSIONS.get(service, (None, None))
        found = self._endpoint_data(endpoint_filter, min_version=lowest, max_version=highest)
        if found is not None and lowest is None and not _has_version(found.url):
            found = self._endpoint_data(endpoint_filter, discover_versions=True)
        version = None if found is None else found.api_version
        # A session without a catalog returns its one endpoint for every service.
        if found is None or (lowest and version and version[0] != int(lowest[0])):
            raise EndpointNotFound(f"the cloud's catalog has no endpoint for {service}")
        if lowest and version is None and override is None:
            # keystoneauth1 falls back to the catalog's URL, below which no path would exist.
            raise DiscoveryFailure(f"{service} at {found.url} did not say which versions it has")
        base = str(found.url).rstrip("/")
        if version is None and not _has_version(base):
            self._check_versionless(service, base)
            return base
        with self._lock:
            return self._bases.setdefault(service, base)

    def _endpoint_data(self, endpoint_filter: Mapping[str, Any], **versions: Any) -> Any:
        """Return keystoneauth1's EndpointData; None if the catalog has no such service."""
        wanted = {"discover_versions": False, **endpoint_filter, **versions}
        try:
            return self.session.get_endpoint_data(auth=self.auth, **wanted)
        except ValueError:  # keystoneauth1 raises it if a service with several names is missing
            return None

    def _check_versionless(self, service: str, base: str) -> None:
        """Raise DiscoveryFailure if a service may have versions that it cannot tell now."""
        from keystoneauth1.exceptions import DiscoveryFailure

        answer = self.session.get(
            base, auth=self.auth, raise_exc=False, timeout=self.poll.read_timeout
        )
        if is_retryable(answer.status_code):
            said = f"it answered {answer.status_code}"
            raise DiscoveryFailure(f"{service} at {base} did not say which versions it has: {said}")

    def _endpoint_filter(self, service: str) -> tuple[dict[str, Any], str | None]:
        """Return keystoneauth1's endpoint filter of a service, and the URL of clouds.yaml."""
        if self.config is None:
            found = {"interface": self.interface, "region_name": self.region}
            return {"service_type": service, **found}, None
        found = self.config.endpoint_filter(service)
        override = self.config.endpoint(service, self.catalog()[1])
        return (found if override is None else {**found, "endpoint_override": override}), override

    # Requests

    def send(self, method: str, service: str, path: str, body: Any, microversion: str = "") -> Any:
        """Send one request and return its `requests.Response`, whatever its status.

        Args:
            method: HTTP method.
            service: Official service type.
            path: Path and query below the endpoint of the service.
            body: JSON document; None for none.
            microversion: Microversion to request; empty for the service's default.

        Raises:
            keystoneauth1.exceptions.BadGateway: A proxy refused the request.
            keystoneauth1.exceptions.ClientException: No response, or no token.
        """
        headers = microversion_headers(service, microversion)
        try:
            response = self.session.request(
                self.base(service) + path,
                method,
                auth=self.auth,
                json=body,
                headers=headers | _CONTENT_TYPES.get((method, service), {}),
                raise_exc=False,
                timeout=self.poll.read_timeout,
                connect_retries=0,
                status_code_retries=0,
            )
        except Exception as error:
            raise without_frames(without_secrets(error, secrets_in(body)))  # noqa: B904
        if is_proxy_response(response):
            from keystoneauth1.exceptions import BadGateway

            said = f"{response.status_code}: {error_message(response)}"
            raise BadGateway(f"{method} {service} {path.split('?')[0]} was answered {said}")
        return response

    def read(self, request: ReadRequest, clock: Clock) -> ReadResult:
        """Carry out one read of the engine. Never raises: every failure is in the result."""
        asked_at = clock.now()
        try:
            if request.listing:
                return self._list(request, asked_at, clock)
            return self._get(request, clock)
        except _RefusedReadError as refused:
            return _refused(request, asked_at, clock.now(), refused.response)
        except Exception as error:
            text = f"{type(error).__name__}: {error}".strip().rstrip(":")
            fatal = is_permanent_error(error)
            return ReadResult(request, asked_at, clock.now(), error=text, fatal=fatal)

    def _get(self, request: ReadRequest, clock: Clock) -> ReadResult:
        asked_at = clock.now()
        kind, ident = request.kind, request.refs[0].id
        response = self.send("GET", kind.service, request.path, None, request.microversion)
        status = response.status_code
        if is_missing(status) or (kind.explains_only and is_invisible(status)):
            return ReadResult(request, asked_at, clock.now())
        if not is_success(status):
            raise _RefusedReadError(response)
        try:
            body = parse_resource(kind, response.json())
        except MalformedResponseError as error:
            return ReadResult(request, asked_at, clock.now(), malformed={ident: str(error)})
        return ReadResult(request, asked_at, clock.now(), {ident: body}, local_time=clock.time())

    def _list(self, request: ReadRequest, asked_at: float, clock: Clock) -> ReadResult:
        found: dict[str, Body] = {}
        malformed: dict[str, str] = {}
        try:
            for page in self._pages(request):
                usable, defects = parse_items(request.kind, page.items)
                found.update(usable)
                malformed.update(defects)
        except _RefusedReadError as refused:
            if request.since is None or not is_bad_request(refused.response.status_code):
                raise
            # An older service does not know the filter changes-since: list everything.
            everything = replace(request, path=request.kind.list_path or "", since=None)
            return self._list(everything, asked_at, clock)
        return ReadResult(
            request, asked_at, clock.now(), found, local_time=clock.time(), malformed=malformed
        )

    def _pages(self, request: ReadRequest) -> Iterator[Page]:
        kind = request.kind

        def fetch(path: str) -> Page:
            response = self.send("GET", kind.service, path, None, request.microversion)
            if not is_success(response.status_code):
                raise _RefusedReadError(response)
            return Page.parse(response.json(), kind.collection)

        return iterate_pages(fetch, request.path)


def _has_version(url: str) -> bool:
    return re.search(r"/v\d", urlsplit(url).path) is not None


def _is_below(url: str, base: str) -> bool:
    return url == base or url.startswith(base + "/")


def _refused(
    request: ReadRequest, asked_at: float, answered_at: float, response: Any
) -> ReadResult:
    path = f"{request.kind.service} {request.path.split('?')[0]}"
    return ReadResult(
        request,
        asked_at,
        answered_at,
        error=describe_refusal("GET", path, response),
        retry_after=retry_after(response.headers),
        fatal=not is_retryable(response.status_code),
    )
