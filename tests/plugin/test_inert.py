"""Whoever does not use the plugin does not pay for it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from pytest_osfutures.plugin.fixtures import FACTORIES

HEAVY = ("requests", "keystoneauth1", "novaclient", "cinderclient", "openstack", "yaml")


def test_an_unrelated_suite_loads_nothing_of_openstack(pytester: pytest.Pytester) -> None:
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


def test_the_plugin_can_be_left_out(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_x(os_cloud): pass")
    result = pytester.runpytest_subprocess("-p", "no:osfutures")
    result.stdout.fnmatch_lines(["*fixture 'os_cloud' not found*"])


def test_the_fixtures_document_themselves(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_subprocess("--fixtures")
    result.stdout.fnmatch_lines(["os_cloud *", "*The cloud under test*"])
    result.stdout.fnmatch_lines(["os_servers *", "*A factory of servers*"])
    result.stdout.fnmatch_lines(["os_servers_shared *", "*A factory of servers that all workers*"])
    said = result.stdout.str()
    for name in FACTORIES:
        for end in ("", "_class", "_module", "_session"):
            assert f"{name}{end} " in said
