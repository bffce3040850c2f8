"""The routes of Glance, relative to /image."""

from __future__ import annotations

from pytest_osfutures.fakecloud.kernel.service import Service
from pytest_osfutures.fakecloud.kernel.wire import Route
from pytest_osfutures.fakecloud.services.image import data, listing, responses

IMAGE = "/v2/images/{image_id}"
MEMBER = IMAGE + "/members/{member_id}"

ROUTES: list[Route] = [
    Route("GET", "", responses.choices, public=True),
    Route("GET", "/versions", responses.versions, public=True),
    Route("GET", "/v2/images", listing.index),
    Route("POST", "/v2/images", responses.create),
    Route("GET", IMAGE, responses.show),
    Route("PATCH", IMAGE, responses.update),
    Route("DELETE", IMAGE, responses.delete),
    Route("PUT", IMAGE + "/file", data.upload),
    Route("GET", IMAGE + "/file", data.download),
    Route("PUT", IMAGE + "/stage", data.stage),
    Route("POST", IMAGE + "/import", data.begin_import),
    Route("GET", IMAGE + "/tasks", data.image_tasks),
    Route("PUT", IMAGE + "/tags/{tag}", responses.add_tag),
    Route("DELETE", IMAGE + "/tags/{tag}", responses.delete_tag),
    Route("POST", IMAGE + "/actions/deactivate", data.deactivate),
    Route("POST", IMAGE + "/actions/reactivate", data.reactivate),
    Route("GET", IMAGE + "/members", data.members),
    Route("POST", IMAGE + "/members", data.add_member),
    Route("GET", MEMBER, data.show_member),
    Route("PUT", MEMBER, data.change_member),
    Route("DELETE", MEMBER, data.delete_member),
    Route("GET", "/v2/schemas/{name}", responses.show_schema),
    Route("GET", "/v2/tasks", data.tasks),
    Route("GET", "/v2/info/import", data.import_methods),
    Route("GET", "/v2/info/stores", data.stores),
]

SERVICE = Service(
    name="image",
    prefix="/image",
    routes=ROUTES,
    error_body=responses.error_body,
    empty_type="text/html; charset=UTF-8",
    unknown_path=responses.UNKNOWN_PATH,
    quota_status=413,
)
