"""The JSON document of a report: its schema, its inverse, and foreign or damaged files."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

import jsonschema
import pytest

from pytest_osfutures.errors import Attempt
from pytest_osfutures.reports import (
    DocumentError,
    PhaseSpan,
    WaitSpan,
    parse_report,
    parse_span,
    report_document,
    report_json,
    span_document,
)
from tests.unit.reports.samples import BEGAN, failure, large_report, operation, report, resource

SCHEMA = json.loads(
    (resources.files("pytest_osfutures.reports") / "report.schema.json").read_text()
)
OWN = {"process": "100", "worker": "gw0", "test": "test_x.py::test_x"}


def everything() -> Any:
    """Return a report with each kind of span and each odd value that a run can have."""
    return report(
        operation(1),
        failure(2),
        operation(3, "", accepted=None, ended=None, request_id=None, resource_id=None, history=()),
        operation(4, "server.delete", undoes=1, resource_name="\ud800 </script>"),
        WaitSpan(phase="call", began=BEGAN, ended=BEGAN + 1, operations=(1, 2), **OWN),
        PhaseSpan(phase="call", outcome="failed", began=BEGAN, ended=BEGAN + 2, **OWN),
        resources=(resource("id-1", "web", state="gone", gone=BEGAN + 9), resource(None, None)),
        requests=12,
    )


def test_a_report_matches_the_schema_and_is_read_back() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    for found in (everything(), report(), large_report(40)):
        text = report_json(found)
        jsonschema.validate(json.loads(text), SCHEMA)
        assert parse_report(text) == found


def test_the_schema_names_each_field_of_the_document() -> None:
    document = json.loads(report_json(everything()))
    for name, item in SCHEMA["properties"].items():
        found = document[name][0] if isinstance(document[name], list) else document[name]
        if isinstance(found, dict):
            assert set(found) == set(item.get("items", item)["properties"]), name
    assert set(document) == set(SCHEMA["properties"])


def test_a_later_minor_field_is_ignored() -> None:
    document = report_document(everything())
    document["weather"] = document["operations"][0]["weather"] = "fine"
    assert parse_report(json.dumps(document)) == everything()


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        (("version",), 2, "it has version 2 of the format, and this"),
        (("format",), "other", 'it is JSON without `"format": "pytest-osfutures report"`'),
        (("operations", 0, "began"), "soon", "operations[0].began is no finite number"),
        (("operations", 0, "began"), True, "operations[0].began is no finite number"),
        (("operations", 0, "began"), float("nan"), "operations[0].began is no finite number"),
        (("operations", 0, "began"), 10**400, "operations[0].began is no finite number"),
        (("operations", 0, "number"), 1.5, "operations[0].number is no whole number"),
        (("operations", 0, "operation"), None, "operations[0].operation is no text"),
        (("operations", 1, "attempts", 0), 7, "operations[1].attempts[0] is no object"),
        (("operations",), {}, "the report.operations is no list"),
        (("waits", 0), [], "waits[0] is no object"),
        (("run",), None, "the report.run is no object"),
    ],
)
def test_a_damaged_report_is_refused_with_the_place(
    path: tuple[Any, ...], value: object, sentence: str
) -> None:
    document = report_document(everything())
    inner: Any = document
    for each in path[:-1]:
        inner = inner[each]
    inner[path[-1]] = value
    with pytest.raises(DocumentError) as caught:
        parse_report(json.dumps(document))
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "it is no JSON: Expecting value"),
        ("[" * 100_000, "it is no JSON"),
        ("[]", "it is JSON without"),
        ('{"format": "pytest-osfutures report"}', "it has version None"),
        ('{"format": "pytest-osfutures report", "version": 1}', "the report has no run"),
    ],
)
def test_a_foreign_file_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(DocumentError) as caught:
        parse_report(text)
    assert sentence in str(caught.value)


def test_secrets_in_texts_are_hidden() -> None:
    secret = "adminPass=hunter22"
    found = report(
        failure(1, error=secret, attempts=(Attempt(1, None, 1.0, secret),), resource_name=secret),
        resources=(resource("1", secret, note=secret),),
    )
    text = report_json(found)
    assert "hunter22" not in text
    assert text.count("***") == 5


def test_an_operation_that_was_recorded_before_its_end_counts_once() -> None:
    found = report(operation(1, ended=None), operation(1))
    assert [each.ended is None for each in found.operations] == [False]


def test_a_damaged_span_of_a_ledger_is_refused() -> None:
    document = span_document(operation(1))
    assert parse_span(json.loads(json.dumps(document))) == operation(1)
    for name, value in (("kind", "wind"), ("kind", []), ("began", "x"), ("history", [[1]])):
        with pytest.raises(DocumentError):
            parse_span({**document, name: value})
