"""The routes of Glance, relative to /image."""

from __future__ import annotations

from pytest_osfutures.fakecloud.kernel import (
    Service,
    UrlRoute,
)
from pytest_osfutures.fakecloud.services.image import data, listing, responses

IMAGE = "/v2/images/{image_id}"
MEMBER = IMAGE + "/members/{member_id}"

ROUTES: list[UrlRoute] = [
    UrlRoute("GET", "", responses.choices, public=True),
    UrlRoute("GET", "/versions", responses.versions, public=True),
    UrlRoute("GET", "/v2/images", listing.index),
    UrlRoute("POST", "/v2/images", responses.create),
    UrlRoute("GET", IMAGE, responses.show),
    UrlRoute("PATCH", IMAGE, responses.update),
    UrlRoute("DELETE", IMAGE, responses.delete),
    UrlRoute("PUT", IMAGE + "/file", data.upload),
    UrlRoute("GET", IMAGE + "/file", data.download),
    UrlRoute("PUT", IMAGE + "/stage", data.stage),
    UrlRoute("POST", IMAGE + "/import", data.begin_import),
    UrlRoute("GET", IMAGE + "/tasks", data.image_tasks),
    UrlRoute("PUT", IMAGE + "/tags/{tag}", responses.add_tag),
    UrlRoute("DELETE", IMAGE + "/tags/{tag}", responses.delete_tag),
    UrlRoute("POST", IMAGE + "/actions/deactivate", data.deactivate),
    UrlRoute("POST", IMAGE + "/actions/reactivate", data.reactivate),
    UrlRoute("GET", IMAGE + "/members", data.members),
    UrlRoute("POST", IMAGE + "/members", data.add_member),
    UrlRoute("GET", MEMBER, data.show_member),
    UrlRoute("PUT", MEMBER, data.change_member),
    UrlRoute("DELETE", MEMBER, data.delete_member),
    UrlRoute("GET", "/v2/schemas/{name}", responses.show_schema),
    UrlRoute("GET", "/v2/tasks", data.tasks),
    UrlRoute("GET", "/v2/info/import", data.import_methods),
    UrlRoute("GET", "/v2/info/stores", data.stores),
]

SERVICE = Service(
    name="image",
    types=("image",),
    needs_project=True,
    prefix="/image",
    routes=ROUTES,
    error_body=responses.error_body,
    empty_type="text/html; charset=UTF-8",
    unknown_path=responses.UNKNOWN_PATH,
    quota_status=413,
)
