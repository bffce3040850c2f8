"""The fake imports its HTTP libraries lazily."""

from __future__ import annotations

import subprocess
import sys

LAZY = {"aiohttp", "keystoneauth1", "requests"}
MODULES = ("", ".cloud", ".control", ".shells.command", ".shells.inprocess", ".shells.server")


def test_http_libraries_are_imported_lazily() -> None:
    names = ", ".join(f"pytest_osfutures.fakecloud{module}" for module in MODULES)
    code = f"import sys; import {names}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = done.stdout.split()
    assert "pytest_osfutures.fakecloud.shells.server" in loaded
    assert not LAZY & set(loaded)
