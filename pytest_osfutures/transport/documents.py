"""Parsers of JSON documents: each result has the types that the rest of the package relies on.

A document with another shape raises MalformedResponseError, which concerns one resource only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from pytest_osfutures.operations import Body, ResourceType
from pytest_osfutures.parsing import MalformedResponseError, identifier, mappings, printable


def parse_catalog(catalog: object) -> list[Any]:
    """Return the usable entries of a token's catalog, each with its usable endpoints."""
    return [
        {**entry, "endpoints": [each for each in mappings(entry["endpoints"]) if _is_usable(each)]}
        for entry in mappings(catalog)
        if isinstance(entry.get("type"), str) and isinstance(entry.get("endpoints"), list)
    ]


def _is_usable(endpoint: Body) -> bool:
    """Return True if all URLs of an endpoint are valid; in a version 2 catalog it has three."""
    urls = [value for key, value in endpoint.items() if str(key).lower().endswith("url")]
    is_named = isinstance(endpoint.get("interface"), str) or "url" not in endpoint
    return bool(urls) and is_named and all(map(_is_url, urls))


def _is_url(value: object) -> bool:
    try:
        return isinstance(value, str) and bool(urlsplit(value).netloc)
    except ValueError:
        return False


def parse_resource(resource_type: ResourceType, document: object) -> Body:
    """Return the resource in the response to a GET by id.

    Raises MalformedResponseError if there is none, or if one of its fields has a wrong type.
    """
    body = document
    if resource_type.member and isinstance(document, Mapping):
        body = document.get(resource_type.member)
    if resource_type.loose and isinstance(body, Mapping) and len(body) == 1:
        ((_, inner),) = body.items()
        body = inner if isinstance(inner, Mapping) else body
    if not isinstance(body, Mapping):  # None would mean that the resource is gone
        raise MalformedResponseError(
            f"no {resource_type.name} in {printable(repr(document)[:100])}"
        )
    if (defect := _find_defect(resource_type, body)) is not None:
        raise MalformedResponseError(defect)
    return body


def parse_items(
    resource_type: ResourceType, items: Iterable[Body]
) -> tuple[dict[str, Body], dict[str, str]]:
    """Return the usable items of a list by id, and the defects of the other items by id.

    An item without an id is left out: no future can wait for it.
    """
    usable: dict[str, Body] = {}
    defects: dict[str, str] = {}
    for item in items:
        ident = identifier(item.get("id"))
        if ident is None:
            continue
        if (defect := _find_defect(resource_type, item)) is None:
            usable[ident] = item
        else:
            defects[ident] = defect
    return usable, defects


def _find_defect(resource_type: ResourceType, body: Body) -> str | None:
    """Describe the first field of a wrong type; None if there is none."""
    texts = [(key, str) for key in (resource_type.status, resource_type.task_state, "name")]
    for key, type_ in texts if resource_type.loose else (*texts, ("fault", Mapping)):
        value = body.get(key) if key else None
        if value is not None and not isinstance(value, type_):
            return f"the {resource_type.name} has {key} {printable(repr(value)[:100])}"
    return None
