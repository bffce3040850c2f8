"""The handlers that all Neutron collections share: create, show, list, update, delete, tags."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from pytest_osfutures.fakecloud.kernel import (
    ApiError,
    Caller,
    ResourceTable,
    Response,
    UrlRoute,
    parse_natural,
)
from pytest_osfutures.fakecloud.services.network.call import NetworkCall
from pytest_osfutures.fakecloud.services.network.models import NetworkModel
from pytest_osfutures.fakecloud.services.network.models.records import StandardRecord
from pytest_osfutures.fakecloud.services.network.models.security_groups import (
    DEFAULT,
    default_group,
)
from pytest_osfutures.fakecloud.services.network.responses.attributes import (
    READ_ONLY,
    Attribute,
    bad,
    disallowed,
    fields,
)

PAGING = ("fields", "limit", "marker", "page_reverse", "sort_key", "sort_dir")
TAG_FILTERS = ("tags", "tags-any", "not-tags", "not-tags-any")
# Read-only attributes of some resources by which lists can be filtered.
SHOWN = (
    "availability_zones",
    "belongs_to_default_sg",
    "binding:vif_type",
    "flavor_id",
    "ipv4_address_scope",
    "ipv6_address_scope",
    "normalized_cidr",
    "router_id",
    "security_group_rules",
)


def _own(_model: NetworkModel, caller: Caller, resource: Any) -> bool:
    return bool(resource.project_id == caller.project_id)


@dataclass(frozen=True, repr=False, match_args=False)
class Collection:
    """One resource type: its names, its table and its functions."""

    name: str  #: "security_group": the envelope of one resource, and the name of the quota
    plural: str
    spoken: str  #: the name in messages: "Network ... could not be found."
    table: Callable[[NetworkModel], ResourceTable[Any]]
    attributes: Mapping[str, Attribute]
    view: Callable[[NetworkCall, Any], dict[str, Any]]
    create: Callable[[NetworkModel, str, Mapping[str, Any]], Any]
    delete: Callable[[NetworkModel, Any], None]
    update: Callable[[NetworkModel, Any, Mapping[str, Any]], None]
    seen: Callable[[NetworkModel, Caller, Any], bool] = _own

    @property
    def path(self) -> str:
        """Return the path below /v2.0."""
        return "/" + self.plural.replace("_", "-")

    def find(self, call: NetworkCall, resource_id: str) -> Any:
        """Return a resource that the caller may see. Raises ApiError(404)."""
        model, caller = call.model, call.caller
        resource = self.table(model).get(resource_id)
        if resource is None or not (caller.is_admin or self.seen(model, caller, resource)):
            if self.name.startswith("security_group"):
                said = f"{self.spoken} {resource_id} does not exist"
            else:
                said = f"{self.spoken} {resource_id} could not be found."
            kind = "".join(word.capitalize() for word in self.name.split("_"))
            raise ApiError(404, said, kind=f"{kind}NotFound")
        return resource

    def own(self, call: NetworkCall, resource_id: str, verb: str) -> Any:
        """Return a resource that the caller may change. Raises ApiError: 404, 403."""
        resource = self.find(call, resource_id)
        if not (call.caller.is_admin or resource.project_id == call.caller.project_id):
            raise disallowed(f"rule:{verb}_{self.name}")
        return resource

    def routes(self) -> list[UrlRoute]:
        """Return all routes of the collection."""
        one, tags = f"{self.path}/{{resource_id}}", f"{self.path}/{{resource_id}}/tags"
        routes = [
            UrlRoute("GET", self.path, self.index),
            UrlRoute("POST", self.path, self.add),
            UrlRoute("GET", one, self.show),
            UrlRoute("PUT", one, self.change),
            UrlRoute("DELETE", one, self.remove),
            UrlRoute("GET", tags, self.show_tags),
            UrlRoute("PUT", tags, self.replace_tags),
            UrlRoute("POST", tags, self.add_tags),
            UrlRoute("DELETE", tags, self.remove_tags),
            UrlRoute("GET", tags + "/{tag}", self.check_tag),
            UrlRoute("PUT", tags + "/{tag}", self.add_tag),
            UrlRoute("DELETE", tags + "/{tag}", self.remove_tag),
        ]
        return [UrlRoute(route.method, f"/v2.0{route.path}", route.handler) for route in routes]

    def add(self, call: NetworkCall) -> Response:
        """Create one or several resources; the quota allows all or none."""
        body = _body(call)
        several = self.plural in body
        parts = body[self.plural] if several else [_part(body, self.name)]
        if several and parts == []:
            raise bad("Resources required")
        if not isinstance(parts, list) or not all(isinstance(part, dict) for part in parts):
            raise bad(f"Unable to find '{self.name}' in request body")
        made = [self._checked(call, part) for part in parts]
        self._check_quota(call, len(made))
        model = call.model
        rows = [self.view(call, self.create(model, owner, values)) for owner, values in made]
        if several:
            return Response(201, {self.plural: rows})
        return Response(201, {self.name: rows[0]})

    def _checked(self, call: NetworkCall, part: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        caller = call.caller
        rule = f"create_{self.name}"
        values = fields(self.attributes, part, rule, caller.is_admin, new=True)
        owner = values.pop("project_id", None) or caller.project_id
        if owner != caller.project_id and not caller.is_admin:
            raise bad(
                "Specifying 'project_id' other than the authenticated project in request is not "
                "allowed for the current user."
            )
        if not caller.is_admin:
            self._check_neighbours(call.model, caller, values)
        return owner, values

    def _check_neighbours(
        self, model: NetworkModel, caller: Caller, values: Mapping[str, Any]
    ) -> None:
        """Raise ApiError unless the caller may use the network or the security group."""
        network_id, group_id = values.get("network_id"), values.get("security_group_id")
        if network_id and (network := model.networks.get(network_id)):
            own = network.project_id == caller.project_id
            if not (own or network.shared or network.external):
                said = f"Network {network_id} could not be found."
                raise ApiError(404, said, kind="NetworkNotFound")
            if self.name == "subnet" and not own:
                raise disallowed("rule:create_subnet")
        group = model.groups.get(group_id or "")
        if group is not None and group.project_id != caller.project_id:
            said = f"Security group {group_id} does not exist"
            raise ApiError(404, said, kind="SecurityGroupNotFound")

    def _check_quota(self, call: NetworkCall, count: int) -> None:
        model, project = call.model, call.caller.project_id
        limit = model.limit(project, self.name)
        if 0 <= limit < model.used(project, self.table(model)) + count:
            said = f"Quota exceeded for resources: ['{self.name}']."
            raise ApiError(409, said, kind="OverQuota")

    def show(self, call: NetworkCall, resource_id: str) -> Response:
        """Show one resource."""
        view = self.view(call, self.find(call, resource_id))
        return Response(200, {self.name: _chosen(view, call.request.params("fields"))})

    def change(self, call: NetworkCall, resource_id: str) -> Response:
        """Change one resource."""
        part, rule = _part(_body(call), self.name), f"update_{self.name}"
        resource = self.own(call, resource_id, "update")
        values = fields(self.attributes, part, rule, call.caller.is_admin, new=False)
        self.update(call.model, resource, values)
        return Response(200, {self.name: self.view(call, resource)})

    def remove(self, call: NetworkCall, resource_id: str) -> Response:
        """Delete one resource."""
        resource = self.own(call, resource_id, "delete")
        is_default = self.name == "security_group" and resource.name == DEFAULT
        if is_default and not call.caller.is_admin:
            raise ApiError(
                409,
                "Insufficient rights for removing default security group.",
                kind="SecurityGroupCannotRemoveDefault",
            )
        self.delete(call.model, resource)
        return Response(204)

    def index(self, call: NetworkCall) -> Response:
        """List the resources that the caller may see: filtered, sorted, in pages with a limit."""
        model, caller, request = call.model, call.caller, call.request
        known = {*self.attributes, *READ_ONLY, *SHOWN, *PAGING, *TAG_FILTERS}
        unknown = [key for key, _ in request.query if key not in known]
        if unknown:
            raise bad(f"{unknown} is invalid attribute for filtering")
        if self.name == "security_group":
            asked = request.param("project_id") or request.param("tenant_id")
            owner = (asked if caller.is_admin else None) or caller.project_id
            if owner:
                default_group(model, owner)
        rows = [
            self.view(call, row)
            for row in self.table(model).listed()
            if caller.is_admin or self.seen(model, caller, row)
        ]
        rows = [row for row in rows if _passes(row, request.query)]
        keys = request.params("sort_key") or ["id"]
        directions = request.params("sort_dir")
        for place in reversed(range(len(keys))):
            down = place < len(directions) and directions[place] == "desc"
            rows.sort(key=lambda row: str(row.get(keys[place])), reverse=down)
        rows, links = self._page(call, rows)
        chosen = request.params("fields")
        body: dict[str, Any] = {self.plural: [_chosen(row, chosen) for row in rows]}
        if links:
            body[f"{self.plural}_links"] = links
        return Response(200, body)

    def _page(
        self, call: NetworkCall, rows: list[dict[str, Any]]
    ) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
        request = call.request
        limit, marker = request.param("limit"), request.param("marker")
        back = (request.param("page_reverse") or "").lower() == "true"
        if back:
            rows = rows[::-1]
        if marker:
            ids = [row["id"] for row in rows]
            if marker not in ids:
                said = f"{self.spoken} {marker} could not be found."
                raise ApiError(404, said, kind=f"{self.spoken}NotFound")
            rows = rows[ids.index(marker) + 1 :]
        most = call.runtime.settings.most_on_a_page("network")
        asked = parse_natural(limit) or most
        if not asked:
            return rows[::-1] if back else rows, []
        asked = min(asked, most) if most else asked
        rows = rows[:asked]
        full = len(rows) == asked
        rows = rows[::-1] if back else rows
        if not rows:
            return rows, []
        kept = [(k, v) for k, v in request.query if k not in ("marker", "page_reverse")]
        url = f"{request.origin}{request.path}?"
        links = []
        if full or back:
            after = urlencode([*kept, ("marker", rows[-1]["id"])])
            links.append({"rel": "next", "href": url + after})
        before = urlencode([*kept, ("marker", rows[0]["id"]), ("page_reverse", "True")])
        return rows, [*links, {"rel": "previous", "href": url + before}]

    def show_tags(self, call: NetworkCall, resource_id: str) -> Response:
        """List the tags."""
        return Response(200, {"tags": list(self.find(call, resource_id).tags)})

    def replace_tags(self, call: NetworkCall, resource_id: str) -> Response:
        """Replace all tags."""
        resource = self.own(call, resource_id, "update")
        return self._tagged(resource, _tags(call))

    def add_tags(self, call: NetworkCall, resource_id: str) -> Response:
        """Add tags."""
        resource = self.own(call, resource_id, "update")
        return self._tagged(resource, (*resource.tags, *_tags(call)))

    def _tagged(self, resource: StandardRecord, tags: tuple[str, ...]) -> Response:
        resource.change({"tags": tuple(dict.fromkeys(tags))})
        return Response(200, {"tags": list(resource.tags)})

    def remove_tags(self, call: NetworkCall, resource_id: str) -> Response:
        """Delete all tags."""
        self.own(call, resource_id, "update").change({"tags": ()})
        return Response(204)

    def check_tag(self, call: NetworkCall, resource_id: str, tag: str) -> Response:
        """Return 204 if the resource has the tag. Raises ApiError(404)."""
        _has(self.find(call, resource_id), tag)
        return Response(204)

    def add_tag(self, call: NetworkCall, resource_id: str, tag: str) -> Response:
        """Add one tag."""
        resource = self.own(call, resource_id, "update")
        self._tagged(resource, (*resource.tags, tag))
        return Response(201)

    def remove_tag(self, call: NetworkCall, resource_id: str, tag: str) -> Response:
        """Delete one tag."""
        resource = self.own(call, resource_id, "update")
        _has(resource, tag)
        resource.change({"tags": tuple(other for other in resource.tags if other != tag)})
        return Response(204)


def _body(call: NetworkCall) -> dict[str, Any]:
    try:
        return call.json()
    except ApiError:
        raise bad("Body contains invalid data") from None


def _part(body: Mapping[str, Any], name: str) -> dict[str, Any]:
    if name not in body:
        raise bad(f"Unable to find '{name}' in request body")
    part = body[name]
    if not isinstance(part, dict):
        raise bad(f"Object '{name}' contains invalid data")
    return part


def _tags(call: NetworkCall) -> tuple[str, ...]:
    body = _body(call)
    if "tags" not in body:
        raise _input("Invalid tags body")
    tags = body["tags"]
    if not isinstance(tags, list):
        raise _input(f"'{tags}' is not a list")
    for tag in tags:
        if not isinstance(tag, str):
            raise _input(f"'{tag}' is not a valid string")
    return tuple(tags)


def _input(why: str) -> ApiError:
    return ApiError(400, f"Invalid input for operation: {why}.", kind="InvalidInput")


def _has(resource: StandardRecord, tag: str) -> None:
    if tag not in resource.tags:
        raise ApiError(404, f"Tag {tag} could not be found.", kind="TagNotFound")


def _chosen(view: dict[str, Any], names: list[str]) -> dict[str, Any]:
    return {key: value for key, value in view.items() if not names or key in names}


def _passes(view: Mapping[str, Any], query: tuple[tuple[str, str], ...]) -> bool:
    """Return True if a resource passes the filters; equal names are alternatives."""
    wanted: dict[str, list[str]] = {}
    for key, value in query:
        if key not in PAGING:
            wanted.setdefault(key, []).append(value)
    for key, values in wanted.items():
        if key in TAG_FILTERS:
            if not _passes_tags(key, set(values[0].split(",")), set(view["tags"])):
                return False
        elif key == "fixed_ips":
            if not any(_on(view.get("fixed_ips", []), value) for value in values):
                return False
        elif not _is_one_of(view.get(key), values):
            return False
    return True


def _passes_tags(key: str, asked: set[str], has: set[str]) -> bool:
    passes = bool(asked & has) if key.endswith("any") else asked <= has
    return passes != key.startswith("not-")


def _on(fixed_ips: list[dict[str, str]], value: str) -> bool:
    key, _, wanted = value.partition("=")
    return any(ip.get(key) == wanted for ip in fixed_ips)


def _is_one_of(value: Any, wanted: list[str]) -> bool:
    if isinstance(value, list):
        return any(entry in wanted for entry in value)
    if isinstance(value, bool):
        return str(value).lower() in [word.lower() for word in wanted]
    return ("" if value is None else str(value)) in wanted
