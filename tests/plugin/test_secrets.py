"""Reports, junit files and captured logs show no secret of a request."""

from __future__ import annotations

import pytest

from tests.plugin.test_factories import run

TEXT = """
import base64, json, logging
import pytest
from pytest_osfutures.fakecloud import Fault

WORD = "hunter%d" % 2
SECRETS = {"admin_pass": WORD + "-pass", "userdata": WORD + "-data"}
ECHO = "not valid: " + repr({"server": {"adminPass": WORD + "-pass", "name": "web"}}) + (
    f" {WORD}-data " + base64.b64encode(f"{WORD}-data".encode()).decode()
)

def refuse(os_cloud):
    fault = Fault("status", "compute", "POST", "/servers$", status=400, message=ECHO)
    os_cloud.fake.faults.add(fault)

def test_plain(os_cloud, os_servers):
    refuse(os_cloud)
    os_servers.create_async("web", **SECRETS).result()

def test_retried(os_cloud, os_servers):
    refuse(os_cloud)
    nova = os_cloud.nova
    what = {"image": nova.glance.list()[0], "flavor": nova.flavors.list()[0], "nics": "none"}
    nova.servers.create_async_r("web", **what, **SECRETS).result()

def test_answered(os_cloud, os_servers):
    os_cloud.fake.faults.clear()
    os_servers.create_async("web", **SECRETS).result()
    logging.getLogger().debug("a line of the test")
    assert 0
"""


def test_reports_junit_and_logs_have_no_secret(pytester: pytest.Pytester) -> None:
    result = run(pytester, TEXT, "--log-level=debug", "--junitxml=junit.xml", "-ojunit_logging=all")
    result.assert_outcomes(failed=3)
    junit = (pytester.path / "junit.xml").read_text()
    everything = result.stdout.str() + result.stderr.str() + junit
    assert "a line of the test" in everything
    assert "not valid: " in everything
    assert "hunter2" not in everything
    assert "aHVudGVyMi1kYXRh" not in everything
