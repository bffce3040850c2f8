"""Migrations: the record of each move of a server between hosts."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_osfutures.fakecloud.services.compute.models.records import InstanceAction


@dataclass
class Migration:
    """One migration. `kind` is migration, resize, live-migration or evacuation."""

    id: int
    uuid: str
    server_id: str
    kind: str
    status: str
    source: str
    target: str | None
    old_flavor_id: str
    new_flavor_id: str
    user_id: str
    project_id: str
    created_at: float
    updated_at: float
    action: InstanceAction | None = None
