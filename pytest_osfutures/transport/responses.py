"""Parse what comes from outside: pure functions whose results cannot be wrong.

Headers, statuses, ids, dates, links and lists are checked here, once, when an answer arrives. An
answer that cannot be used raises MalformedResponseError, which concerns the one resource that it is
about.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from pytest_osfutures.operations import Body, ResourceType
from pytest_osfutures.parsing import (
    MalformedResponseError,
    identifier,
    mappings,
    printable,
    whole_number,
)

#: The request was not carried out, or not now: the same request may succeed later.
TRANSIENT = frozenset({408, 413, 425, 429})
#: No longer wish than this (seconds, one day) is taken from a Retry-After header.
LONGEST_WISH = 86400.0
#: Headers by which a service names the request that it has answered.
REQUEST_IDS = ("x-openstack-request-id", "x-compute-request-id")
#: The keys of errors of Nova, Cinder and Manila, each with the status in `code`.
_FAULTS = frozenset(
    {"badMediaType", "badMethod", "badRequest", "buildInProgress", "computeFault", "forbidden"}
    | {"conflictingRequest", "itemNotFound", "notImplemented", "overLimit", "unauthorized"}
)


# Headers and statuses


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds of a Retry-After header, a day at most; None if it has no usable wish."""
    value = headers.get("Retry-After") or ""
    if not isinstance(value, str):
        return None
    if re.match(r"[0-9]+\Z", value):
        seconds = whole_number(value)
        return LONGEST_WISH if seconds is None else min(float(seconds), LONGEST_WISH)
    try:  # a date, which only the date of the same answer makes a duration
        until, date = (parsedate_to_datetime(text) for text in (value, headers.get("Date") or ""))
        return min(max((until - date).total_seconds(), 0.0), LONGEST_WISH)
    except (ValueError, TypeError, OverflowError):
        return None


def request_id(headers: Mapping[str, str]) -> str | None:
    """The service's name for the request; None if the answer has none."""
    return next((value for name in REQUEST_IDS if (value := headers.get(name))), None)


def is_transient(status: int) -> bool:
    """Return True if the same request may succeed later: rate limits, timeouts, 5xx."""
    return status in TRANSIENT or status >= 500


def is_overloaded(status: int) -> bool:
    """Return True if the API refuses a request because it has too many: 429 and 503."""
    return status in (429, 503)


def is_of_service(status: int, headers: Mapping[str, str], document: Any) -> bool:
    """Return True if an OpenStack service has given this answer.

    Gateways and load balancers answer too, with pages and with JSON of their own. A service names
    the request, sends Keystone's challenge, or has one of the documents of OpenStack's errors.
    """
    if request_id(headers) or (headers.get("WWW-Authenticate") or "").startswith("Keystone"):
        return True
    if not isinstance(document, Mapping) or len(document) != 1:
        return False
    ((key, fault),) = document.items()
    if not isinstance(fault, Mapping) or fault.get("code", status) != status:
        return False
    named = (key == "NeutronError" and "type" in fault) or (key == "error" and "title" in fault)
    return key in _FAULTS or named


def usable_entries(catalog: object) -> list[Any]:
    """The entries of a token's catalog with their endpoints, as far as these can be used."""
    return [
        {**entry, "endpoints": [each for each in mappings(entry["endpoints"]) if _leads(each)]}
        for entry in mappings(catalog)
        if isinstance(entry.get("type"), str) and isinstance(entry.get("endpoints"), list)
    ]


def _leads(endpoint: Body) -> bool:
    """Return True if each URL of an endpoint is one; a version 2 catalog has three in each."""
    urls = [value for key, value in endpoint.items() if str(key).lower().endswith("url")]
    is_named = isinstance(endpoint.get("interface"), str) or "url" not in endpoint
    return bool(urls) and is_named and all(map(_is_url, urls))


def _is_url(value: object) -> bool:
    try:
        return isinstance(value, str) and bool(urlsplit(value).netloc)
    except ValueError:
        return False


