"""Runs of pytest within pytest, on a machine that knows no cloud."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def no_clouds(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Hide the clouds of whoever runs these tests."""
    for name in [name for name in os.environ if name.startswith("OS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


@pytest.fixture
def clouds(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A clouds.yaml with a cloud where nobody answers."""
    path = tmp_path / "clouds.yaml"
    path.write_text(
        "clouds:\n"
        "  devstack:\n"
        "    auth: {auth_url: 'http://127.0.0.1:9/v3', username: u, password: p, project_name: p,\n"
        "           user_domain_id: default, project_domain_id: default}\n"
        "  production:\n"
        "    auth: {auth_url: 'http://127.0.0.1:9/v3', username: u, password: p, project_name: p,\n"
        "           user_domain_id: default, project_domain_id: default}\n"
    )
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(path))
    return path
