"""Policies, lists, filters and checks that all of Keystone's handlers share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import urlencode

from pytest_osfutures.fakecloud.kernel import (
    ApiError,
    Response,
    invalid,
    parse_natural,
    required,
    typed,
)
from pytest_osfutures.fakecloud.services.identity.call import IdentityCall

Record = TypeVar("Record")

#: The comparisons of filters such as `name__contains=web`.
COMPARISONS: Mapping[str, Callable[[str, str], bool]] = {
    "contains": lambda value, text: text in value,
    "icontains": lambda value, text: text.lower() in value.lower(),
    "startswith": str.startswith,
    "istartswith": lambda value, text: value.lower().startswith(text.lower()),
    "endswith": str.endswith,
    "iendswith": lambda value, text: value.lower().endswith(text.lower()),
}
FALSE = ("0", "false", "no", "off")


#: The methods of authentication.
METHODS = ("password", "token", "application_credential")


class UnsupportedMethodError(ApiError):
    """The request names a method of authentication that this Keystone does not have."""


def error_body(error: ApiError) -> dict[str, Any]:
    """Return Keystone's error body; for an unsupported method with the supported methods."""
    title = HTTPStatus(error.status).phrase
    content = {"code": error.status, "message": error.message, "title": title}
    if isinstance(error, UnsupportedMethodError):
        content["identity"] = {"methods": list(METHODS)}
    return {"error": content}


def forbidden(action: str) -> ApiError:
    """Return the error 403 for an action that the policies do not allow."""
    return ApiError(403, f"You are not authorized to perform the requested action: {action}.")


def allow(
    call: IdentityCall, rule: str, owner: bool = False, domain: str | None = None, role: str = ""
) -> None:
    """Raise ApiError(403) unless the default policies allow the action `rule`.

    Args:
        call: the request.
        rule: the name of the policy without its prefix `identity:`.
        owner: the caller's own records are concerned.
        domain: the domain of the record; readers and managers of that domain may act on it.
        role: the least role in a domain or the system; "reader" for requests that change nothing.
    """
    caller = call.caller
    least = role or ("reader" if call.request.method in ("GET", "HEAD") else "manager")
    of_system = caller.is_system and least == "reader" and least in caller.roles
    of_domain = domain is not None and caller.domain_id == domain and least in caller.roles
    if not (caller.is_admin or owner or of_system or of_domain):
        raise forbidden(f"identity:{rule}")


def found(kind: str, records: Mapping[str, Record], ident: str) -> Record:
    """Return the record with that id. Raises ApiError(404)."""
    record = records.get(ident)
    if record is None:
        raise ApiError(404, f"Could not find {kind}: {ident}.")
    return record


def page(call: IdentityCall, key: str, rows: Iterable[dict[str, Any]], *filters: str) -> Response:
    """Return a list in Keystone's format, with the rows that the query asks for.

    Args:
        call: the request, with `limit`, `marker` and filters.
        key: the key of the rows in the body.
        rows: all rows that the caller may see.
        filters: the attributes by which the query may filter; `name` is always one of them.
    """
    chosen = [row for row in rows if _matches(call, row, ("name", *filters))]
    marker, limit = call.request.param("marker"), _limit(call)
    if marker is not None:
        ids = [row.get("id") for row in chosen]
        if marker not in ids:
            raise ApiError(404, f"Marker {marker} could not be found.")
        chosen = chosen[ids.index(marker) + 1 :]
    links: dict[str, str | None] = {"next": None, "self": _link(call), "previous": None}
    body: dict[str, Any] = {key: chosen, "links": links}
    if limit and len(chosen) >= limit:
        body[key] = chosen[:limit]
        links["next"] = _link(call, marker=body[key][-1].get("id"))
        body["truncated"] = True
    return Response(200, body)


def _limit(call: IdentityCall) -> int:
    text = call.request.param("limit")
    most = call.runtime.settings.most_on_a_page("identity")
    if text is None:
        return most
    wanted = parse_natural(text)
    if wanted is None:
        raise ApiError(
            400,
            f"Invalid input for field 'limit': the limit is a natural number, not {text!r:.100}",
        )
    return min(wanted, most) if most else wanted


def _link(call: IdentityCall, **changes: Any) -> str:
    query = [pair for pair in call.request.query if pair[0] not in changes]
    query += [(name, str(value)) for name, value in changes.items()]
    path = call.root + call.request.path.removeprefix("/identity")
    return f"{path}?{urlencode(query)}" if query else path


def _matches(call: IdentityCall, row: Mapping[str, Any], filters: Iterable[str]) -> bool:
    for key, text in call.request.query:
        name, _, comparison = key.partition("__")
        if name not in filters or name not in row:
            continue
        value = row[name]
        if comparison in COMPARISONS:
            if not COMPARISONS[comparison](str(value or ""), text):
                return False
        elif isinstance(value, bool):
            if value != (text.lower() not in FALSE):
                return False
        elif str(value) != text:
            return False
    return True


def flag(call: IdentityCall, name: str) -> bool:
    """Return True if the query has the flag `name` and its value is not false."""
    value = call.request.param(name)
    return value is not None and value.lower() not in FALSE


def attributes(
    call: IdentityCall, key: str, types: Mapping[str, str], *needed: str
) -> dict[str, Any]:
    """Return the object under `key` of the body.

    Args:
        call: the request.
        key: the only key of the body.
        types: the JSON types of the known attributes, separated by blanks.
        needed: the names of the attributes that the object must have.

    Raises:
        ApiError: 400, with the messages of Keystone's schemas.
    """
    body = call.json()
    required("body", body, key)
    content: dict[str, Any] = body[key]
    typed(key, content, "object")
    required(key, content, *needed)
    for name, kinds in types.items():
        if name in content:
            typed(name, content[name], kinds)
    given = content.get("name")
    if isinstance(given, str) and not given.strip():
        why = "'' should be non-empty" if not given else f"{given!r} does not match '[\\\\S]+'"
        raise invalid("name", given, why)
    most = 64 if key in ("project", "domain") else 255
    if isinstance(given, str) and len(given) > most:
        raise invalid("name", given, f"{given!r} is too long")
    return content


def extra(content: Mapping[str, Any], known: Iterable[str]) -> dict[str, Any]:
    """Return the attributes that Keystone stores without knowing them."""
    return {name: value for name, value in content.items() if name not in (*known, "id", "links")}
