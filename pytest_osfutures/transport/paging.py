"""Pagination: one loop over the pages of a list, for every API and every caller."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from pytest_osfutures.operations import Body
from pytest_osfutures.parsing import MalformedResponseError, identifier, mappings, printable


@dataclass(frozen=True)
class Page:
    """One page of a list."""

    #: The resources on this page.
    items: list[Body]
    #: Query string of the next page; None for the last page.
    next_query: str | None

    @classmethod
    def parse(cls, document: object, collection: str) -> Page:
        """Parse a JSON document, whose key `collection` has the items.

        Raises MalformedResponseError if it is no list of such resources.
        """
        return cls(list_items(document, collection), next_query(document))


def iterate_pages(fetch: Callable[[str], Page | None], path: str) -> Iterator[Page]:
    """Yield the pages of a list, from `path` to the last page.

    Args:
        fetch: Reads the page at a path; returns None if there is no such list.
        path: Path and query of the first page.

    Raises:
        MalformedResponseError: A page follows itself, or has only resources of earlier pages.
            Some services ignore the marker of their own links, each of which is new.
    """
    paths: set[str] = set()
    ids: set[str] = set()
    next_path: str | None = path
    while next_path is not None:
        if next_path in paths:
            raise MalformedResponseError(
                f"the list does not end: its next page is {next_path} again"
            )
        paths.add(next_path)
        page = fetch(next_path)
        if page is None:
            return
        page_ids = {ident for each in page.items if (ident := identifier(each.get("id")))}
        if page_ids and page_ids <= ids:
            raise MalformedResponseError(
                "the list does not end: a further page has the same resources again"
            )
        ids |= page_ids
        yield page
        query = page.next_query
        next_path = None if query is None else f"{path.partition('?')[0]}?{query}"


def list_items(document: object, collection: str) -> list[Body]:
    """Return the items under the key `collection` that are mappings.

    Raises MalformedResponseError if the document has no such list.
    """
    items = document.get(collection) if isinstance(document, Mapping) else None
    if not isinstance(items, list):
        raise MalformedResponseError(
            f"no list of {collection} in {printable(repr(document)[:100])}"
        )
    return mappings(items)


def next_query(document: object) -> str | None:
    """Return the query string of the next page; None if this is the last page.

    Glance has the link in `next`, Keystone and Designate in `links`, the others in a list of links.
    The key of that list ends with `links`, but its beginning is not always the collection: Cinder
    has `group_links` with `groups`, and Nova has `links` with `instanceActions`. Only the query of
    the link is used, because a proxy's host and scheme may differ from the client's.

    Raises MalformedResponseError if the link is no URL.
    """
    if not isinstance(document, Mapping):
        return None
    if link := document.get("next"):
        return _query_of(link)
    for key, links in document.items():
        if key == "links" and isinstance(links, Mapping) and links.get("next"):
            return _query_of(links["next"])
        if key == "links" or str(key).endswith("_links"):
            for each in mappings(links):
                if each.get("rel") == "next":
                    return _query_of(each.get("href"))
    return None


def _query_of(href: object) -> str | None:
    try:
        if isinstance(href, str):
            return urlsplit(href).query
    except ValueError:
        pass
    raise MalformedResponseError(f"the link to the next page is {printable(repr(href)[:100])}")
