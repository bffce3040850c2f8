"""`osfutures report`: ledgers and JSON files, comparisons, and bad input."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from pytest_osfutures.cleanup import Ledger, ProcessLock, ledger_path
from pytest_osfutures.commands.main import main
from pytest_osfutures.reports import Report, parse_report, span_document, write_report
from pytest_osfutures.stamp import Stamp
from tests.unit.reports.samples import failure, operation, report

RUN = "00112233aabbccdd"


@pytest.fixture
def killed(tmp_path: Path) -> Path:
    """Return the ledger of a run that was killed while a server existed and another was built."""
    path = ledger_path(tmp_path, RUN)
    ledger = Ledger(path, RUN)
    ledger.join()
    ledger.describe("devstack", "http://127.0.0.1:9/v3", "4711")
    ledger.test = "test_web.py::test_web"
    for number, name in ((1, "web"), (2, "db")):
        record = ledger.record(Stamp(RUN, f"{number:016x}", 1_900_000_000))
        record.intended("server", name)
        if number == 1:
            record.bound("id-1")
    documents = [json.dumps(span_document(each)) for each in (operation(1), failure(3))]
    ledger.add_spans([*documents, "{}", "no JSON", "[" * 100_000])
    ledger.close()
    return path


def saved(path: Path, found: Report) -> str:
    """Write a report and return the path."""
    write_report(found, path)
    return str(path)


def test_a_ledger_of_a_killed_run_shows_what_ended_and_what_is_left(
    killed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path.name: path.read_bytes() for path in killed.parent.iterdir()}
    assert main(["report", str(killed)]) == 0
    said = capsys.readouterr().out
    assert f"run {RUN} of cloud devstack" in said
    assert ", killed, began" in said
    assert "server.create      2  6.00 s" in said
    assert "server.create of 'web-3' (id-3) of test_web.py::test_web: ObjectCreationError" in said
    assert "server 'web' (id-1) of test_web.py::test_web: not deleted" in said
    assert "server 'db' of test_web.py::test_web: requested, its id is not known" in said
    after = {path.name: path.read_bytes() for path in killed.parent.iterdir()}
    assert before == after


def test_a_run_is_found_by_its_id_and_written_as_html_and_json(
    killed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["--run", RUN, "--os-ledger", str(killed.parent)]
    for name in ("run.html", "run.JSON"):
        assert main(["report", *where, "-o", str(tmp_path / name)]) == 0
        assert f"report in {tmp_path / name}" in capsys.readouterr().out
    assert parse_report((tmp_path / "run.JSON").read_text()).run.state == "killed"
    assert "<!DOCTYPE html>" in (tmp_path / "run.html").read_text()
    assert main(["report", *where, "--json"]) == 0
    found = parse_report(capsys.readouterr().out)
    assert [each.state for each in found.resources] == ["bound", "intent"]
    assert len(found.operations) == 2


def test_a_run_with_a_living_process_is_running(
    killed: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # A process sees its own locks as free, so the lock of a living one is not made here.
    monkeypatch.setattr(ProcessLock, "is_free", lambda _: False)
    assert main(["report", str(killed), "--json"]) == 0
    assert parse_report(capsys.readouterr().out).run.state == "running"


def test_a_worse_run_fails_with_the_option(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = saved(tmp_path / "a.json", report(*(operation(n, seconds=6 + n / 9) for n in range(6))))
    two = saved(tmp_path / "b.json", report(*(operation(n, seconds=12 + n / 9) for n in range(6))))
    assert main(["report", one, two]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "slower: server.create"
    assert main(["report", one, two, "--fail"]) == 1
    assert main(["report", two, one, "--fail"]) == 0
    assert main(["report", one, two, "--fail", "--threshold", "200"]) == 0
    capsys.readouterr()
    assert main(["report", one, two, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["is_worse"] is True
    assert main(["report", one, two, "--fail", "-o", str(tmp_path / "c.json")]) == 1
    document = json.loads((tmp_path / "c.json").read_text())
    assert document["format"] == "pytest-osfutures comparison"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "0 files were given; give one ledger or JSON report (or --run ID), or two"),
        (["a.json", "a.json", "a.json"], "3 files were given"),
        (["none.json"], "none.json cannot be read: No such file or directory"),
        (["."], " cannot be read: Is a directory"),
        (["text.txt"], "text.txt is neither a ledger nor a JSON report of `pytest --os-report`: "),
        (["bytes"], "bytes is neither a ledger nor a JSON report of `pytest --os-report`: it is "),
        (["other.sqlite"], "other.sqlite cannot be read: it is no ledger, as it has no table"),
        (["old.sqlite"], "old.sqlite cannot be read: not enough values to unpack"),
        (["cut.sqlite"], "cut.sqlite cannot be read: "),
        (["--run", "f" * 16, "--os-ledger", "."], f"no ledger of run {'f' * 16} in "),
        (["a.json", "--fail"], "--fail is for two runs, but one file was given"),
        (["a.json", "--threshold", "9"], "--threshold is for two runs, but one file was given"),
        (["a.json", "a.json", "-o", "x.html"], "x.html: a comparison is written to a .json file"),
        (["a.json", "-o", "none/x.json"], "x.json cannot be written: No such file or directory"),
    ],
)
def test_bad_input_is_one_sentence(
    arguments: list[str],
    sentence: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    saved(tmp_path / "a.json", report())
    (tmp_path / "text.txt").write_text("no report")
    (tmp_path / "bytes").write_bytes(bytes(range(256)))
    with sqlite3.connect(tmp_path / "other.sqlite") as other:
        other.execute("CREATE TABLE pictures(name TEXT)")
    other.close()
    Ledger(tmp_path / "old.sqlite", RUN).close()
    with sqlite3.connect(tmp_path / "old.sqlite") as old:
        old.execute("ALTER TABLE run DROP COLUMN host")
        old.execute("INSERT INTO run(run) VALUES ('x')")
    old.close()
    (tmp_path / "cut.sqlite").write_bytes((tmp_path / "other.sqlite").read_bytes()[:3000])
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert main(["report", *arguments]) == 2
    said = capsys.readouterr().err
    assert said.startswith("osfutures report: ")
    assert sentence in said
    assert said.count("\n") == 1
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["a.json", "-o", "x.pdf"], "'x.pdf' is no name of a file that ends in .html or .json"),
        (["a.json", "--threshold", "much"], "'much' is not a number of percent of 0 or more"),
        (["a.json", "--threshold", "nan"], "'nan' is not a number of percent of 0 or more"),
        (["a.json", "--threshold=-1"], "'-1' is not a number of percent of 0 or more"),
        (["a.json", "--json", "-o", "x.json"], "not allowed with argument --json"),
        (["--run", "xyz"], "'xyz' is no run's id: 16 hexadecimal digits"),
    ],
)
def test_bad_values_of_options_are_one_sentence(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["report", *arguments])
    assert caught.value.code == 2
    assert sentence in capsys.readouterr().err.splitlines()[-1]


def test_a_copied_ledger_without_its_log_tells_what_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger = Ledger(ledger_path(tmp_path, RUN), RUN)
    ledger.join()  # as long as the ledger is open, its rows are in the file beside it
    assert ledger.path is not None
    lone = tmp_path / "copy" / ledger.path.name
    lone.parent.mkdir()
    lone.write_bytes(ledger.path.read_bytes())
    ledger.close()
    assert main(["report", str(lone)]) == 2
    said = capsys.readouterr().err
    assert f"(a copy of a ledger needs the file {lone.name}-wal beside it)" in said
