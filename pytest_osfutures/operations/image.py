"""Glance's operations: docs/operations.md#rules-glance.

Images that Nova and Cinder create are in their own tables.
"""

from __future__ import annotations

from pytest_osfutures.operations import predicates
from pytest_osfutures.operations.model import Expectation, Operation, Route, UndoRequest
from pytest_osfutures.operations.resource_types import IMAGE

GLANCE = "image"
ON_THE_WAY = frozenset({"queued", "saving", "uploading", "importing"})
FAILED = frozenset({"killed", "deleted", "pending_delete"})

OPERATIONS = (
    Operation(
        "image.create",
        Route(GLANCE, "POST", "/images"),
        (Expectation(IMAGE, failure=FAILED),),
        variables={"id": ("response.id", "request.id")},
        creates=True,
        undo=UndoRequest(GLANCE, "DELETE", IMAGE.path),
        stamp_field=".",
        multi_request=True,
        usual_duration=0.5,
    ),
    Operation(
        "image.upload",
        Route(GLANCE, "PUT", "/images/{id}/file"),
        (Expectation(IMAGE, frozenset({"active"}), ON_THE_WAY - {"queued"}, FAILED),),
        tout=900.0,
        usual_duration=1.0,
    ),
    Operation(
        "image.import",
        Route(GLANCE, "POST", "/images/{id}/import"),
        (
            Expectation(
                IMAGE,
                ON_THE_WAY | {"active"},
                failure=FAILED,
                predicate=predicates.is_imported,
            ),
        ),
        tout=900.0,
        usual_duration=10.0,
    ),
    Operation(
        "image.delete",
        Route(GLANCE, "DELETE", IMAGE.path),
        (Expectation(IMAGE, running=ON_THE_WAY, gone=True),),
        usual_duration=0.5,
    ),
)
