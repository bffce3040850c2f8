"""The sqlite file of a ledger, opened by several processes at once."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

from pytest_osfutures.cleanup import sql
from pytest_osfutures.cleanup.database import Database


def test_a_new_file_waits_for_another_that_opens_it_too(tmp_path: Path) -> None:
    path = tmp_path / "run.sqlite"
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("CREATE TABLE something(name TEXT)")
    other.execute("BEGIN IMMEDIATE")  # as in the middle of its tables
    other.execute("INSERT INTO something VALUES ('x')")
    with ThreadPoolExecutor() as pool:
        opened = pool.submit(Database, path, sql.TABLES)
        assert wait([opened], timeout=0.3).not_done
        other.execute("COMMIT")
        database = opened.result()
    assert database.connection.execute("PRAGMA journal_mode").fetchall() == [("wal",)]
    database.close()
    other.close()
