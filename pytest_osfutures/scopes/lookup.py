"""Reads of images, flavors and networks: one by id or name, or all of a type, page by page."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeGuard, TypeVar
from urllib.parse import quote
from uuid import UUID

from pytest_osfutures.cloud import Cloud
from pytest_osfutures.errors import CloudUnreachableError, InvalidArgument, without_frames
from pytest_osfutures.parsing import MalformedResponseError
from pytest_osfutures.protocols import Resource
from pytest_osfutures.scopes.identifiers import to_id
from pytest_osfutures.transport import (
    Page,
    error_message,
    is_bad_request,
    is_invisible,
    is_success,
    iterate_pages,
)

__tracebackhide__ = True  # pytest: an error belongs to the line of the test

T = TypeVar("T")
#: Seconds for which a found resource is used again, while many servers are being created.
CACHE_SECONDS = 1.0
#: Fields of images and flavors that have to be text or integers, because they are compared.
_TEXTS = ("name", "architecture")
_INTEGERS = ("size", "virtual_size", "min_disk", "min_ram", "ram", "disk", "vcpus")


@dataclass(frozen=True)
class NamedCollection:
    """The URLs and keys of one type of resource in its service's API."""

    #: Name of the type in messages.
    name: str
    #: Name of the service.
    service: str
    #: Path of the collection.
    path: str
    #: Path of the list with all attributes.
    list_path: str
    #: Key of one resource in a response; "" if the response is the resource itself.
    member: str
    #: Key of the list in a response.
    key: str
    #: Queries by name; each is sent until one finds the name.
    queries: tuple[str, ...]
    #: Query of the list of all resources.
    list_query: str = ""
    #: Fields that each resource has, all of them integers.
    required: tuple[str, ...] = ()


IMAGE = NamedCollection(
    "image",
    "image",
    "/images",
    "/images",
    "",
    "images",
    (
        "name={name}",
        # Glance lists these images only if a query asks for their visibility.
        "name={name}&visibility=community",
        "name={name}&visibility=shared&member_status=all",
        "name={name}&os_hidden=true",
    ),
    "status=active&limit=1000",
)
#: Nova cannot filter flavors by name. `is_public=None` lists private flavors to administrators.
FLAVOR = NamedCollection(
    "flavor",
    "compute",
    "/flavors",
    "/flavors/detail",
    "flavor",
    "flavors",
    ("is_public=None",),
    required=("ram", "disk", "vcpus"),
)
NETWORK = NamedCollection(
    "network", "network", "/networks", "/networks", "network", "networks", ("name={name}",)
)


