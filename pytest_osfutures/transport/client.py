"""One session's way to one project of a cloud: the only place where this package sends requests."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

from pytest_osfutures.clock import Clock
from pytest_osfutures.engine import ReadRequest, ReadResult
from pytest_osfutures.errors import without_frames
from pytest_osfutures.operations import Body
from pytest_osfutures.parsing import MalformedResponseError
from pytest_osfutures.policy import Poll
from pytest_osfutures.redaction import redact, secrets_in, without_secrets
from pytest_osfutures.transport import capture
from pytest_osfutures.transport.responses import (
    TRANSIENT,
    Pages,
    is_of_service,
    is_transient,
    next_query,
    resource,
    resources,
    retry_after,
    usable_entries,
)
from pytest_osfutures.transport.service_config import ServiceConfig
from pytest_osfutures.transport.service_config import official_type as official_type

__tracebackhide__ = True  # pytest: it would show the bodies of requests

#: The oldest API version that is spoken, where a service has several side by side.
_VERSIONS = {
    "compute": ("2.1", "2.latest"),
    "block-storage": ("3.0", "3.latest"),
    "image": ("2.0", "2.latest"),
    "network": ("2.0", "2.latest"),
}
_PREFIX = re.compile(r"(?P<version>/v\d+(?:\.\d+)?)?(?P<rest>/.*|\Z)")

#: A project's id at the beginning of a path, where the session does not know its own.
_PROJECT = re.compile(r"\A/[0-9a-f]{32}(?=/)")


#: What a document is, where it is not simply JSON.
_TYPES = {("PATCH", "image"): {"Content-Type": "application/openstack-images-v2.1-json-patch"}}


@dataclass(frozen=True)
class ResolvedUrl:
    """A URL taken apart: the service, its endpoint, and the path that the tables know."""

    service: str
    base: str
    path: str


@dataclass(eq=False)
class ApiClient:
    """Reads and sends through a keystoneauth1 session, as the client does that it came from.

    Two sources are equal if they lead the same way, so that clients on one session share reads.
    """

    session: Any
    auth: Any = None
    interface: str | None = None
    region: str | None = None
    poll: Poll = field(default_factory=Poll)
    config: ServiceConfig | None = None

    def __post_init__(self) -> None:
        self._bases: dict[str, str] = {}
        self._catalog: tuple[list[tuple[str, str]], str | None] | None = None
        self._lock = threading.Lock()
        self._way = (id(self.session), id(self.auth), self.interface, self.region, id(self.config))
        self._hash = hash(self._way)
        self.cloud_time = capture.install(self.session)

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, ApiClient) and self._way == other._way)

    def __hash__(self) -> int:  # the monitor looks things up by it all the time
        return self._hash

    def resolve_url(self, url: str, service: str | None = None) -> ResolvedUrl | None:
        """Find the service of a URL by the longest matching endpoint of the token's catalog.

        `service` is a client's own word for it, for sessions that have no catalog.
        """
        plain = url.split("?", 1)[0]
        endpoints, project = self.catalog()
        matching = [(base, kind) for base, kind in endpoints if _below(plain, base)]
        if matching:
            base, kind = max(matching, key=lambda pair: len(pair[0]))
        elif service is not None:
            parts = urlsplit(plain)
            found = re.match(r"(?P<root>.*?)(?:/v\d+(?:\.\d+)?/|\Z)", parts.path)
            root = found["root"] if found else ""
            base, kind = f"{parts.scheme}://{parts.netloc}{root}", official_type(service)
        else:
            return None
        path = _PREFIX.match(plain[len(base) :])
        if path is None:
            return None
        rest = path["rest"]
        if project and (rest + "/").startswith(f"/{project}/"):
            rest = rest[len(project) + 1 :]
        elif project is None:
            rest = _PROJECT.sub("", rest)
        resolved = ResolvedUrl(kind, plain[: len(plain) - len(rest)], rest)
        with self._lock:
            self._bases[kind] = resolved.base
        return resolved

    def catalog(self) -> tuple[list[tuple[str, str]], str | None]:
        """All endpoints with their services, and the project; asked for once.

        Ask before a request leaves: while the session fetches a token for one, it holds a lock.
        """
        if self._catalog is None:
            auth = self.auth or self.session.auth
            kinds: Mapping[str, Any] = {}
            if hasattr(auth, "get_access"):
                catalog = auth.get_access(self.session).service_catalog
                if isinstance(catalog.catalog, list):  # one odd entry would hide all the others
                    catalog.catalog[:] = usable_entries(catalog.catalog)
                kinds = catalog.get_endpoints_data()
            name = official_type if self.config is None else self.config.official_type
            endpoints = [
                (endpoint.url.rstrip("/"), name(kind))
                for kind, found in kinds.items()
                for endpoint in found
                if endpoint.url
            ]
            project = self.session.get_project_id(auth=self.auth) if auth is not None else None
            if self.config is not None:
                endpoints += self.config.endpoints(project)
            self._catalog = endpoints, project
        return self._catalog

    def base(self, service: str) -> str:
        """The endpoint of a service, with its version and project, without a final slash."""
        from keystoneauth1.exceptions import DiscoveryFailure, EndpointNotFound

        with self._lock:
            if service in self._bases:
                return self._bases[service]
        self.catalog()  # without its odd entries, over which the session would stumble
        way, given = self._way_to(service)
        if given is not None and re.search(r"/v\d", urlsplit(given).path):
            return given
        lowest, highest = _VERSIONS.get(service, (None, None))
        try:
            found = self.session.get_endpoint_data(
                auth=self.auth,
                **way,
                min_version=lowest,
                max_version=highest,
                discover_versions=False,
            )
        except ValueError:  # the session's way to miss a service that has several names
            found = None
        version = None if found is None else found.api_version
        # Without a catalog a session takes its one endpoint for every service's.
        if found is None or (lowest and version and version[0] != int(lowest[0])):
            raise EndpointNotFound(f"the cloud's catalog has no endpoint for {service}")
        if lowest and version is None and given is None:
            # The session makes do with the catalog's URL, under which nothing would be found.
            raise DiscoveryFailure(f"{service} at {found.url} did not say which versions it has")
        with self._lock:
            return self._bases.setdefault(service, str(found.url).rstrip("/"))

    def _way_to(self, service: str) -> tuple[dict[str, Any], str | None]:
        """How the session finds a service, and the URL that clouds.yaml gives for it."""
        if self.config is None:
            way = {"interface": self.interface, "region_name": self.region}
            return {"service_type": service, **way}, None
        way, given = self.config.way(service), self.config.endpoint(service, self.catalog()[1])
        return (way if given is None else {**way, "endpoint_override": given}), given

    def send(self, method: str, service: str, path: str, body: Any, microversion: str = "") -> Any:
        """Send one request and return its `requests.Response`, whatever its status.

        Raises BadGateway where something in front of the service has refused it.
        """
        try:
            answer = self.session.request(
                self.base(service) + path,
                method,
                auth=self.auth,
                json=body,
                headers=_version_headers(service, microversion) | _TYPES.get((method, service), {}),
                raise_exc=False,
                timeout=self.poll.read_timeout,
                connect_retries=0,
                status_code_retries=0,
            )
        except Exception as error:
            raise without_frames(without_secrets(error, secrets_in(body)))  # noqa: B904
        if answer.status_code < 500 and not _is_understood(answer):
            from keystoneauth1.exceptions import BadGateway

            said = f"{answer.status_code}: {error_message(answer)}"
            raise BadGateway(f"{method} {service} {path.split('?')[0]} was answered {said}")
        return answer

    def read(self, request: ReadRequest, clock: Clock) -> ReadResult:
        """Carry out one read. Never raises: every failure is in the result."""
        asked_at = clock.now()
        try:
            return (
                self._list(request, asked_at, clock)
                if request.listing
                else self._get(request, clock)
            )
        except Exception as error:
            return ReadResult(
                request, asked_at, clock.now(), error=_text(error), fatal=_is_fatal(error)
            )

    def _get(self, request: ReadRequest, clock: Clock) -> ReadResult:
        asked_at = clock.now()
        answer = self.send("GET", request.kind.service, request.path, None, request.microversion)
        ref = request.refs[0]
        if answer.status_code == 404 or (
            request.kind.explains_only and answer.status_code in (400, 403)
        ):
            return ReadResult(request, asked_at, clock.now())
        if answer.status_code >= 300:
            return _refused(request, asked_at, clock.now(), answer)
        try:
            body = resource(request.kind, answer.json())
        except MalformedResponseError as error:
            return ReadResult(request, asked_at, clock.now(), malformed={ref.id: str(error)})
        return ReadResult(request, asked_at, clock.now(), {ref.id: body}, local_time=clock.time())

    def _list(self, request: ReadRequest, asked_at: float, clock: Clock) -> ReadResult:
        found: dict[str, Body] = {}
        malformed: dict[str, str] = {}
        collection = request.kind.collection or ""
        path: str | None = request.path
        pages = Pages()
        while path is not None:
            pages.enter(path)
            answer = self.send("GET", request.kind.service, path, None, request.microversion)
            if answer.status_code == 400 and request.since is not None:
                everything = replace(request, path=request.kind.list_path or "", since=None)
                return self._list(everything, asked_at, clock)
            if answer.status_code >= 300:
                return _refused(request, asked_at, clock.now(), answer)
            document = answer.json()
            some, strange = resources(request.kind, document, collection)
            pages.note((*some, *strange))
            found.update(some)
            malformed.update(strange)
            query = next_query(document)
            path = None if query is None else f"{request.kind.list_path}?{query}"
        return ReadResult(
            request, asked_at, clock.now(), found, local_time=clock.time(), malformed=malformed
        )


def _is_understood(answer: Any) -> bool:
    """Return True unless something in front of the service has refused the request."""
    status = answer.status_code
    if 200 <= status < 300 or status in TRANSIENT:
        return True
    return is_of_service(status, answer.headers, _document(answer))


def _document(answer: Any) -> Any:
    """The answer's JSON; None if it has none."""
    try:
        return answer.json()
    except (ValueError, RecursionError):  # a page, or JSON that nests without end
        return None


