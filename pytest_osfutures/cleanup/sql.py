"""All larger SQL statements of the ledger. Children are rows of another type than the first one."""

from __future__ import annotations

from pytest_osfutures.operations import OWNED_TYPES, VOLUME

TABLES = """
CREATE TABLE IF NOT EXISTS run(
    run TEXT PRIMARY KEY, host TEXT, cloud TEXT, auth_url TEXT, project TEXT, started REAL,
    state TEXT, ended REAL);
CREATE TABLE IF NOT EXISTS processes(name TEXT PRIMARY KEY, worker TEXT, started REAL);
CREATE TABLE IF NOT EXISTS resources(
    operation TEXT, kind TEXT, name TEXT, id TEXT, process TEXT, worker TEXT, test TEXT,
    state TEXT, tries INTEGER, intended REAL, bound REAL, gone REAL, expires INTEGER, note TEXT,
    part INTEGER DEFAULT 0, PRIMARY KEY(operation, part));
CREATE INDEX IF NOT EXISTS by_id ON resources(id);
CREATE TABLE IF NOT EXISTS steps(time REAL, text TEXT);
CREATE TABLE IF NOT EXISTS shared(
    name TEXT PRIMARY KEY, arguments TEXT, creator TEXT, state TEXT, operation TEXT, id TEXT,
    error TEXT);
CREATE TABLE IF NOT EXISTS facts(name TEXT PRIMARY KEY, value TEXT);
CREATE TABLE IF NOT EXISTS spans(process TEXT, document TEXT);
CREATE TABLE IF NOT EXISTS holders(name TEXT, process TEXT, PRIMARY KEY(name, process));
"""

ADD_RUN = "INSERT OR IGNORE INTO run VALUES (?, ?, '', '', '', ?, 'running', NULL)"
ADD_PROCESS = "INSERT OR REPLACE INTO processes VALUES (?, ?, ?)"

# Resources

#: Adds the rows of one operation, or begins their next try; adds none over the server limit.
INTEND = """
INSERT INTO resources(
    operation, kind, name, process, worker, test, state, tries, intended, expires, part)
WITH RECURSIVE parts(part) AS (SELECT 0 UNION ALL SELECT part + 1 FROM parts WHERE part + 1 < ?9)
SELECT ?1, ?2, CASE WHEN ?9 > 1 THEN ?3 || '-' || (part + 1) ELSE ?3 END,
    ?4, ?5, ?6, 'intent', 1, ?7, ?8, part FROM parts
WHERE ?10 IS NULL OR ?10 >= ?9 + (SELECT count(*) FROM resources
    WHERE kind = 'server' AND state IN ('intent', 'bound') AND operation <> ?1)
ON CONFLICT(operation, part) DO UPDATE SET
    state = 'intent', tries = tries + 1, id = NULL, gone = NULL, intended = excluded.intended
"""
BIND = "UPDATE resources SET state = 'bound', id = ?, bound = ? WHERE operation = ? AND part = ?"
#: Closes the rows of resources that a request asked for and the service did not make.
CLOSE_UNMADE = """
UPDATE resources SET state = 'gone', gone = ?
WHERE operation = ? AND part >= ? AND state = 'intent'
"""
ASSIGN = """
UPDATE resources SET test = ? WHERE operation IN (SELECT operation FROM resources WHERE id = ?)
"""
GONE = "UPDATE resources SET state = 'gone', gone = ? WHERE id = ? AND kind = ?"
#: Keeps a resource and its children.
KEEP = """
UPDATE resources SET
    state = 'kept', note = CASE WHEN kind = ?2 THEN coalesce(?3, note) ELSE note END
WHERE id = ?1 AND kind = ?2 OR kind <> ?2 AND state = 'bound'
    AND operation IN (SELECT operation FROM resources WHERE id = ?1 AND kind = ?2)
"""
#: Sets the state of one part, or of all parts that are no children.
SET_STATE = """
UPDATE resources SET state = ?1, note = ?2, gone = CASE ?3 WHEN 'gone' THEN ?4 END
WHERE operation = ?5 AND part = coalesce(?6, part) AND (?6 IS NOT NULL OR kind =
    (SELECT kind FROM resources WHERE operation = ?5 ORDER BY part LIMIT 1))
"""
#: Adds a child beside its parent's row.
ADD_CHILD = """
INSERT INTO resources(operation, kind, name, id, process, worker, test, state, tries, intended,
    bound, expires, part)
SELECT operation, ?1, '', ?2, process, worker, test,
    CASE state WHEN 'kept' THEN 'kept' ELSE 'bound' END, 1, ?3, ?3, expires,
    (SELECT max(part) + 1 FROM resources WHERE operation = ?4)
FROM resources WHERE operation = ?4 AND NOT EXISTS (SELECT 1 FROM resources WHERE id = ?2)
ORDER BY part LIMIT 1
"""
MARK_UNSTAMPED = "INSERT OR REPLACE INTO facts VALUES (?, 'unmarked')"
UNSTAMPED = "SELECT name FROM facts WHERE value = 'unmarked'"

_CINDER_TYPES = ", ".join(
    f"'{each.name}'" for each in OWNED_TYPES.values() if each.service == VOLUME.service
)
#: Finds a resource of another process that counts against the quota of an operation, and that this
#: process does not share. Cinder has one quota of gigabytes for volumes, snapshots and backups.
OTHERS_IN_QUOTA = f"""
SELECT 1 FROM resources AS other, resources AS own
WHERE other.state = 'bound' AND other.process <> ?1 AND own.operation = ?2
    AND (other.kind = own.kind OR other.kind IN ({_CINDER_TYPES}) AND own.kind IN ({_CINDER_TYPES}))
    AND other.operation NOT IN
        (SELECT operation FROM shared JOIN holders USING (name) WHERE process = ?1)
LIMIT 1
"""  # noqa: S608 - constants of this package

# Shared resources

#: Restores the invariants of shared resources after a change of the holders.
RESTORE_SHARED = (
    # The creator is a holder; otherwise the next process that claims the resource creates it.
    """UPDATE shared SET creator = NULL, operation = NULL WHERE state = 'creating' AND NOT EXISTS
        (SELECT 1 FROM holders WHERE name = shared.name AND process = shared.creator)""",
    # The rows of a created resource belong to a holder, and to no test any more.
    """UPDATE resources SET test = '', (process, worker) = (
        SELECT process, processes.worker FROM holders
        JOIN shared USING (name) JOIN processes ON processes.name = process
        WHERE shared.operation = resources.operation LIMIT 1)
    WHERE operation IN (
            SELECT operation FROM shared JOIN holders USING (name) WHERE state = 'there')
        AND process NOT IN (SELECT process FROM holders JOIN shared USING (name)
            WHERE shared.operation = resources.operation)""",
    "DELETE FROM shared WHERE name NOT IN (SELECT name FROM holders)",
)
SHARED = "SELECT arguments, creator, state, id, error FROM shared WHERE name = ?"
ADD_HOLDER = "INSERT OR IGNORE INTO holders VALUES (?, ?)"
ADD_SHARED = """
INSERT OR REPLACE INTO shared(name, arguments, creator, state) VALUES (?, ?, ?, 'creating')
"""
END_CREATION = """
UPDATE shared SET state = ?, id = ?, error = ?
WHERE name = ? AND creator = ? AND state = 'creating'
"""


def placeholders(count: int) -> str:
    """Return question marks for `count` values, separated by commas."""
    return ", ".join("?" * count)
