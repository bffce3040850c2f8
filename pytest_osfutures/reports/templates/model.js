"use strict";
// The model: rows of the timeline from the document of a report. Nothing here touches the page.

const MAIN = "main process";
const CREATES = /\.(create|create_from_src|manage)$|^image\.(upload|import)$/;
const DELETES = /\.(force_)?delete$/;

/** Return the first and the last moment of a report in seconds since 1970. */
function momentsOf(report) {
  let first = Infinity, last = -Infinity;
  const see = (time) => {
    if (typeof time === "number") {
      first = Math.min(first, time);
      last = Math.max(last, time);
    }
  };
  for (const list of [report.operations, report.waits, report.phases]) {
    for (const each of list) { see(each.began); see(each.ended); }
  }
  for (const each of report.resources) { see(each.began); see(each.bound); see(each.gone); }
  see(report.run.began);
  see(report.run.ended);
  return first <= last ? [first, Math.max(last, first + 0.001)] : [0, 1];
}

/** Return true if an operation has failed and was not given up. */
const hasFailed = (operation) => !["", "CancelledError"].includes(operation.error_type);

const keyOf = (span, number) => JSON.stringify([span.worker, span.process, number]);
const typeOf = (operation) => operation.operation.split(".")[0] || "call";

/** Return the rows of resources: all operations on one resource, and what the ledger knows of it. */
function resourceRows(report, end) {
  const rows = new Map();
  const ofOperation = new Map();
  const rowFor = (type, id, own, span) => {
    const key = id ? `id ${id}` : own; // not by type: an attachment to a server is one of a volume
    if (!rows.has(key)) {
      rows.set(key, {
        kind: "resource", type, id, name: null, worker: span.worker, test: span.test, parts: [],
        operations: [], resource: null, failed: false, retried: false, left: false,
      });
    }
    return rows.get(key);
  };
  for (const each of report.operations) {
    const key = keyOf(each, each.number);
    const undone = each.undoes === null ? null : ofOperation.get(keyOf(each, each.undoes));
    const row = undone || rowFor(typeOf(each), each.resource_id, key, each);
    ofOperation.set(key, row);
    row.operations.push(each);
    row.name = row.name || each.resource_name;
    row.id = row.id || each.resource_id;
    row.failed = row.failed || hasFailed(each);
    const tries = each.attempts.filter((tried) => !tried.busy).length;
    row.retried = row.retried || tries > (each.error_type === "" ? 0 : 1);
  }
  report.resources.forEach((each, index) => {
    const row = rowFor(each.type, each.id, `row ${index}`, each);
    row.resource = each;
    row.name = row.name || each.name;
    row.left = each.state !== "gone";
  });
  for (const row of rows.values()) addParts(row, end);
  return { rows: [...rows.values()], ofOperation };
}

/** Add the parts of a resource's row: what is drawn, oldest first. */
function addParts(row, end) {
  const part = (what, began, ended, more) => {
    row.parts.push({ what, began, ended: Math.max(began, ended), ...more });
  };
  let made = null, deleted = null;
  for (const each of row.operations) {
    const ended = each.ended === null ? end : each.ended;
    const accepted = each.accepted === null ? ended : Math.min(each.accepted, ended);
    // The undo of a call that has left nothing, or that cleans up after a failure, has no name.
    const isDelete = DELETES.test(each.operation) || (each.undoes !== null && each.operation === "");
    const isCreate = CREATES.test(each.operation) && each.undoes === null;
    part(isDelete && each.accepted === null ? "delete" : "submit", each.began, accepted, { operation: each });
    addTries(each, accepted, ended, part);
    if (each.accepted !== null) {
      const what = isDelete ? "delete" : isCreate ? "build" : "change";
      part(what, accepted, ended, { operation: each });
    }
    if (hasFailed(each)) part("fault", ended, ended, { operation: each });
    if (isCreate && !each.error_type && each.ended !== null) made = each.ended;
    if (isDelete) deleted = deleted === null ? each.began : Math.min(deleted, each.began);
  }
  const known = row.resource;
  if (known && made === null && !row.operations.length) {
    const bound = known.bound === null ? known.gone === null ? end : known.gone : known.bound;
    part("submit", known.began, bound, {});
    if (known.bound !== null) made = known.bound;
  }
  if (deleted === null && known) deleted = known.gone === null ? end : known.gone;
  if (made !== null && deleted !== null && deleted > made) part("use", made, deleted, {});
  if (row.left) part("left", end, end, {});
  row.parts.sort((one, other) => one.began - other.began);
  row.began = Math.min(...row.parts.map((each) => each.began));
  row.ended = Math.max(...row.parts.map((each) => each.ended));
}

/**
 * Add the failed tries of an operation. Their lengths are known, the pauses between them only in
 * sum, so the pauses are drawn as equal. The last try of a failed operation ends with it.
 */
