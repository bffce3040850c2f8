"""python-cinderclient: twins on its managers and resources."""

from __future__ import annotations

from typing import Any

from pytest_osfutures.clients.managers import Bind, put_on_managers


def put_twins(cinder: Any, bind: Bind) -> None:
    """Put the twins on `cinder`, a cinderclient Client."""
    from cinderclient.base import Manager

    managers = {
        "volume": "volumes",
        "snapshot": "volume_snapshots",
        "backup": "backups",
        "attachment": "attachments",
        "group": "groups",
        "group's replication": "groups",
        "group snapshot": "group_snapshots",
        "consistency group": "consistencygroups",
        "consistency group's snapshot": "cgsnapshots",
    }
    put_on_managers(cinder, bind, "block-storage", managers, Manager)
