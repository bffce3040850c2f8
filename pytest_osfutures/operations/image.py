"""Glance's operations; the number is that of the row in the project's notes.

The images that Nova and Cinder make are in their own tables.
"""

from __future__ import annotations

from pytest_osfutures.operations import predicates as seen
from pytest_osfutures.operations.model import Expect, Operation, Route, Undo
from pytest_osfutures.operations.resource_types import IMAGE

GLANCE = "image"
ON_THE_WAY = frozenset({"queued", "saving", "uploading", "importing"})
FAILED = frozenset({"killed", "deleted", "pending_delete"})

OPERATIONS = (
    Operation(
        "image.create",
        Route(GLANCE, "POST", "/images"),
        (Expect(IMAGE, failure=FAILED),),
        names={"id": ("response.id", "request.id")},
        creates=True,
        undo=Undo(GLANCE, "DELETE", IMAGE.path),
        stamp=".",
        begins=True,
        usual=0.5,
    ),
    # 71
    Operation(
        "image.upload",
        Route(GLANCE, "PUT", "/images/{id}/file"),
        (Expect(IMAGE, frozenset({"active"}), ON_THE_WAY - {"queued"}, FAILED),),
        tout=900.0,
        usual=1.0,
    ),
    Operation(
        "image.import",
        Route(GLANCE, "POST", "/images/{id}/import"),
        (
            Expect(
                IMAGE,
                ON_THE_WAY | {"active"},
                failure=FAILED,
                holds=seen.is_imported,
            ),
        ),
        tout=900.0,
        usual=10.0,
    ),
    Operation(
        "image.delete",
        Route(GLANCE, "DELETE", IMAGE.path),
        (Expect(IMAGE, running=ON_THE_WAY, gone=True),),
        usual=0.5,
    ),
)
