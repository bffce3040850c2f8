"""Keystone's handlers for domains, projects and their tags."""

from __future__ import annotations

from typing import Any

from pytest_osfutures.fakecloud.kernel import ApiError, Response, invalid, typed
from pytest_osfutures.fakecloud.services.identity.call import IdentityCall
from pytest_osfutures.fakecloud.services.identity.models import records, removal
from pytest_osfutures.fakecloud.services.identity.models.state import conflict
from pytest_osfutures.fakecloud.services.identity.responses.general import (
    allow,
    attributes,
    extra,
    flag,
    found,
    page,
)

PROJECT = {
    "name": "string",
    "domain_id": "string null",
    "parent_id": "string null",
    "description": "string null",
    "enabled": "boolean",
    "is_domain": "boolean",
    "tags": "array",
    "options": "object",
}
DOMAIN = {key: PROJECT[key] for key in ("name", "description", "enabled", "tags", "options")}
MOST_TAGS = 80


def project_view(call: IdentityCall, project: records.Project) -> dict[str, Any]:
    """Return the fields of a project."""
    return project.extra | {
        "id": project.id,
        "name": project.name,
        "domain_id": project.domain_id,
        "description": project.description,
        "enabled": project.enabled,
        "parent_id": project.parent_id,
        "is_domain": False,
        "tags": project.tags,
        "options": project.options,
        "links": {"self": f"{call.root}/v3/projects/{project.id}"},
    }


def domain_view(call: IdentityCall, domain: records.Domain) -> dict[str, Any]:
    """Return the fields of a domain."""
    return {
        "id": domain.id,
        "name": domain.name,
        "description": domain.description,
        "enabled": domain.enabled,
        "tags": domain.tags,
        "options": domain.options,
        "links": {"self": f"{call.root}/v3/domains/{domain.id}"},
    }


def list_projects(call: IdentityCall) -> Response:
    """List the projects, or those of one domain."""
    domain = call.request.param("domain_id") or call.caller.domain_id or None
    allow(call, "list_projects", domain=domain)
    projects = list(call.model.projects.values())
    if not call.caller.is_admin and call.caller.domain_id:
        projects = [each for each in projects if each.domain_id == domain]
    projects = [each for each in projects if _has_tags(call, each)]
    if flag(call, "is_domain"):
        rows = [_as_project(call, each) for each in call.model.domains.values()]
    else:
        rows = [project_view(call, each) for each in projects]
    return page(call, "projects", rows, "domain_id", "enabled", "parent_id")


def _as_project(call: IdentityCall, domain: records.Domain) -> dict[str, Any]:
    links = {"self": f"{call.root}/v3/projects/{domain.id}"}
    above = {"domain_id": None, "parent_id": None, "is_domain": True}
    return domain_view(call, domain) | above | {"links": links}


def _has_tags(call: IdentityCall, project: records.Project) -> bool:
    def tags(name: str) -> set[str] | None:
        text = call.request.param(name)
        return None if text is None else set(text.split(","))

    own = set(project.tags)
    every, some = tags("tags"), tags("tags-any")
    no, none = tags("not-tags"), tags("not-tags-any")
    return (
        (every is None or every <= own)
        and (some is None or bool(some & own))
        and (no is None or not no <= own)
        and (none is None or not none & own)
    )


def _project(call: IdentityCall, rule: str, project_id: str) -> records.Project:
    project = call.model.projects.get(project_id)
    allow(
        call,
        rule,
        owner=rule == "get_project" and project_id == call.caller.project_id,
        domain=project.domain_id if project else None,
    )
    return found("project", call.model.projects, project_id)


def show_project(call: IdentityCall, project_id: str) -> Response:
    """Show one project, or a domain as the project that it is too."""
    if (domain := call.model.domains.get(project_id)) is not None:
        allow(call, "get_project", domain=domain.id)
        return Response(200, {"project": _as_project(call, domain)})
    project = _project(call, "get_project", project_id)
    return Response(200, {"project": project_view(call, project) | _relatives(call, project)})


def _relatives(call: IdentityCall, project: records.Project) -> dict[str, Any]:
    """Return the ids of the projects above and below, if the query asks for them."""
    shown: dict[str, Any] = {}
    if flag(call, "parents_as_ids"):
        above: dict[str, Any] | None = None
        for each in reversed(_parents(call, project)):
            above = {each: above}
        shown["parents"] = above
    if flag(call, "subtree_as_ids"):
        shown["subtree"] = _subtree(call, project.id)
    projects = call.model.projects
    if flag(call, "parents_as_list"):
        above_ids = [each for each in _parents(call, project) if each in projects]
        shown["parents"] = [{"project": project_view(call, projects[each])} for each in above_ids]
    if flag(call, "subtree_as_list"):
        below = [each for each in projects.values() if project.id in _parents(call, each)]
        shown["subtree"] = [{"project": project_view(call, each)} for each in below]
    return shown


