"""A transport adapter of requests that calls a function instead of a server.

https://requests.readthedocs.io/en/latest/user/advanced/#transport-adapters
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

from pytest_osfutures.fakecloud.kernel import Request, Response


class FunctionAdapter(BaseAdapter):
    """An adapter without a socket.

    Args:
        handle: Returns the response to a request, or raises an exception of requests; its second
            argument is the timeout in seconds, or None.
    """

    def __init__(
        self, handle: Callable[[requests.PreparedRequest, float | None], requests.Response]
    ) -> None:
        super().__init__()
        self.handle = handle

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        *_args: Any,
        **_options: Any,
    ) -> requests.Response:
        """Return the function's response."""
        del stream  # like verify, cert and proxies, it has no meaning without a socket
        return self.handle(request, timeout[1] if isinstance(timeout, tuple) else timeout)

    def close(self) -> None:
        """Do nothing: the adapter holds no connection."""


def to_request(prepared: requests.PreparedRequest) -> Request:
    """Convert a request of requests to one of the fake cloud."""
    headers = {name: _text(value) for name, value in prepared.headers.items()}
    return Request.to(prepared.method or "GET", prepared.url or "", headers, _body(prepared))


def to_response(answer: Response, prepared: requests.PreparedRequest) -> requests.Response:
    """Convert a response of the fake cloud to one of requests."""
    content = answer.encoded()
    response = requests.Response()
    response.status_code = answer.status
    response.headers = CaseInsensitiveDict(answer.headers | {"Content-Length": str(len(content))})
    response.raw = io.BytesIO(content)
    response.url = prepared.url or ""
    response.request = prepared
    response.encoding = "utf-8"
    return response


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def _body(prepared: requests.PreparedRequest) -> bytes:
    body: Any = prepared.body
    if body is None:
        return b""
    if isinstance(body, str):
        return body.encode()
    if isinstance(body, bytes):
        return body
    if hasattr(body, "read"):
        return bytes(body.read())
    return b"".join(body)