# Resources and lists


def members(document: Any, collection: str) -> list[Body]:
    """The items on one page of a list that are mappings.

    Raises MalformedResponseError if it is no list.
    """
    items = document.get(collection) if isinstance(document, Mapping) else None
    if not isinstance(items, list):
        raise MalformedResponseError(
            f"no list of {collection} in {printable(repr(document)[:100])}"
        )
    return mappings(items)


def resource(kind: ResourceType, document: Any) -> Body:
    """The resource in the answer to a read by id. Raises MalformedResponseError."""
    body = document
    if kind.member and isinstance(document, Mapping):
        body = document.get(kind.member)
    if kind.loose and isinstance(body, Mapping) and len(body) == 1:
        ((_, inner),) = body.items()
        body = inner if isinstance(inner, Mapping) else body
    if not isinstance(body, Mapping):  # None would say that the resource is gone
        raise MalformedResponseError(f"no {kind.name} in {printable(repr(document)[:100])}")
    if (odd := _oddity(kind, body)) is not None:
        raise MalformedResponseError(odd)
    return body


def resources(
    kind: ResourceType, document: Any, collection: str
) -> tuple[dict[str, Body], dict[str, str]]:
    """The resources on one page of a list by id, and what is odd about others of them.

    Raises MalformedResponseError if the document is no list.
    """
    found, odd = {}, {}
    for item in members(document, collection):
        ident = identifier(item.get("id"))
        if ident is None:
            continue  # nobody can have asked for it
        if (oddity := _oddity(kind, item)) is None:
            found[ident] = item
        else:
            odd[ident] = oddity
    return found, odd


def _oddity(kind: ResourceType, body: Body) -> str | None:
    texts = [(key, str) for key in (kind.status, kind.task_state, "name")]
    for key, type_ in texts if kind.loose else (*texts, ("fault", Mapping)):
        value = body.get(key) if key else None
        if value is not None and not isinstance(value, type_):
            return f"the {kind.name} has {key} {printable(repr(value)[:100])}"
    return None


def next_query(document: object) -> str | None:
    """The query of the page after this page of a list; None if this is the last page.

    Glance has the link in `next`, Keystone and Designate in `links`, the others in a list of links.
    Its key ends with `links`, but Cinder has `group_links` with `groups` and Nova `links` with
    `instanceActions`. Only the query is used: a proxy's host and scheme may not be ours.
    """
    if not isinstance(document, Mapping):
        return None
    if after := document.get("next"):
        return query_of(after)
    for key, links in document.items():
        if key == "links" and isinstance(links, Mapping) and links.get("next"):
            return query_of(links["next"])
        if key == "links" or str(key).endswith("_links"):
            for link in mappings(links):
                if link.get("rel") == "next":
                    return query_of(link.get("href"))
    return None


def query_of(href: object) -> str | None:
    """The query of a link to a next page. Raises MalformedResponseError if it is no link."""
    try:
        return urlsplit(href).query if isinstance(href, str) else _no_link(href)
    except ValueError:
        return _no_link(href)


def _no_link(href: object) -> str:
    raise MalformedResponseError(f"the link to the next page is {printable(repr(href)[:100])}")


class Pages:
    """The pages of one list that were read: none is read twice, so that every list ends."""

    def __init__(self, paths: Iterable[str] = ()) -> None:
        self._read = set(paths)
        self._idents: set[str] = set()

    def note(self, idents: Iterable[str]) -> None:
        """Take note of the ids on a page. Raises MalformedResponseError if all of them were there
        before.

        Some services ignore the marker of their own links, each of which is new.
        """
        page = set(idents)
        if page and page <= self._idents:
            raise MalformedResponseError(
                "the list does not end: a further page has the same resources again"
            )
        self._idents |= page

    def enter(self, path: str) -> str:
        """Return `path`, to be read now. Raises MalformedResponseError if it was read already."""
        if path in self._read:
            raise MalformedResponseError(f"the list does not end: its next page is {path} again")
        self._read.add(path)
        return path
