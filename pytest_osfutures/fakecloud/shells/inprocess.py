"""The in-process entry: a transport adapter of requests that calls `FakeCloud.handle`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_osfutures.fakecloud.cloud import FakeCloud
from pytest_osfutures.fakecloud.kernel import Response
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
    from pytest_osfutures.fakecloud.shells.adapter import FunctionAdapter, to_request, to_response

    def handle(request: requests.PreparedRequest, timeout: float | None) -> requests.Response:
        answer = cloud.handle(to_request(request))
        _wait(cloud, answer, timeout, request)
        return to_response(answer, request)

    session.mount(url, FunctionAdapter(handle))


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
