"""`--os-report`: the files of a run, their checks at its start, and what they tell."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from pytest_osfutures.reports import Report, parse_report

SUITE = """
def test_web(os_servers):
    os_servers.create_async("web").result()

def test_disk(os_volumes):
    assert os_volumes.create_async(1, "disk").result().status == "lost"
"""


def usage_error(pytester: pytest.Pytester, *arguments: str) -> str:
    """Return the line with the usage error of a run."""
    pytester.makepyfile(test_it=SUITE)
    result = pytester.runpytest_inprocess("-p", "osfutures", "--os-cloud=fake", *arguments)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    text = result.stderr.str() + result.stdout.str()
    assert "Traceback" not in text
    return [line for line in text.splitlines() if "rror: " in line or "ERROR: " in line][-1]


def reported(pytester: pytest.Pytester, *arguments: str) -> Report:
    """Run the suite and return the report of the file run.json."""
    pytester.makepyfile(test_it=SUITE)
    result = pytester.runpytest_inprocess("-p", "osfutures", *arguments)
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines([f"osfutures: report in {pytester.path / 'run.json'}"])
    return parse_report((pytester.path / "run.json").read_text())


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_a_run_writes_all_its_reports(pytester: pytest.Pytester, workers: tuple[str, ...]) -> None:
    files = "--os-report=run.json", "--os-report=new/run.html", "--os-report=run.json"
    found = reported(pytester, "--os-cloud=fake", *files, *workers)
    assert sorted(each.operation for each in found.operations) == [
        "server.create", "server.delete", "volume.create", "volume.delete",
    ]  # fmt: skip
    assert len(found.phases) == 6
    assert found.run.state == "ended"
    assert {each.worker for each in found.phases} <= ({"gw0", "gw1"} if workers else {""})
    assert found.run.requests is not None
    assert found.run.requests >= len(found.operations)
    if not workers:
        assert {each.state for each in found.resources} == {"gone"}
    page = (pytester.path / "new" / "run.html").read_text()
    assert "server.create" in page
    assert not list(pytester.path.glob(".run*"))


def test_the_ledger_of_the_run_gives_its_resources(
    pytester: pytest.Pytester, http_cloud: str
) -> None:
    found = reported(pytester, "--os-cloud", http_cloud, "--os-report=run.json")
    rows = {(each.type, each.name, each.state) for each in found.resources}
    assert rows == {("server", "web", "gone"), ("volume", "disk", "gone")}
    assert found.run.cloud == http_cloud
    assert not list(Path.home().rglob("*.sqlite"))  # a clean run removes its ledger


def test_the_ini_option_has_a_file_on_each_line(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nos_report =\n    run.json\n    out/a b.html\n")
    reported(pytester, "--os-cloud=fake")
    assert (pytester.path / "out" / "a b.html").exists()


def test_a_run_without_resources_has_a_report_and_a_collection_has_none(
    pytester: pytest.Pytester,
) -> None:
    pytester.makepyfile("def test_x(): pass")
    result = pytester.runpytest_inprocess("-p", "osfutures", "--os-report=run.json", "--co")
    assert not (pytester.path / "run.json").exists()
    result = pytester.runpytest_inprocess("-p", "osfutures", "--os-report=run.json")
    result.assert_outcomes(passed=1)
    assert parse_report((pytester.path / "run.json").read_text()).operations == ()


def test_an_interrupted_run_has_a_report(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest

        def test_web(os_servers):
            os_servers.create_async("web").result()
            pytest.exit("no more")
        """
    )
    pytester.runpytest_inprocess("-p", "osfutures", "--os-cloud=fake", "--os-report=run.json")
    found = parse_report((pytester.path / "run.json").read_text())
    assert "server.create" in {each.operation for each in found.operations}


@pytest.mark.parametrize("given", ["run.xml", "run", "", "html", "run.html.gz"])
def test_an_unknown_suffix_is_refused(pytester: pytest.Pytester, given: str) -> None:
    text = usage_error(pytester, f"--os-report={given}")
    assert f"{given!r} is no name of a file that ends in .html or .json" in text


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ("test_it.py/run.json", "run.json cannot be written: [Errno "),
        ("folder.html", "folder.html cannot be written: "),
        ("/proc/none/run.json", "/proc/none/run.json cannot be written: [Errno 2]"),
        ("~nobody-of-that-name/run.json", "--os-report: "),
    ],
)
def test_a_place_that_cannot_be_written_is_refused_at_the_start(
    pytester: pytest.Pytester, given: str, sentence: str
) -> None:
    pytester.mkdir("folder.html")
    text = usage_error(pytester, f"--os-report={given}")
    assert text.startswith("ERROR: --os-report: ")
    assert sentence in text


def test_a_bad_value_in_the_ini_file_names_the_ini_option(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nos_report =\n    run.json\n    run.xml\n")
    assert "ini option os_report: 'run.xml' is no name of a file" in usage_error(pytester)
    pytester.makeini("[pytest]\nos_report = test_it.py/run.json\n")
    assert "ERROR: ini option os_report: " in usage_error(pytester)


def test_html_without_jinja2_is_refused_at_the_start(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "jinja2", None)
    text = usage_error(pytester, "--os-report=run.html")
    assert "an HTML report needs jinja2, which is not installed: pip install 'pytest-" in text


def test_a_file_that_can_no_longer_be_written_is_named_at_the_end(
    pytester: pytest.Pytester,
) -> None:
    pytester.makepyfile(
        """
        import pathlib, shutil
        def test_x():
            shutil.rmtree("out")
            pathlib.Path("out").write_text("")
        """
    )
    result = pytester.runpytest_inprocess("-p", "osfutures", "--os-report=out/run.json")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["osfutures: the report */out/run.json cannot be written: *"])


def test_secrets_do_not_reach_the_report(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        def test_x(os_servers):
            os_servers.create_async("x", flavor="m1.huge", admin_pass="hunter-22").result()
        """
    )
    pytester.runpytest_inprocess(
        "-p", "osfutures", "--os-cloud=fake", "--os-report=run.json", "--os-report=run.html"
    )
    for name in ("run.json", "run.html"):
        text = (pytester.path / name).read_text()
        assert "No valid host was found" in text
        assert "hunter-22" not in text
    assert json.loads((pytester.path / "run.json").read_text())["operations"][0]["attempts"]


def test_refused_calls_have_the_name_of_their_operation(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        from pytest_osfutures.fakecloud import Fault

        def test_refused(os_cloud, os_servers, os_volumes):
            volume = os_volumes.create_async(size=-1)
            os_cloud.fake.faults.add(Fault("status", method="POST", path="/servers$", status=400))
            server = os_servers.create_async("x")
            assert server.exception() and volume.exception()
        """
    )
    result = pytester.runpytest_inprocess(
        "-p", "osfutures", "--os-cloud=fake", "--os-report=run.json"
    )
    result.assert_outcomes(passed=1)
    found = parse_report((pytester.path / "run.json").read_text())
    failed = {each.operation: each.accepted for each in found.operations if each.error_type}
    assert failed == {"server.create": None, "volume.create": None}
