"""Keypairs and server groups."""

from __future__ import annotations

from typing import Any

from pytest_osfutures.fakecloud.kernel import (
    ApiError,
    Response,
    iso_microseconds,
    parse_natural,
)
from pytest_osfutures.fakecloud.services.compute.call import ComputeCall
from pytest_osfutures.fakecloud.services.compute.models.keypairs import (
    KeypairRecord,
    ServerGroup,
    fingerprint,
    generate,
)
from pytest_osfutures.fakecloud.services.compute.responses import validation
from pytest_osfutures.fakecloud.services.compute.responses.listing import page_limit, page_of

KEYPAIR = dict.fromkeys(("name", "type", "public_key", "user_id"), "string")


def _user(call: ComputeCall) -> str:
    """Return the id of the keypairs' user: the caller, or `user_id` of an administrator."""
    wanted = call.request.param("user_id")
    if wanted is None or wanted == call.caller.user_id or call.version < (2, 10):
        return call.caller.user_id
    validation.admin_only(call, "os_compute_api:os-keypairs:index")
    return wanted


def _brief(call: ComputeCall, pair: KeypairRecord) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "name": pair.name,
        "public_key": pair.public_key,
        "fingerprint": pair.fingerprint,
    }
    if call.version >= (2, 2):
        shown["type"] = pair.kind
    return shown


def list_keypairs(call: ComputeCall) -> Response:
    """List the user's keypairs by name."""
    user_id = _user(call)
    pairs = [pair for pair in call.model.keypairs.listed() if pair.user_id == user_id]
    pairs.sort(key=lambda pair: pair.name or "")
    links: list[dict[str, str]] = []
    if call.version >= (2, 35):
        pairs, links = page_of(call, "os-keypairs", pairs, lambda pair: str(pair.name))
    body: dict[str, Any] = {"keypairs": [{"keypair": _brief(call, pair)} for pair in pairs]}
    return Response(200, body | ({"keypairs_links": links} if links else {}))


def create_keypair(call: ComputeCall) -> Response:
    """Import a public key; before 2.92 also generate a keypair."""
    body, model = validation.envelope(call, "keypair"), call.model
    validation.required("keypair", body, "name")
    if call.version >= (2, 92):
        validation.required("keypair", body, "public_key")
    validation.strict(body, KEYPAIR)
    validation.one_of(body, "type", ["ssh", "x509"])
    name, user_id = validation.name(body["name"]), body.get("user_id") or call.caller.user_id
    if user_id != call.caller.user_id:
        validation.admin_only(call, "os_compute_api:os-keypairs:create")
    if model.keypair(user_id, name) is not None:
        raise ApiError(409, f"Key pair '{name}' already exists.")
    mine = [pair for pair in model.keypairs if pair.user_id == user_id]
    if 0 <= model.limit(call.caller.project_id, "key_pairs") <= len(mine):
        raise ApiError(403, "Quota exceeded, too many key pairs.")
    private, public = None, body.get("public_key")
    if public is None:
        private, public = generate(call.runtime.random)
    try:
        marks = fingerprint(public)
    except ValueError:
        raise ApiError(400, "Keypair data is invalid: failed to generate fingerprint") from None
    pair = KeypairRecord(
        id=call.runtime.new_id(),
        name=name,
        user_id=user_id,
        project_id=call.caller.project_id,
        number=len(model.keypairs.rows(gone=True)) + 1,
        kind=body.get("type", "ssh"),
        public_key=public,
        fingerprint=marks,
    )
    model.keypairs.add(pair)
    shown = _brief(call, pair) | {"user_id": user_id}
    if private is not None:
        shown["private_key"] = private
    return Response(201 if call.version >= (2, 2) else 200, {"keypair": shown})


def _pair(call: ComputeCall, name: str) -> KeypairRecord:
    user_id = _user(call)
    pair = call.model.keypair(user_id, name)
    if pair is None:
        raise ApiError(404, f"Keypair {name} not found for user {user_id}")
    return pair