class Lookup:
    """Images, flavors and networks of one cloud, with a cache of one second.

    Args:
        cloud: the cloud.
    """

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self._cache: dict[object, tuple[float, Any]] = {}

    def find(
        self, collection: NamedCollection, wanted: Any, fits: Callable[[Any], bool] | None = None
    ) -> Any:
        """Return the resource with an id or a name.

        Args:
            collection: type of the resource.
            wanted: id or name; an object is returned as it is.
            fits: tells which of several resources with the name is meant.

        Raises:
            InvalidArgument: no resource has the name, or several have.
        """
        if isinstance(wanted, Future | UUID):
            wanted = to_id(wanted, collection.name)
        if not isinstance(wanted, str | int):
            return _as_object(collection, wanted)
        name = str(wanted)
        key = collection, name, fits
        return self.cached(key, lambda: self._by_id_or_name(collection, name, fits))

    def details(self, collection: NamedCollection, found: Any) -> Resource:
        """Return all attributes of a resource; empty if the cloud does not show the resource.

        Args:
            collection: type of the resource.
            found: the resource, which may be an object of another client library.
        """
        if isinstance(found, Resource) and len(found) > 1:
            return found
        resource_id = str(getattr(found, "id", found))
        shown = self.cached((collection, resource_id), lambda: self._get(collection, resource_id))
        return Resource() if shown is None else shown

    def all(self, collection: NamedCollection) -> list[Any]:
        """Return all resources that the cloud lists by default."""
        return list(self._pages(collection, collection.list_query))

    def cached(self, key: object, read: Callable[[], T], seconds: float = CACHE_SECONDS) -> T:
        """Return a value of the cache, or else the result of `read`; None is never cached.

        Args:
            key: key in the cache.
            read: reads the value from the cloud.
            seconds: age up to which a value is used.
        """
        now = self.cloud.engine.clock.now()
        read_at, value = self._cache.get(key, (0.0, None))
        if value is None or self.cloud.fake is not None or now - read_at > seconds:
            value = read()
            self._cache[key] = now, value
        found: T = value
        return found

    def _by_id_or_name(
        self, collection: NamedCollection, name: str, fits: Callable[[Any], bool] | None
    ) -> Any:
        if (found := self._get(collection, name)) is not None:
            return found
        for query in collection.queries:
            pages = self._pages(collection, query.format(name=quote(name, safe="")))
            named = [each for each in pages if each.get("name") == name]
            named = [each for each in named if fits is not None and fits(each)] or named
            if len(named) == 1:
                return named[0]
            if named:
                raise InvalidArgument(
                    f"{len(named)} {collection.key} have the name {name!r}; "
                    f"give an id: {', '.join(str(each.id) for each in named)}"
                )
        names = sorted({str(each.get("name")) for each in self.all(collection)})
        some = ", ".join(names[:10]) + (", ..." if len(names) > 10 else "")
        raise InvalidArgument(f"unknown {collection.name} {name!r}; there are: {some or 'none'}")

    def _get(self, collection: NamedCollection, resource_id: str) -> Any:
        """Return the resource with an id, or None."""
        path = f"{collection.path}/{quote(resource_id, safe='')}"
        document = self.read(collection.service, path, missing=is_invisible)
        found = document.get(collection.member) if document and collection.member else document
        return Resource(found) if _is_well_formed(collection, found) else None

    def _pages(self, collection: NamedCollection, query: str) -> Iterator[Any]:
        path = collection.list_path

        def fetch(where: str) -> Page | None:
            document = self.read(collection.service, where, missing=is_bad_request)
            return None if document is None else Page.parse(document, collection.key)

        try:
            for page in iterate_pages(fetch, f"{path}?{query}" if query else path):
                yield from (
                    Resource(each) for each in page.items if _is_well_formed(collection, each)
                )
        except MalformedResponseError as error:
            request = f"GET {collection.service} {path}"
            raise CloudUnreachableError(
                f"{request} of cloud {self.cloud.name!r}: {error}"
            ) from None

    def read(
        self, service: str, path: str, missing: Callable[[int], bool] = lambda _: False
    ) -> Any:
        """Return the JSON document of a GET request.

        Args:
            service: name of the service.
            path: path below the service's endpoint, with the query.
            missing: returns True for status codes for which the result is None.

        Raises:
            CloudUnreachableError: the request fails, or the response is not a JSON object.
        """
        from keystoneauth1.exceptions import ClientException

        request = f"GET {service} {path.partition('?')[0]} of cloud {self.cloud.name!r}"
        try:
            answer = self.cloud.api_client.send("GET", service, path, None)
        except ClientException as error:
            text = f"{request} failed: {type(error).__name__}: {error}"
            raise CloudUnreachableError(text) from without_frames(error)
        if missing(answer.status_code):
            return None
        if not is_success(answer.status_code):
            text = f"{request} answers {answer.status_code}: {error_message(answer)}"
            raise CloudUnreachableError(text)
        try:
            document = answer.json()
        except (ValueError, RecursionError):
            document = None
        if not isinstance(document, dict):
            raise CloudUnreachableError(f"{request} answers without a JSON object")
        return document


def _as_object(collection: NamedCollection, wanted: Any) -> Any:
    """Return an object with an id, or the resource of a mapping with an id."""
    if hasattr(wanted, "id"):
        return wanted
    if isinstance(wanted, dict) and "id" in wanted:
        return Resource(wanted)
    raise InvalidArgument(
        f"{collection.name}={wanted!r:.80} is no name, no id and no object with one"
    )


def _is_well_formed(collection: NamedCollection, item: object) -> TypeGuard[Mapping[str, Any]]:
    """Return True if the fields of a resource have the types that the API documents."""
    return (
        isinstance(item, Mapping)
        and isinstance(item.get("id"), str)
        and item["id"] != ""
        and all(isinstance(item.get(key), str | None) for key in _TEXTS)
        and all(item.get(key) is None or type(item[key]) is int for key in _INTEGERS)
        and all(item.get(key) is not None for key in collection.required)
    )