def _parents(call: IdentityCall, project: records.Project) -> list[str]:
    ids, above = [project.parent_id], call.model.projects.get(project.parent_id)
    while above is not None:
        ids.append(above.parent_id)
        above = call.model.projects.get(above.parent_id)
    return ids


def _subtree(call: IdentityCall, project_id: str) -> dict[str, Any] | None:
    below = [each.id for each in call.model.projects.values() if each.parent_id == project_id]
    return {each: _subtree(call, each) for each in below} or None


def create_project(call: IdentityCall) -> Response:
    """Create a project; one with `is_domain` is a domain."""
    content, model = attributes(call, "project", PROJECT, "name"), call.model
    if content.get("is_domain"):
        allow(call, "create_project")
        domain = _new_domain(call, content)
        return Response(201, {"project": _as_project(call, domain)})
    parent = model.projects.get(content.get("parent_id") or "")
    domain_id = content.get("domain_id") or (
        parent.domain_id if parent else call.caller.domain_id or records.DEFAULT_DOMAIN
    )
    if content.get("parent_id") in model.domains:
        domain_id = content["parent_id"]
    allow(call, "create_project", domain=domain_id)
    if domain_id not in model.domains:
        raise ApiError(400, f"Could not find domain: {domain_id}.")
    parent_id = content.get("parent_id") or domain_id
    if parent_id not in (*model.projects, *model.domains):
        raise ApiError(404, f"Could not find project: {parent_id}.")
    _check_project_name(call, content["name"], domain_id)
    _check_tags(content.get("tags", []))
    project = records.Project(
        id=model.new_id(),
        name=content["name"],
        domain_id=domain_id,
        parent_id=parent_id,
        description=content.get("description") or "",
        enabled=content.get("enabled", True),
        options=content.get("options", {}),
        tags=content.get("tags", []),
        extra=extra(content, PROJECT),
    )
    model.projects[project.id] = project
    return Response(201, {"project": project_view(call, project)})


def _check_project_name(call: IdentityCall, name: str, domain_id: str, own: str = "") -> None:
    for project in call.model.projects.values():
        if (project.name, project.domain_id) == (name, domain_id) and project.id != own:
            raise conflict(
                "project",
                "it is not permitted to have two projects with either the same name or same id in "
                f"the same domain: name is {name}, project id {project.id}",
            )


def _check_tags(tags: list[Any]) -> None:
    for tag in tags:
        typed("tags", tag, "string")
        if not tag or len(tag) > 255 or "/" in tag or "," in tag:
            raise invalid("tags", tag, f"{tag!r} does not match '^[^,/]*$'")
    if len(tags) > MOST_TAGS:
        raise invalid("tags", tags, f"{tags!r} is too long")
    if len(set(tags)) < len(tags):
        raise invalid("tags", tags, f"{tags!r} has non-unique elements")


def change_project(call: IdentityCall, project_id: str) -> Response:
    """Change a project, or a domain as the project that it is too.

    A disabled project gives no token.
    """
    if project_id in call.model.domains:
        allow(call, "update_project")
        domain = _change_domain(call, project_id, attributes(call, "project", PROJECT))
        return Response(200, {"project": _as_project(call, domain)})
    project = _project(call, "update_project", project_id)
    content = attributes(call, "project", PROJECT)
    removal.check_mutable("update", "project", project, content)
    for name in ("domain_id", "parent_id"):
        if content.get(name) not in (None, getattr(project, name)):
            raise ApiError(403, f"Update of `{name}` is not allowed.")
    if "name" in content:
        _check_project_name(call, content["name"], project.domain_id, own=project.id)
    _check_tags(content.get("tags", []))
    _assign(project, content, ("name", "description", "enabled", "tags"))
    project.options = project.options | content.get("options", {})
    project.extra = project.extra | extra(content, PROJECT)
    call.model.changed()
    return Response(200, {"project": project_view(call, project)})


def _assign(record: Any, content: dict[str, Any], names: tuple[str, ...]) -> None:
    for name in names:
        if name in content:
            setattr(record, name, content[name])


def delete_project(call: IdentityCall, project_id: str) -> Response:
    """Delete a project, or a domain; resources of the project in other services stay."""
    if project_id in call.model.domains:
        return delete_domain(call, project_id)
    project = _project(call, "delete_project", project_id)
    removal.check_mutable("delete", "project", project)
    if any(each.parent_id == project.id for each in call.model.projects.values()):
        raise ApiError(
            403,
            f"Cannot delete the project {project.id} since it is not a leaf in the hierarchy. "
            "Use the cascade option if you want to delete a whole subtree.",
        )
    removal.delete_project(call.model, project)
    return Response(204)


def list_tags(call: IdentityCall, project_id: str) -> Response:
    """List the tags of a project."""
    project = _project(call, "list_project_tags", project_id)
    return _tags_page(call, project)


