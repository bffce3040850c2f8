"""The in-process entry: a transport adapter of requests that calls `FakeCloud.handle`."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from pytest_osfutures.fakecloud.cloud import FakeCloud
from pytest_osfutures.fakecloud.kernel import (
    Request,
    Response,
)
from pytest_osfutures.fakecloud.services.identity import PASSWORD

if TYPE_CHECKING:
    import requests
    from keystoneauth1.session import Session

URL = "http://fake.osfutures.local"
USERS = {"fake": "demo", "fake-admin": "admin"}  #: users by cloud name


def mount(cloud: FakeCloud, session: requests.Session, url: str = URL) -> None:
    """Mount `cloud` on `session` at `url`, without a socket.

    The delay of a response passes on the cloud's clock, in the calling thread.
    """
    from requests.adapters import BaseAdapter

    class Transport(BaseAdapter):
        """A transport adapter of requests that passes requests to the cloud."""

        def send(
            self,
            request: requests.PreparedRequest,
            stream: bool = False,
            timeout: Any = None,
            *_args: Any,
            **_options: Any,
        ) -> requests.Response:
            """Return the cloud's response.

            Raises ReadTimeout or ConnectionError, as the adapter of a real connection does.
            """
            del stream  # like verify, cert and proxies, it has no meaning without a socket
            headers = {name: _text(value) for name, value in request.headers.items()}
            sent = Request.to(request.method or "GET", request.url or url, headers, _body(request))
            answer = cloud.handle(sent)
            _wait(cloud, answer, timeout, request)
            return _answer(answer, request)

        def close(self) -> None:
            """Do nothing: the adapter holds no connection."""

    session.mount(url, Transport())


def session(cloud: FakeCloud, name: str = "fake", url: str = URL) -> Session:
    """Return a keystoneauth1 session on `cloud`.

    Args:
        cloud: the fake cloud.
        name: the user's cloud name, `fake` (role member) or `fake-admin`.
        url: the address at which the session finds the cloud.

    Example:
        >>> from pytest_osfutures.fakecloud import FakeCloud
        >>> compute = {"service_type": "compute", "interface": "public"}
        >>> session(FakeCloud()).get("/servers", endpoint_filter=compute).json()
        {'servers': []}
    """
    import requests
    from keystoneauth1.identity.v3 import Password
    from keystoneauth1.session import Session

    transport = requests.Session()
    mount(cloud, transport, url)
    auth = Password(
        auth_url=f"{url}/identity/v3",
        username=USERS[name],
        password=PASSWORD,
        project_name=USERS[name],
        user_domain_id="default",
        project_domain_id="default",
    )
    return Session(auth=auth, session=transport)


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def _body(request: requests.PreparedRequest) -> bytes:
    body: Any = request.body
    if body is None:
        return b""
    if isinstance(body, str):
        return body.encode()
    if isinstance(body, bytes):
        return body
    if hasattr(body, "read"):
        return bytes(body.read())
    return b"".join(body)


def _wait(
    cloud: FakeCloud, answer: Response, timeout: Any, request: requests.PreparedRequest
) -> None:
    """Wait for the response's delay.

    Raises ReadTimeout if the delay is longer than `timeout`, ConnectionError if the connection is
    cut.
    """
    from requests.exceptions import ConnectionError as Cut
    from requests.exceptions import ReadTimeout

    patience = timeout[1] if isinstance(timeout, tuple) else timeout
    if patience is not None and answer.delay > patience:
        cloud.clock.sleep(float(patience))
        raise ReadTimeout(f"no response within {patience} s", request=request)
    cloud.clock.sleep(answer.delay)
    if answer.cut:
        raise Cut("the connection was closed without a response", request=request)


def _answer(answer: Response, request: requests.PreparedRequest) -> requests.Response:
    import requests
    from requests.structures import CaseInsensitiveDict

    content = answer.encoded()
    response = requests.Response()
    response.status_code = answer.status
    response.headers = CaseInsensitiveDict(answer.headers | {"Content-Length": str(len(content))})
    response.raw = io.BytesIO(content)
    response.url = request.url or ""
    response.request = request
    response.encoding = "utf-8"
    return response
