"""An unused plugin loads nothing of OpenStack, and the fixtures document themselves."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from pytest_osfutures.scopes import factories
from pytest_osfutures.scopes.factories.base import Factory
from pytest_osfutures.scopes.factories.shared import SharedFactory

HEAVY = ("requests", "keystoneauth1", "novaclient", "cinderclient", "openstack", "yaml")


def test_unrelated_suite_loads_nothing_of_openstack(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        f"""
        import sys

        def test_loaded(pytestconfig):
            assert pytestconfig.pluginmanager.hasplugin("osfutures")
            assert not set({HEAVY!r}) & set(sys.modules)
        """
    )
    pytester.runpytest_subprocess().assert_outcomes(passed=1)


def test_pytest_version_loads_nothing_of_openstack() -> None:
    code = (
        "import pytest, sys; pytest.main(['--version']);"
        f"sys.exit(', '.join(set({HEAVY!r}) & set(sys.modules)) or None)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


def test_plugin_can_be_disabled(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_x(os_cloud): pass")
    result = pytester.runpytest_subprocess("-p", "no:osfutures")
    result.stdout.fnmatch_lines(["*fixture 'os_cloud' not found*"])


def test_fixtures_are_listed_with_their_documentation(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_subprocess("--fixtures")
    result.stdout.fnmatch_lines(["os_cloud *", "*Return the cloud under test*"])
    result.stdout.fnmatch_lines(["os_servers *", "*Create servers, which are deleted at the end*"])
    result.stdout.fnmatch_lines(["os_servers_shared *", "*Create servers once for all workers*"])
    listed = result.stdout.str()
    for name in dir(factories):
        if not issubclass(getattr(factories, name), Factory | SharedFactory):
            continue  # the protocol of a resource
        fixture = "os_" + re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
        if fixture.startswith("os_shared_"):
            assert f"{fixture.replace('_shared', '')}_shared " in listed
            continue
        for end in ("", "_class", "_module", "_session"):
            assert f"{fixture}{end} " in listed
