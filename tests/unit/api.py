"""A small OpenStack behind a real keystoneauth1 session, without a socket: Keystone and Nova."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import requests
from keystoneauth1.identity.v3 import Password
from keystoneauth1.session import Session
from requests.exceptions import ConnectionError as Cut
from requests.exceptions import ReadTimeout
from requests.structures import CaseInsensitiveDict

from pytest_osfutures.calls.context import ClientContext
from pytest_osfutures.clock import Clock
from pytest_osfutures.engine.loop import Engine
from pytest_osfutures.fakecloud.shells.adapter import FunctionAdapter
from pytest_osfutures.operations.model import Body, ResourceType
from pytest_osfutures.policy import Poll
from pytest_osfutures.transport.client import ApiClient

CLOUD = "http://cloud.test"
NOVA = f"{CLOUD}/compute/v2.1"
CINDER = f"{CLOUD}/volume/v3/p1"
#: What becomes of a request: it may call what it is given to let the cloud do its part.
Fault = Callable[[Callable[[], requests.Response]], requests.Response]


def answer(status: int, body: Any = None, headers: Mapping[str, str] | None = None) -> Any:
    """A response as `requests` makes it."""
    response = requests.Response()
    response.status_code = status
    response.headers = CaseInsensitiveDict({"Content-Type": "application/json", **(headers or {})})
    content = b"" if body is None else json.dumps(body).encode()
    response.raw = io.BytesIO(content)
    response._content = content
    return response


def answers(status: int, **headers: str) -> Fault:
    """The service refuses the request."""
    shown = {name.replace("_", "-"): value for name, value in headers.items()}
    words = {"message": f"status {status}", "code": status, "title": "Refused"}
    return lambda _: answer(status, {"error": words}, shown)


def done_but_answers(status: int) -> Fault:
    """The cloud does it, and something in front of it says otherwise."""

    def fault(proceed: Callable[[], requests.Response]) -> requests.Response:
        proceed()
        return answers(status)(proceed)

    return fault


def lost_before(_: Callable[[], requests.Response]) -> requests.Response:
    """The connection is cut before the request arrives."""
    raise Cut("cut")


def lost_after(proceed: Callable[[], requests.Response]) -> requests.Response:
    """The cloud does it, and the answer gets lost."""
    proceed()
    raise ReadTimeout("no answer")


class Api(FunctionAdapter):
    """The cloud: servers build in `building` seconds (or end as `fates` says), go in `leaving`."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(self.answer)
        self.clock = clock
        self.sent: list[tuple[str, str, Any]] = []
        self.prepared: list[requests.PreparedRequest] = []
        self.servers: dict[str, dict[str, Any]] = {}
        self.fates: list[str] = []
        self.building = 3.0
        self.leaving = 2.0
        self.faults: list[tuple[str, str, Fault]] = []
        self.nova = NOVA  # as the catalog has it
        self.token_expires = "2099-01-01T00:00:00.000000Z"

    def fault(self, method: str, path: str, *faults: Fault) -> None:
        """Let the next requests that match meet these faults, one each."""
        self.faults += [(method, path, fault) for fault in faults]

    def count(self, method: str, path: str) -> int:
        """How many requests there were."""
        return sum((each[0], each[1]) == (method, path) for each in self.sent)

    def alive(self) -> list[str]:
        """The ids of the servers that are there and not being deleted."""
        return [key for key, each in self.servers.items() if each["deleted"] is None]

    def answer(self, request: requests.PreparedRequest, timeout: float | None) -> requests.Response:
        """Answer one request, or let it meet the next fault that matches."""
        del timeout
        method, url = request.method or "", request.url or ""
        path = url.removeprefix(CLOUD).partition("?")[0]
        body = json.loads(request.body) if request.body else None
        self.sent.append((method, path, body))
        self.prepared.append(request)

        def proceed() -> requests.Response:
            response: requests.Response = self._handle(method, path, body)
            return response

        found = next((each for each in self.faults if _matches(each, method, path)), None)
        if found is not None:
            self.faults.remove(found)
            response = found[2](proceed)
        else:
            response = proceed()
        response.request, response.url = request, url
        return response

    def _handle(self, method: str, path: str, body: Any) -> Any:
        if path == "/identity/v3/auth/tokens":
            return answer(201, self._token(), {"X-Subject-Token": "secret"})
        if path.rstrip("/") in ("/compute", "/compute/v2.1"):
            link = {"rel": "self", "href": NOVA}
            version: dict[str, Any] = {"id": "v2.1", "status": "CURRENT", "links": [link]}
            version.update(min_version="2.1", version="2.96")
            one = path.endswith(("/v2.1", "/v2.1/"))
            return answer(200, {"version": version} if one else {"versions": [version]})
        if path == "/compute/v2.1/servers" and method == "POST":
            return self._create(body["server"])
        if path == "/compute/v2.1/servers/detail":
            newest_first = reversed(self.servers)
            return answer(200, {"servers": [s for key in newest_first if (s := self._show(key))]})
        if path == "/compute/v2.1/os-keypairs" and method == "POST":
            return answer(200, {"keypair": {"name": body["keypair"]["name"]}})
        found = re.fullmatch(r"/compute/v2\.1/servers/([^/]+)(/action)?", path)
        if found is None or (shown := self._show(found[1])) is None:
            return answer(404, {"itemNotFound": {"code": 404, "message": "not found"}})
        if method == "GET":
            return answer(200, {"server": shown})
        if method == "DELETE":
            self.servers[found[1]]["deleted"] = self.clock.now()
            return answer(204, headers={"X-Openstack-Request-Id": "req-delete"})
        return answer(202, headers={"X-Openstack-Request-Id": "req-action"})

    def _create(self, wanted: dict[str, Any]) -> Any:
        ident = f"server-{len(self.servers) + 1}"
        fate = self.fates.pop(0) if self.fates else "ACTIVE"
        self.servers[ident] = {**wanted, "born": self.clock.now(), "deleted": None, "fate": fate}
        body = {"server": {"id": ident, "adminPass": "secret"}}
        return answer(202, body, {"X-Openstack-Request-Id": f"req-{ident}"})

    def _show(self, ident: str) -> dict[str, Any] | None:
        kept = self.servers.get(ident)
        now = self.clock.now()
        if kept is None or (kept["deleted"] is not None and now >= kept["deleted"] + self.leaving):
            return None
        done_at = kept["born"] + self.building
        built = now >= done_at
        since = kept["deleted"] or (done_at if built else kept["born"])
        task = "deleting" if kept["deleted"] is not None else None if built else "spawning"
        date = datetime.fromtimestamp(int(self.clock.time() - now + since), UTC)
        shown = {
            "id": ident,
            "name": kept.get("name"),
            "status": kept["fate"] if built else "BUILD",
            "OS-EXT-STS:task_state": task,
            "metadata": kept.get("metadata", {}),
            "created": f"{kept['born']:09.3f}",
            "updated": date.isoformat(),
        }
        if shown["status"] == "ERROR":
            shown["fault"] = {"code": 500, "message": "No valid host was found. "}
        return shown

    def _token(self) -> dict[str, Any]:
        def service(kind: str, url: str) -> dict[str, Any]:
            endpoint = {
                "interface": "public",
                "region": "r",
                "region_id": "r",
                "url": url,
                "id": "e",
            }
            return {"type": kind, "name": kind, "id": kind, "endpoints": [endpoint]}

        return {
            "token": {
                "methods": ["password"],
                "expires_at": self.token_expires,
                "issued_at": "2020-01-01T00:00:00.000000Z",
                "user": {
                    "id": "u1",
                    "name": "demo",
                    "domain": {"id": "default", "name": "Default"},
                },
                "project": {
                    "id": "p1",
                    "name": "p",
                    "domain": {"id": "default", "name": "Default"},
                },
                "roles": [{"id": "r1", "name": "member"}],
                "catalog": [
                    service("identity", f"{CLOUD}/identity"),
                    service("compute", self.nova),
                    service("block-storage", CINDER),
                ],
            }
        }


def _matches(fault: tuple[str, str, Fault], method: str, path: str) -> bool:
    return fault[0] == method and path.endswith(fault[1])


def session(api: Api, auth: Any = None, **options: Any) -> Session:
    """A keystoneauth1 session whose requests all go to `api`."""
    http = requests.Session()
    http.mount("http://", api)
    http.auth = auth
    plugin = Password(
        auth_url=f"{CLOUD}/identity/v3",
        username="demo",
        password="secret",
        project_name="p",
        user_domain_id="default",
        project_domain_id="default",
    )
    return Session(auth=plugin, session=http, **options)


def context(api: Api, engine: Engine, poll: Poll | None = None, **options: Any) -> ClientContext:
    """Return the context of the twins of a client on `api`; results are the API's own documents."""
    through = session(api, **options)
    api_client = ApiClient(through, poll=poll or Poll())

    def to_client_object(kind: ResourceType, body: Body, plain: Any) -> Any:
        del kind
        first = plain.json().get("server", {}) if isinstance(plain, requests.Response) else {}
        return {**first, **body}

    return ClientContext(
        engine=engine,
        api_client=api_client,
        service="compute",
        to_client_object=to_client_object,
        run="run-1",
    )
