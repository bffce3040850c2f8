"""Asks a cloud for what it has: for one thing by id or name, or for all of a kind, page by page."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote
from uuid import UUID

from pytest_osfutures.clients import Resource
from pytest_osfutures.cloud import Cloud
from pytest_osfutures.errors import CloudUnreachableError, InvalidArgument, without_frames
from pytest_osfutures.parsing import MalformedResponseError, mappings
from pytest_osfutures.plugin.identifiers import ident
from pytest_osfutures.transport import Pages, error_message, next_query

__tracebackhide__ = True  # pytest: an error belongs to the line of the test

T = TypeVar("T")
#: Seconds for which something that was found is used again, while many servers are being created.
CACHE_SECONDS = 1.0
#: Fields of images and flavors that are compared with each other.
_NUMBERS = ("size", "virtual_size", "min_disk", "min_ram", "ram", "disk", "vcpus")


@dataclass(frozen=True)
class Kind:
    """How to ask for one kind of resource. `queries` are tried until one of them finds the name."""

    name: str
    service: str
    path: str
    member: str
    collection: str
    queries: tuple[str, ...]
    listing: str = ""


IMAGE = Kind(
    "image",
    "image",
    "/images",
    "",
    "images",
    (
        "name={name}",
        # Glance lists neither of these unless it is asked to.
        "name={name}&visibility=community",
        "name={name}&visibility=shared&member_status=all",
        "name={name}&os_hidden=true",
    ),
    "status=active&limit=1000",
)
#: Nova has no filter by name. What an administrator may use, `is_public=None` lists as well.
FLAVOR = Kind("flavor", "compute", "/flavors", "flavor", "flavors", ("is_public=None",))
NETWORK = Kind("network", "network", "/networks", "network", "networks", ("name={name}",))


class Lookup:
    """What one cloud has. What was found is remembered for a moment, a miss never."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self._found: dict[object, tuple[float, Any]] = {}

    def find(self, kind: Kind, wanted: Any, fits: Callable[[Any], bool] | None = None) -> Any:
        """The resource with the id or the name `wanted`; objects are returned as they are.

        Of several with the same name those that `fits` says come first. Raises InvalidArgument if
        there is none, or if the name stands for several.
        """
        if isinstance(wanted, Future | UUID):
            wanted = ident(wanted, kind.name)
        if not isinstance(wanted, str | int):
            if hasattr(wanted, "id"):
                return wanted
            if isinstance(wanted, dict) and "id" in wanted:
                return Resource(wanted)
            raise InvalidArgument(
                f"{kind.name}={wanted!r:.80} is no name, no id and no object with one"
            )
        name = str(wanted)
        return self.cached((kind, name, fits), lambda: self._named(kind, name, fits))

    def facts(self, kind: Kind, found: Any) -> Resource:
        """What the cloud says about `found`, which may be another library's object.

        Without an answer it is empty.
        """
        if isinstance(found, Resource) and len(found) > 1:
            return found
        ident = str(getattr(found, "id", found))
        known = self.cached((kind, ident), lambda: self._get(kind, ident))
        return Resource() if known is None else known

    def all(self, kind: Kind) -> list[Any]:
        """All of a kind that the cloud lists by itself."""
        return list(self._pages(kind, kind.listing))

    def cached(self, key: object, ask: Callable[[], T], seconds: float = CACHE_SECONDS) -> T:
        """What `ask` returns, or has returned a moment ago. An error and None are forgotten."""
        now = self.cloud.engine.clock.now()
        then, value = self._found.get(key, (0.0, None))
        if value is None or self.cloud.fake is not None or now - then > seconds:
            value = ask()
            self._found[key] = now, value
        found: T = value
        return found

    def _named(self, kind: Kind, name: str, fits: Callable[[Any], bool] | None) -> Any:
        if (found := self._get(kind, name)) is not None:
            return found
        for query in kind.queries:
            pages = self._pages(kind, query.format(name=quote(name, safe="")))
            named = [each for each in pages if each.get("name") == name]
            named = [each for each in named if fits is not None and fits(each)] or named
            if len(named) == 1:
                return named[0]
            if named:
                ids = ", ".join(str(each.id) for each in named)
                text = f"{kind.name} {name!r} stands for {len(named)} of them; give an id: {ids}"
                raise InvalidArgument(text)
        names = sorted({str(each.get("name")) for each in self.all(kind)})
        some = ", ".join(names[:10]) + (", ..." if len(names) > 10 else "")
        raise InvalidArgument(f"unknown {kind.name} {name!r}; there are: {some or 'none'}")

    def _get(self, kind: Kind, ident: str) -> Any:
        """The resource with this id; None if there is none."""
        document = self.ask(kind.service, f"{kind.path}/{quote(ident, safe='')}", (400, 403, 404))
        found = document.get(kind.member) if document and kind.member else document
        return Resource(found) if isinstance(found, dict) and "id" in found else None

    def _pages(self, kind: Kind, query: str) -> Iterator[Any]:
        path, pages = kind.path + ("/detail" if kind is FLAVOR else ""), Pages()
        more: str | None = query
        try:
            while more is not None:
                where = pages.enter(f"{path}?{more}" if more else path)
                document = self.ask(kind.service, where, (400,)) or {}
                found = [
                    each for each in mappings(document.get(kind.collection)) if _is_usable(each)
                ]
                pages.note(str(each["id"]) for each in found)
                yield from map(Resource, found)
                more = next_query(document)
        except MalformedResponseError as error:
            what = f"GET {kind.service} {path} of cloud {self.cloud.name!r}"
            raise CloudUnreachableError(f"{what}: {error}") from None

    def ask(self, service: str, path: str, none: tuple[int, ...] = ()) -> Any:
        """The document at a path; None for these statuses. Raises CloudUnreachableError."""
        from keystoneauth1.exceptions import ClientException

        what = f"GET {service} {path.partition('?')[0]} of cloud {self.cloud.name!r}"
        try:
            answer = self.cloud.api_client.send("GET", service, path, None)
        except ClientException as error:
            text = f"{what} failed: {type(error).__name__}: {error}"
            raise CloudUnreachableError(text) from without_frames(error)
        if answer.status_code in none:
            return None
        if answer.status_code >= 300:
            raise CloudUnreachableError(
                f"{what} answers {answer.status_code}: {error_message(answer)}"
            )
        try:
            document = answer.json()
        except (ValueError, RecursionError):
            document = None
        if not isinstance(document, dict):
            raise CloudUnreachableError(f"{what} answers no JSON that such a list or resource has")
        return document


def _is_usable(item: Mapping[str, Any]) -> bool:
    """Return True unless the resource has a field of a type that it never has."""
    numbers = (item.get(key) for key in _NUMBERS)
    return (
        isinstance(item.get("id"), str)
        and item["id"] != ""
        and isinstance(item.get("name"), str | None)
        and all(number is None or type(number) is int for number in numbers)
    )