function addTries(operation, accepted, ended, part) {
  const tries = operation.attempts;
  if (!tries.length) return;
  const end = operation.error_type ? ended : accepted;
  const spent = tries.reduce((sum, each) => sum + each.seconds, 0);
  const idle = Math.max(0, end - operation.began - spent);
  const gaps = operation.error_type ? tries.length - 1 : tries.length;
  let time = operation.began + (gaps ? 0 : idle);
  for (const each of tries) {
    part("try", time, Math.min(time + each.seconds, Math.max(end, time)), { operation, tried: each });
    time += each.seconds + idle / Math.max(1, gaps);
  }
}

/** Return the rows of tests by the key of worker and test. */
function testRows(report) {
  const rows = new Map();
  const rowFor = (span) => {
    const key = JSON.stringify([span.worker, span.test]);
    if (!rows.has(key)) {
      rows.set(key, {
        kind: "test", worker: span.worker, test: span.test, parts: [], resources: [],
        failed: false, retried: false, left: false, ran: false, began: Infinity, ended: -Infinity,
      });
    }
    return rows.get(key);
  };
  const add = (span, what) => {
    const row = rowFor(span);
    row.parts.push({ what, began: span.began, ended: Math.max(span.began, span.ended), span });
    row.began = Math.min(row.began, span.began);
    row.ended = Math.max(row.ended, span.ended);
    return row;
  };
  for (const each of report.phases) {
    const row = add(each, each.outcome === "failed" ? "failed" : each.phase);
    row.ran = true;
    row.failed = row.failed || each.outcome === "failed";
  }
  for (const each of report.waits) add(each, "wait");
  return { rows, rowFor };
}

/** Return all rows in order: workers, their tests, and the resources of each test. */
function timelineOf(report) {
  const [begin, end] = momentsOf(report);
  const { rows: resources, ofOperation } = resourceRows(report, end);
  const { rows: tests, rowFor } = testRows(report);
  for (const each of resources) {
    const test = rowFor(each);
    test.resources.push(each);
    if (!test.ran) {
      test.began = Math.min(test.began, each.began);
      test.ended = Math.max(test.ended, each.ended);
    }
  }
  const order = { "try": 2, fault: 3, left: 3, wait: 1, use: -1 };
  const workers = new Map();
  for (const test of [...tests.values()].sort((one, other) => one.began - other.began)) {
    test.resources.sort((one, other) => one.began - other.began);
    test.parts.sort((one, other) => one.began - other.began);
    if (!workers.has(test.worker)) {
      workers.set(test.worker, { kind: "worker", worker: test.worker, tests: [], parts: [] });
    }
    workers.get(test.worker).tests.push(test);
  }
  const names = [...workers.keys()].sort(new Intl.Collator("en", { numeric: true }).compare);
  for (const row of [...tests.values(), ...resources]) {
    row.parts.sort((one, other) => (order[one.what] || 0) - (order[other.what] || 0) || one.began - other.began);
    row.text = searchText(row);
  }
  return { begin, end, workers: names.map((name) => workers.get(name)), resources, ofOperation };
}

/** Return the text in which the filter searches. */
function searchText(row) {
  const words = [row.test, row.type, row.name, row.id];
  for (const each of row.operations || []) {
    words.push(each.operation, each.resource_id, each.request_id, each.error_type, each.error);
    for (const tried of each.attempts) words.push(tried.resource_id, tried.why);
  }
  if (row.resource) words.push(row.resource.state, row.resource.note);
  return words.filter(Boolean).join("\n").toLowerCase();
}

/** Return the rows that a filter leaves: { text, failed, type, worker }; "" stands for all. */
function filteredRows(timeline, filter) {
  const text = filter.text.trim().toLowerCase();
  const isBad = (row) => row.failed || row.retried || row.left;
  const rows = [];
  for (const worker of timeline.workers) {
    if (filter.worker !== "" && filter.worker !== (worker.worker || MAIN)) continue;
    const before = rows.length;
    for (const test of worker.tests) {
      const testMatches = test.text.includes(text);
      const testFailed = !filter.failed || test.failed;
      const found = test.resources.filter((each) =>
        (testMatches || each.text.includes(text)) && (testFailed || isBad(each)) &&
        (filter.type === "" || filter.type === each.type));
      if (found.length || (testMatches && testFailed && filter.type === "")) rows.push(test, ...found);
    }
    if (rows.length > before) rows.splice(before, 0, worker);
  }
  return rows;
}

/** Return the numbers of servers and of all resources over time, as steps [time, servers, all]. */
function countsOverTime(timeline) {
  const events = [];
  for (const row of timeline.resources) {
    const alive = row.parts.filter((each) => ["build", "use", "delete"].includes(each.what));
    if (!alive.length) continue;
    const server = row.type === "server" ? 1 : 0;
    events.push([Math.min(...alive.map((each) => each.began)), server, 1]);
    events.push([Math.max(...alive.map((each) => each.ended)), -server, -1]);
  }
  events.sort((one, other) => one[0] - other[0]);
  let servers = 0, all = 0;
  return events.map(([time, server, one]) => [time, servers += server, all += one]);
}
