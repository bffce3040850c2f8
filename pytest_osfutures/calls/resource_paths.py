"""Where the resource of a request without a row may be: links in the answer, or the path."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from pytest_osfutures.operations import Body
from pytest_osfutures.transport import ApiClient, Exchange, ResolvedUrl

__tracebackhide__ = True  # pytest: an error belongs to the line of the test

#: A part of a path that is an id: a number or a UUID.
ID = re.compile(r"\d+|[0-9a-fA-F]{32}|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_VERSION = re.compile(r"\A/v\d+(\.\d+)?(?=/)")


def candidates(
    api_client: ApiClient, exchange: Exchange, resolved: ResolvedUrl
) -> Iterator[tuple[str, str]]:
    """Yield services and paths where the resource of a request may be, the likeliest first."""
    service = resolved.service
    body = unwrapped(exchange.response)[1] or {}
    ident = body.get("id") or body.get("uuid")
    for path in _share_rules(exchange, ident):
        yield service, path
    if exchange.method != "DELETE":
        for url in (exchange.headers.get("Location"), *_links(body)):
            if isinstance(url, str) and (found := _local(api_client, resolved, url)):
                yield found
    if exchange.method == "POST" and isinstance(ident, str):
        yield service, f"{resolved.path.rstrip('/')}/{ident}"
    named = resource_path(resolved.path)
    if named is not None:
        yield service, named
        return
    parts = resolved.path.rstrip("/").split("/")
    while len(parts) > 2:
        if exchange.method != "POST" or len(parts) < resolved.path.rstrip("/").count("/") + 1:
            yield service, "/".join(parts)
        parts = parts[:-1]


def _share_rules(exchange: Exchange, ident: object) -> Iterator[str]:
    """Yield the path of an access rule, which Manila does not show below the share."""
    request = exchange.request
    if not isinstance(request, Mapping):
        return
    rule = request.get("deny_access")
    if "allow_access" in request and isinstance(ident, str):
        yield f"/share-access-rules/{ident}"
    elif isinstance(rule, Mapping) and isinstance(rule.get("access_id"), str):
        yield f"/share-access-rules/{rule['access_id']}"


def _links(body: Body) -> Iterator[Any]:
    links = body.get("links")
    if isinstance(links, Mapping):
        yield links.get("self")
    for each in links if isinstance(links, list) else ():
        if isinstance(each, Mapping) and each.get("rel") == "self":
            yield each.get("href")
    yield body.get("self")
    yield from (value for key, value in body.items() if key.endswith("_ref"))


def _local(api_client: ApiClient, resolved: ResolvedUrl, url: str) -> tuple[str, str] | None:
    """Return the service and path of a URL.

    The URL may have the host name that the service itself sees behind a proxy.
    """
    if "://" in url and (found := api_client.find_url(url)) is not None:
        service, path = found.service, found.path
    else:
        path, base = urlsplit(url).path, urlsplit(resolved.base).path
        path = path.partition(base)[2] if base.strip("/") and base in path else path
        service, path = resolved.service, _VERSION.sub("", path)
    named = resource_path(path)
    if not path.strip("/") or not path.startswith("/"):
        return None
    return service, named or path.rstrip("/")


def resource_path(path: str) -> str | None:
    """Return the path up to the last id, which names a resource; None without an id."""
    parts = path.rstrip("/").split("/")
    last = max((at for at, part in enumerate(parts) if ID.fullmatch(part)), default=0)
    return "/".join(parts[: last + 1]) if last > 1 else None


def unwrapped(document: Any) -> tuple[str, Body | None]:
    """Return the key that wraps the resource in a document (empty: none), and the resource."""
    if isinstance(document, Mapping) and len(document) == 1:
        ((key, inner),) = document.items()
        if isinstance(inner, Mapping):
            return key, inner
    return "", document if isinstance(document, Mapping) else None