def _below(url: str, base: str) -> bool:
    return url == base or url.startswith(base + "/")


#: What services call themselves in the header of the microversion, if not by their type.
_NAMES = {
    "block-storage": "volume",
    "container-infrastructure-management": "container-infra",
    "application-container": "container",
    "resource-optimization": "infra-optim",
}
#: The headers that services had before there was one for all.
_OWN_HEADERS = {
    "compute": "X-OpenStack-Nova-API-Version",
    "shared-file-system": "X-OpenStack-Manila-API-Version",
    "baremetal": "X-OpenStack-Ironic-API-Version",
    "baremetal-introspection": "X-OpenStack-Ironic-Inspector-API-Version",
}


def _version_headers(service: str, microversion: str) -> dict[str, str]:
    if not microversion:
        return {}
    headers = {"OpenStack-API-Version": f"{_NAMES.get(service, service)} {microversion}"}
    if service in _OWN_HEADERS:
        headers[_OWN_HEADERS[service]] = microversion
    if service == "shared-file-system":  # else what is experimental looks as if it were gone
        headers["X-OpenStack-Manila-API-Experimental"] = "True"
    return headers


def microversion_of(service: str, headers: Mapping[str, str]) -> str:
    """The microversion that a request asked for; empty if none."""
    kind = _NAMES.get(service, service)
    for part in (headers.get("OpenStack-API-Version") or "").split(","):
        name, _, version = part.strip().partition(" ")
        if name == kind:
            return version
    own = _OWN_HEADERS.get(service)
    return (headers.get(own) if own else None) or ""