def _tags_page(call: IdentityCall, project: records.Project) -> Response:
    links = {"next": None, "self": f"{call.root}/v3/projects/{project.id}/tags", "previous": None}
    return Response(200, {"tags": project.tags, "links": links})


def replace_tags(call: IdentityCall, project_id: str) -> Response:
    """Replace all tags of a project."""
    project, body = _project(call, "update_project_tags", project_id), call.json()
    typed("tags", body.get("tags"), "array")
    _check_tags(body["tags"])
    project.tags = body["tags"]
    return _tags_page(call, project)


def delete_tags(call: IdentityCall, project_id: str) -> Response:
    """Remove all tags of a project."""
    _project(call, "delete_project_tags", project_id).tags = []
    return Response(204)


def check_tag(call: IdentityCall, project_id: str, tag: str) -> Response:
    """Return 204 if the project has the tag."""
    _check_has_tag(_project(call, "get_project_tag", project_id), tag)
    return Response(204)


def add_tag(call: IdentityCall, project_id: str, tag: str) -> Response:
    """Add one tag to a project."""
    project = _project(call, "create_project_tag", project_id)
    tags = [*(each for each in project.tags if each != tag), tag]
    _check_tags(tags)
    project.tags = tags
    return Response(201, None, {"Location": f"{call.root}/v3/projects/{project.id}/tags/{tag}"})


def remove_tag(call: IdentityCall, project_id: str, tag: str) -> Response:
    """Remove one tag of a project."""
    project = _project(call, "delete_project_tag", project_id)
    _check_has_tag(project, tag)
    project.tags = [each for each in project.tags if each != tag]
    return Response(204)


def _check_has_tag(project: records.Project, tag: str) -> None:
    if tag not in project.tags:
        raise ApiError(404, f"Could not find project tag: {tag}.")


def list_domains(call: IdentityCall) -> Response:
    """List all domains."""
    allow(call, "list_domains", role="reader")
    rows = [domain_view(call, each) for each in call.model.domains.values()]
    return page(call, "domains", rows, "enabled")


def show_domain(call: IdentityCall, domain_id: str) -> Response:
    """Show one domain."""
    caller = call.caller
    own = call.model.projects.get(caller.project_id)
    owner = domain_id in (caller.domain_id, own.domain_id if own else None)
    allow(call, "get_domain", owner=owner)
    return Response(200, {"domain": domain_view(call, _domain(call, domain_id))})


def _domain(call: IdentityCall, domain_id: str) -> records.Domain:
    return found("domain", call.model.domains, domain_id)


def create_domain(call: IdentityCall) -> Response:
    """Create a domain."""
    content = attributes(call, "domain", DOMAIN | {"explicit_domain_id": "string"}, "name")
    allow(call, "create_domain")
    return Response(201, {"domain": domain_view(call, _new_domain(call, content))})


def _new_domain(call: IdentityCall, content: dict[str, Any]) -> records.Domain:
    model, name = call.model, content["name"]
    _check_domain_name(call, name)
    domain = records.Domain(
        id=content.get("explicit_domain_id") or model.new_id(),
        name=name,
        description=content.get("description") or "",
        enabled=content.get("enabled", True),
        options=content.get("options", {}),
        tags=content.get("tags", []),
    )
    model.domains[domain.id] = domain
    return domain


def _check_domain_name(call: IdentityCall, name: str, own: str = "") -> None:
    for domain in call.model.domains.values():
        if domain.name == name and domain.id != own:
            why = "it is not permitted to have two projects acting as domains with the same name"
            raise conflict("project", f"{why}: {name}")


def change_domain(call: IdentityCall, domain_id: str) -> Response:
    """Change a domain; a disabled domain gives no token."""
    allow(call, "update_domain")
    _domain(call, domain_id)
    domain = _change_domain(call, domain_id, attributes(call, "domain", DOMAIN))
    return Response(200, {"domain": domain_view(call, domain)})


def _change_domain(call: IdentityCall, domain_id: str, content: dict[str, Any]) -> records.Domain:
    domain = _domain(call, domain_id)
    removal.check_mutable("update", "domain", domain, content)
    if "name" in content:
        _check_domain_name(call, content["name"], own=domain.id)
    _assign(domain, content, ("name", "description", "enabled", "tags"))
    domain.options = domain.options | content.get("options", {})
    call.model.changed()
    return domain


def delete_domain(call: IdentityCall, domain_id: str) -> Response:
    """Delete a disabled domain with its projects, users and groups."""
    allow(call, "delete_domain")
    domain = _domain(call, domain_id)
    removal.check_mutable("delete", "domain", domain)
    if domain.enabled:
        why = "Cannot delete a domain that is enabled, please disable it first."
        raise ApiError(403, why)
    removal.delete_domain(call.model, domain)
    return Response(204)
