"""The lifecycles of Cinder's background operations.

The status that a request sets at once is no step, because entering a step sets `updated_at`: a new
resource has `updated_at` null until its first change.
"""

from __future__ import annotations

from pytest_osfutures.fakecloud.kernel import (
    Lifecycle,
    Step,
)

CREATE_VOLUME = Lifecycle("volume.create", (Step(0.3), Step(0.7, {}, "schedule")))
CREATE_VOLUME_FROM_IMAGE = Lifecycle(
    "volume.create",
    (
        Step(0.15),
        Step(0.15, {}, "schedule"),
        Step(0.7, {"status": "downloading"}),
    ),
)
CREATE_VOLUME_FROM_BACKUP = Lifecycle(
    "volume.create",
    (
        Step(0.15),
        Step(0.15, {}, "schedule"),
        Step(0.7, {}, "restore"),
    ),
)
DELETE_VOLUME = Lifecycle("volume.delete", (Step(1.0),))
EXTEND = Lifecycle("volume.extend", (Step(1.0),))
RETYPE = Lifecycle("volume.retype", (Step(1.0),))
RETYPE_WITH_MIGRATION = Lifecycle(
    "volume.retype",
    (
        Step(0.1),
        Step(0.6, {"migration_status": "migrating"}, "copy"),
        Step(0.3, {"migration_status": "completing"}),
    ),
)
MIGRATE = Lifecycle(
    "volume.migrate",
    (
        Step(0.1, {"migration_status": "starting"}),
        Step(0.6, {"migration_status": "migrating"}, "copy"),
        Step(0.3, {"migration_status": "completing"}),
    ),
)
UPLOAD = Lifecycle("volume.upload", (Step(0.2), Step(0.8, {}, "save")))
REVERT = Lifecycle("volume.revert", (Step(1.0),))
REIMAGE = Lifecycle("volume.reimage", (Step(1.0),))
MANAGE_VOLUME = Lifecycle("volume.manage", (Step(1.0, {"status": "managing"}),))
UNMANAGE_VOLUME = Lifecycle("volume.unmanage", (Step(1.0, {"status": "unmanaging"}),))

CREATE_SNAPSHOT = Lifecycle("snapshot.create", (Step(1.0),))
DELETE_SNAPSHOT = Lifecycle("snapshot.delete", (Step(1.0, {"status": "deleting"}),))
MANAGE_SNAPSHOT = Lifecycle("snapshot.manage", (Step(1.0),))
UNMANAGE_SNAPSHOT = Lifecycle("snapshot.unmanage", (Step(1.0, {"status": "unmanaging"}),))

CREATE_BACKUP = Lifecycle("backup.create", (Step(1.0),))
RESTORE_BACKUP = Lifecycle("backup.restore", (Step(1.0, {"status": "restoring"}),))
DELETE_BACKUP = Lifecycle("backup.delete", (Step(1.0, {"status": "deleting"}),))

CREATE_GROUP = Lifecycle("group.create", (Step(1.0),))
UPDATE_GROUP = Lifecycle("group.update", (Step(1.0, {"status": "updating"}),))
DELETE_GROUP = Lifecycle("group.delete", (Step(1.0, {"status": "deleting"}),))
CREATE_GROUP_SNAPSHOT = Lifecycle("group_snapshot.create", (Step(1.0),))
DELETE_GROUP_SNAPSHOT = Lifecycle("group_snapshot.delete", (Step(1.0, {"status": "deleting"}),))