def _refused(request: ReadRequest, asked_at: float, answered_at: float, answer: Any) -> ReadResult:
    status = answer.status_code
    where = f"{request.kind.service} {request.path.split('?')[0]}"
    text = f"GET {where} answered {status}: {error_message(answer)}"
    return ReadResult(
        request,
        asked_at,
        answered_at,
        error=text,
        retry_after=retry_after(answer.headers),
        fatal=not is_transient(status),
    )


def error_message(answer: Any) -> str:
    """The cloud's own words in an error's body, whatever the service's way to put them."""
    document = _document(answer)
    if document is None:
        plain = re.sub(r"(?is)<(head|style|script)\b.*?</\1>|<[^>]*>", " ", answer.text)
        return redact(" ".join(plain.split()))[:200] or str(answer.reason)
    return error_text(document)


def error_text(document: Any) -> str:
    """The cloud's own words in the document of an error."""
    while isinstance(document, dict):
        if isinstance(document.get("message"), str):
            return redact(str(document["message"]).strip())
        inner = next((value for value in document.values() if isinstance(value, dict)), None)
        if inner is None:
            break
        document = inner
    return redact(str(document))[:200]


def _text(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".strip().rstrip(":")


def _is_fatal(error: Exception) -> bool:
    """Whether asking again cannot help: wrong credentials, or no such endpoint."""
    from keystoneauth1 import exceptions

    if isinstance(error, exceptions.HttpError):  # the identity service's, or a page before it
        answer = error.response
        spoken = answer is None or _is_understood(answer)
        return spoken and not is_transient(error.http_status)
    if isinstance(error, exceptions.InvalidResponse):  # a page instead of a token
        return False
    if isinstance(error, exceptions.ConnectFailure | exceptions.ConnectTimeout):
        return False
    return isinstance(error, exceptions.ClientException) and not isinstance(
        error, exceptions.UnknownConnectionError | exceptions.DiscoveryFailure
    )


def is_missing_service(error: BaseException) -> bool:
    """Return True if the cloud's catalog has no such service."""
    from keystoneauth1.exceptions import EndpointNotFound

    return isinstance(error, EndpointNotFound)


def refuses_credentials(error: BaseException) -> bool:
    """Whether the identity service has refused the credentials, and no page in front of it has."""
    from keystoneauth1.exceptions import HttpError

    if not isinstance(error, HttpError) or error.http_status not in (400, 401, 403, 404):
        return False
    return error.response is not None and _is_understood(error.response)


def is_transient_error(error: BaseException) -> bool:
    """Whether it is a session's error that may be gone the next time."""
    from keystoneauth1 import exceptions

    return isinstance(error, exceptions.ClientException) and not _is_fatal(error)