def show_keypair(call: ComputeCall, name: str) -> Response:
    """Show one keypair."""
    pair = _pair(call, name)
    more = {
        "user_id": pair.user_id,
        "created_at": iso_microseconds(pair.created_at),
        "deleted": False,
        "deleted_at": None,
        "id": pair.number,
        "updated_at": None,
    }
    return Response(200, {"keypair": _brief(call, pair) | more})


def delete_keypair(call: ComputeCall, name: str) -> Response:
    """Delete a keypair; existing servers keep its name."""
    call.model.keypairs.remove(_pair(call, name))
    return Response(204 if call.version >= (2, 2) else 202)


def _group_view(call: ComputeCall, group: ServerGroup) -> dict[str, Any]:
    shown: dict[str, Any] = {"id": group.id, "name": group.name}
    if call.version >= (2, 64):
        shown |= {"policy": group.policy, "rules": group.rules}
    else:
        shown |= {"policies": [group.policy], "metadata": {}}
    shown["members"] = list(group.members)
    if call.version >= (2, 13):
        shown |= {"project_id": group.project_id, "user_id": group.user_id}
    return shown


def list_groups(call: ComputeCall) -> Response:
    """List the project's server groups."""
    groups = call.model.server_groups.listed()
    if not (call.request.param("all_projects") and call.caller.is_admin):
        groups = [group for group in groups if group.project_id == call.caller.project_id]
    offset = parse_natural(call.request.param("offset") or "0")
    if offset is None:
        raise ApiError(400, "offset param must be an integer")
    groups = groups[offset:][: page_limit(call)]  # this list has neither markers nor links
    return Response(200, {"server_groups": [_group_view(call, group) for group in groups]})


def _policy(body: dict[str, Any], field: str) -> str:
    """Return the policy of a new group: a string since 2.64, before that a list of one."""
    validation.strict(body, {"policy": "string", "policies": "[string]"})
    found = body[field] if field == "policy" else next(iter(body[field]), None)
    if found is None:
        raise validation.invalid(field, body[field], "[] should be non-empty")
    known = ["anti-affinity", "affinity", "soft-anti-affinity", "soft-affinity"]
    if found not in known:
        raise validation.invalid(field, body[field], f"{found!r} is not one of {known}")
    return str(found)


def create_group(call: ComputeCall) -> Response:
    """Create a server group without members."""
    body, model = validation.envelope(call, "server_group"), call.model
    field = "policy" if call.version >= (2, 64) else "policies"
    validation.required("server_group", body, "name", field)
    policy = _policy(body, field)
    validation.strict(body, {"rules": "object"})
    rules = body.get("rules", {})
    validation.only("rules", rules, frozenset({"max_server_per_host"}))
    most = {key: validation.number(key, value, least=1) for key, value in rules.items()}
    mine = [g for g in model.server_groups if g.project_id == call.caller.project_id]
    if 0 <= model.limit(call.caller.project_id, "server_groups") <= len(mine):
        raise ApiError(403, "Quota exceeded, too many server groups.")
    group = ServerGroup(
        id=call.runtime.new_id(),
        name=validation.name(body["name"]),
        project_id=call.caller.project_id,
        user_id=call.caller.user_id,
        policy=policy,
        rules=most,
    )
    return Response(200, {"server_group": _group_view(call, model.server_groups.add(group))})


def _group(call: ComputeCall, group_id: str) -> ServerGroup:
    group = call.model.server_groups.get(group_id)
    mine = group is not None and group.project_id == call.caller.project_id
    if group is None or not (mine or call.caller.is_admin):
        raise ApiError(404, f"Instance group {group_id} could not be found.")
    return group


def show_group(call: ComputeCall, group_id: str) -> Response:
    """Show one server group."""
    return Response(200, {"server_group": _group_view(call, _group(call, group_id))})


def delete_group(call: ComputeCall, group_id: str) -> Response:
    """Delete a server group; its servers stay."""
    call.model.server_groups.remove(_group(call, group_id))
    return Response(204)
