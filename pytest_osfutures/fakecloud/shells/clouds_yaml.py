"""A clouds.yaml for a fake cloud, with the clouds `fake` (role member) and `fake-admin`."""

from __future__ import annotations

from pytest_osfutures.fakecloud.services.identity import PASSWORD, REGION

ENTRY = """\
  {name}:
    auth:
      auth_url: {auth_url}
      username: {user}
      password: {password}
      project_name: {user}
      user_domain_id: default
      project_domain_id: default
    region_name: {region}
    identity_api_version: 3
"""


def text(auth_url: str) -> str:
    """Return the content of a clouds.yaml for the cloud whose Keystone has the URL `auth_url`."""
    entries = [
        ENTRY.format(name=name, auth_url=auth_url, user=user, password=PASSWORD, region=REGION)
        for name, user in (("fake", "demo"), ("fake-admin", "admin"))
    ]
    return "clouds:\n" + "".join(entries)
