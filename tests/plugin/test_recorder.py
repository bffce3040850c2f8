"""What a run records: operations, waits and phases of its tests, in every process."""

from __future__ import annotations

import json
from typing import Any

import pytest

DUMP = """
import json
import pytest
from pytest_osfutures.reports import span_document
from pytest_osfutures.plugin.session_end import spans_of_run

@pytest.hookimpl
def pytest_terminal_summary(terminalreporter, config):
    with open("spans.json", "w") as file:
        json.dump([span_document(each) for each in spans_of_run(config)], file)
"""
SUITE = """
def test_web(os_servers):
    os_servers.create_async("web").result()

def test_disk(os_volumes):
    assert os_volumes.create_async(1, "disk").result().status == "lost"
"""


def recorded(pytester: pytest.Pytester, *arguments: str) -> list[dict[str, Any]]:
    """Run the suite and return the documents of the run's spans."""
    pytester.makeconftest(DUMP)
    pytester.makepyfile(test_it=SUITE)
    result = pytester.runpytest("-p", "osfutures", *arguments)
    result.assert_outcomes(passed=1, failed=1)
    spans: list[dict[str, Any]] = json.loads((pytester.path / "spans.json").read_text())
    return spans


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_a_run_records_operations_waits_and_phases(
    pytester: pytest.Pytester, workers: tuple[str, ...]
) -> None:
    spans = recorded(pytester, "--os-cloud", "fake", *workers)
    operations = {(each["test"], each["operation"]) for each in spans if "operation" in each}
    assert operations == {
        ("test_it.py::test_web", "server.create"),
        ("test_it.py::test_web", "server.delete"),
        ("test_it.py::test_disk", "volume.create"),
        ("test_it.py::test_disk", "volume.delete"),
    }
    phases = {(each["test"], each["phase"], each["outcome"]) for each in spans if "outcome" in each}
    assert ("test_it.py::test_disk", "call", "failed") in phases
    assert len(phases) == 6
    waits = {(each["test"], each["phase"]) for each in spans if each["kind"] == "wait"}
    assert {("test_it.py::test_web", "call"), ("test_it.py::test_web", "teardown")} <= waits
    created = next(each for each in spans if each.get("operation") == "server.create")
    deleted = next(each for each in spans if each.get("operation") == "server.delete")
    assert created["began"] <= created["accepted"] <= created["ended"] <= deleted["began"]
    assert deleted["undoes"] == created["number"]
    assert created["history"][-1][1] == "ACTIVE"


def test_workers_record_in_the_ledger_of_the_run(
    pytester: pytest.Pytester, http_cloud: str
) -> None:
    spans = recorded(pytester, "--os-cloud", http_cloud, "-n", "2")
    assert sorted(each["operation"] for each in spans if "operation" in each) == [
        "server.create", "server.delete", "volume.create", "volume.delete",
    ]  # fmt: skip
