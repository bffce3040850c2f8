"""HTTP requests, responses and routes as values, without I/O."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit


@dataclass(frozen=True, repr=False, match_args=False)
class Request:
    """One HTTP request: the path is still quoted, header names are in lower case."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    origin: str = "http://127.0.0.1"  #: scheme and host of the client's request, for links

    @classmethod
    def to(
        cls, method: str, url: str, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> Request:
        """Return a request for an absolute URL."""
        parts = urlsplit(url)
        return cls(
            method=method.upper(),
            path=parts.path or "/",
            query=tuple(parse_qsl(parts.query, keep_blank_values=True)),
            headers={name.lower(): value for name, value in (headers or {}).items()},
            body=body,
            origin=f"{parts.scheme}://{parts.netloc}",
        )

    def param(self, name: str, default: str | None = None) -> str | None:
        """Return the first value of the query parameter `name`, or `default`."""
        return next((value for key, value in self.query if key == name), default)

    def params(self, name: str) -> list[str]:
        """Return all values of the query parameter `name`."""
        return [value for key, value in self.query if key == name]

    def json(self) -> Any:
        """Return the decoded JSON body; None if it is empty. Raises ValueError if it is invalid."""
        if not self.body:
            return None
        try:
            return json.loads(self.body, parse_constant=_reject_constant)
        except RecursionError:
            raise ValueError("the body nests too deeply") from None


def _reject_constant(constant: str) -> Any:
    raise ValueError(f"{constant} is not valid JSON")


@dataclass
class Response:
    """The response to one request. The shell carries out `delay` and `cut`."""

    status: int
    body: Any = None  #: a JSON-able value, bytes, or None for an empty body
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0  #: seconds on the cloud's clock before the response is sent
    cut: bool = False  #: close the connection without sending the response

    def encoded(self) -> bytes:
        """Return the body as bytes."""
        if self.body is None:
            return b""
        if isinstance(self.body, bytes):
            return self.body
        return json.dumps(self.body).encode()


Handler = Callable[..., Response]


@dataclass(frozen=True, repr=False, match_args=False)
class UrlRoute:
    """A method, a path with `{names}`, and the handler: `handler(call, **names)`.

    A `public` route needs no token: version documents and the request for a token. A route for
    `any_scope` needs a token, but no project.
    """

    method: str
    path: str
    handler: Handler
    public: bool = False
    any_scope: bool = False


class UrlRouter:
    """Finds the route of a path.

    Routes are compared part by part: a cloud has hundreds of them, and compiling a regular
    expression for each takes longer than all else at its start.
    """

    def __init__(self, routes: Iterable[UrlRoute]) -> None:
        self._by_shape: dict[tuple[str, int], list[tuple[list[str], UrlRoute]]] = {}
        for route in routes:
            parts = route.path.split("/")
            self._by_shape.setdefault((route.method, len(parts)), []).append((parts, route))

    def find(self, method: str, path: str) -> tuple[UrlRoute, dict[str, str]] | None:
        """Return the route for `method` and `path` with the values of its names, or None."""
        parts = path.removesuffix("/").split("/")
        for wanted, route in self._by_shape.get((method, len(parts)), ()):
            names: dict[str, str] = {}
            for want, part in zip(wanted, parts, strict=True):
                if want == part:
                    continue
                if not part or not want.startswith("{"):
                    break
                names[want[1:-1]] = unquote(part)
            else:
                return route, names
        return None
