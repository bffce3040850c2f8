"""A request, a response and the way from one to the other: HTTP as values, without any I/O."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit


@dataclass(frozen=True)
class Request:
    """One HTTP request as it arrived: the path still quoted, header names in lower case."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    origin: str = "http://127.0.0.1"  # scheme and host that the client used, for links

    @classmethod
    def to(
        cls, method: str, url: str, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> Request:
        """Build a request from an absolute URL."""
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
        """The first value of the query parameter `name`."""
        return next((value for key, value in self.query if key == name), default)

    def params(self, name: str) -> list[str]:
        """All values of the query parameter `name`."""
        return [value for key, value in self.query if key == name]

    def json(self) -> Any:
        """The body as JSON; None if it is empty. Raises ValueError if it is not JSON."""
        if not self.body:
            return None
        try:
            return json.loads(self.body, parse_constant=_refuse)
        except RecursionError:
            raise ValueError("the body nests too deeply") from None


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")


@dataclass
class Response:
    """What the cloud answers. `delay` and `cut` are for the shell to carry out.

    `delay` is in seconds of the fake's clock. `cut=True` closes the connection without an answer.
    """

    status: int
    body: Any = None  # JSON-able, bytes, or None for an empty body
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    cut: bool = False

    def encoded(self) -> bytes:
        """The body as it goes over the wire."""
        if self.body is None:
            return b""
        if isinstance(self.body, bytes):
            return self.body
        return json.dumps(self.body).encode()


Handler = Callable[..., Response]


@dataclass(frozen=True)
class UrlRoute:
    """A method, a path with `{names}` in it, and who answers: `handler(call, **names)`.

    A `public` one needs no token: version documents, and the way to a token itself.
    """

    method: str
    path: str
    handler: Handler
    public: bool = False


class UrlRouter:
    """Finds the handler of a path."""

    def __init__(self, routes: Iterable[UrlRoute]) -> None:
        self._by_shape: dict[tuple[str, int], list[tuple[re.Pattern[str], UrlRoute]]] = {}
        for route in routes:
            pattern = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", route.path) + r"/?\Z")
            shape = (route.method, route.path.count("/"))
            self._by_shape.setdefault(shape, []).append((pattern, route))

    def find(self, method: str, path: str) -> tuple[UrlRoute, dict[str, str]] | None:
        """The route for `method` and `path` with the values of its names, or None."""
        for pattern, route in self._by_shape.get((method, path.rstrip("/").count("/")), ()):
            if match := pattern.match(path):
                return route, {name: unquote(v) for name, v in match.groupdict().items()}
        return None
