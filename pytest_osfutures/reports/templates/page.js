// The page: filter, zoom, pan, pointer, keyboard, and the details of a row.

const find = (id) => document.getElementById(id);

/** Return an element with a text, or with other elements. */
function element(name, content, className) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (Array.isArray(content)) made.append(...content);
  else if (content !== undefined) made.textContent = content;
  return made;
}

/** Write a moment: since the beginning of the run, and in UTC. */
function momentText(timeline, time) {
  if (time === null) return "-";
  const since = clockText(time - timeline.begin, 0.01);
  const date = new Date(time * 1000);
  return isNaN(date) ? since : `${since} (${date.toISOString().replace("T", " ").replace("Z", " UTC")})`;
}

const durationText = (began, ended) => (began === null || ended === null ? "-" : clockText(ended - began, 0.01));

const counted = (number, noun) => `${number} ${noun}${number === 1 ? "" : "s"}`;

/** Return the details of one operation. */
function operationDetails(timeline, each, most) {
  const list = element("dl");
  const add = (title, text) => {
    if (text !== null && text !== "") list.append(element("dt", title), element("dd", [element("bdi", String(text))]));
  };
  add("called", momentText(timeline, each.began));
  if (each.accepted !== null) add("accepted", `${momentText(timeline, each.accepted)}, after ${durationText(each.began, each.accepted)}`);
  add("done", each.ended === null ? "not ended" : `${momentText(timeline, each.ended)}, after ${durationText(each.accepted === null ? each.began : each.accepted, each.ended)}`);
  const states = each.history.map((seen) =>
    `${seen.status}${seen.task_state ? `/${seen.task_state}` : ""} at ${clockText(seen.time - timeline.begin, 0.01)}`);
  if (states.length > most) states.splice(most - 1, states.length - most, `… ${states.length - most} more …`);
  add("history", states.join(", "));
  for (const tried of each.attempts.slice(0, most)) {
    add(`try ${tried.number} ${tried.busy ? "found the resource busy" : "failed"}`, `after ${clockText(tried.seconds, 0.01)}: ${tried.why}${tried.resource_id ? ` (${tried.resource_id})` : ""}`);
  }
  if (each.error_type) add("error", `${each.error_type}: ${each.error}`);
  add("request id", each.request_id);
  return [element("h4", each.operation || "call (no request was accepted)"), list];
}

/** Return the details of a row: `most` bounds the lists. */
function rowDetails(timeline, row, most) {
  if (row.kind === "worker") return [element("h3", labelOf(row)), element("p", counted(row.tests.length, "test"))];
  const title = element("h3", [element("bdi", row.kind === "test" ? labelOf(row) : `${row.type} ${row.name || ""}`)]);
  const list = element("dl");
  const add = (term, text) => list.append(element("dt", term), element("dd", [element("bdi", text)]));
  if (row.kind === "test") {
    for (const each of row.parts.filter((part) => part.what !== "wait").slice(0, most)) {
      add(`${each.span.phase}: ${each.span.outcome}`, `${momentText(timeline, each.began)}, ${durationText(each.began, each.ended)}`);
    }
    const waits = row.parts.filter((part) => part.what === "wait");
    const waited = waits.reduce((sum, each) => sum + each.ended - each.began, 0);
    add("waits", waits.length ? `${waits.length}, ${clockText(waited, 0.01)} in all` : "none");
    add("resources", String(row.resources.length));
    return [title, list];
  }
  if (row.id) add("id", row.id);
  add("test", row.test || "session");
  if (row.resource) {
    const known = row.resource;
    const end = known.gone === null ? known.note || "" : `, at ${momentText(timeline, known.gone)}`;
    add("in the ledger", `${known.state}${known.gone === null && end ? `: ${end}` : end}`);
  }
  const operations = row.operations.slice(0, most).flatMap((each) => operationDetails(timeline, each, most));
  return [title, list, ...operations];
}

/** Return what is known of one wait of a test. */
function waitDetails(timeline, part) {
  const { span } = part;
  const text = `${durationText(part.began, part.ended)}, from ${momentText(timeline, part.began)}`;
  const names = span.operations.slice(0, 12).map((number) => {
    const row = timeline.ofOperation.get(keyOf(span, number));
    return element("li", [element("bdi", row ? labelOf(row) : `operation ${number}`)]);
  });
  const more = span.operations.length > 12 ? [element("li", `and ${span.operations.length - 12} more`)] : [];
  return [element("h3", `wait in ${span.phase || "no test"}`), element("p", text), element("ul", [...names, ...more])];
}

/** Start the timeline of a report. */
function start(report) {
  const timeline = timelineOf(report), counts = countsOverTime(timeline);
  const viewport = find("viewport"), canvas = find("rows"), spacer = find("spacer");
  const overview = find("overview"), tooltip = find("tooltip"), details = find("details");
  const length = timeline.end - timeline.begin, margin = length * 0.01;
  const view = {
    rows: [], patterns: null, peaks: null, overviewShown: "", begin: timeline.begin, end: timeline.end, from: timeline.begin - margin, to: timeline.end + margin,
    top: 0, width: 0, height: 0, overviewHeight: 48, selected: -1, marked: new Set(), colours: coloursOf(find("said")),
  };
  let drawing = false;

  function draw() {
    drawing = false;
    view.width = viewport.clientWidth;
    view.height = viewport.clientHeight;
    view.top = viewport.scrollTop;
    viewport.dataset.drawn = drawRows(fitted(canvas, view.width, view.height), view);
    const shown = [view.from, view.to, view.width, window.devicePixelRatio].join();
    if (shown !== view.overviewShown) { // a scroll changes nothing of the overview
      view.overviewShown = shown;
      drawOverview(fitted(overview, view.width, view.overviewHeight), view, counts);
    }
  }
  function redraw() {
    if (!drawing) {
      drawing = true;
      requestAnimationFrame(draw);
    }
  }

  function show(from, to) {
    const least = Math.max(length * 1e-6, 0.002), most = length + 2 * margin;
    const span = Math.min(Math.max(to - from, least), most);
    const middle = (from + to) / 2;
    view.from = Math.min(Math.max(middle - span / 2, timeline.begin - margin), timeline.end + margin - span);
    view.to = view.from + span;
    redraw();
  }
  const timeAt = (x) => view.from + (x - LABELS) / (view.width - LABELS) * (view.to - view.from);
  function zoom(factor, time = (view.from + view.to) / 2) {
    show(time - (time - view.from) * factor, time + (view.to - time) * factor);
  }
  function pan(share) {
    const distance = (view.to - view.from) * share;
    show(view.from + distance, view.to + distance);
  }
  const fit = () => show(timeline.begin - margin, timeline.end + margin);

  /** Leave room for the details below the timeline. */
  function resize() {
    const inside = AXIS + view.rows.length * ROW + 2; // with the border
    const most = Math.max(240, window.innerHeight - 260 - (details.hidden ? 0 : 180));
    viewport.style.height = `${Math.min(Math.max(inside, AXIS + 3 * ROW), most)}px`;
    spacer.style.height = `${Math.max(0, inside - viewport.offsetHeight)}px`;
  }

  const filter = { text: "", failed: false, type: "", worker: "" };
  function applyFilter() {
    const kept = view.rows[view.selected];
    view.rows = filteredRows(timeline, filter);
    view.selected = view.rows.indexOf(kept);
    resize();
    viewport.dataset.rows = view.rows.length;
    const tests = view.rows.filter((row) => row.kind === "test" && row.ran).length;
    const resources = view.rows.filter((row) => row.kind === "resource").length;
    find("shown").textContent = `${counted(tests, "test")}, ${counted(resources, "resource")} shown`;
    redraw();
  }

  function showDetails() {
    const row = view.rows[view.selected];
    details.hidden = !row;
    if (row) details.replaceChildren(...rowDetails(timeline, row, 200));
    resize();
  }
  function select(index) {
    view.selected = Math.min(Math.max(index, 0), view.rows.length - 1);
    const row = view.rows[view.selected];
    if (!row) return;
    showDetails();
    const y = view.selected * ROW, inside = viewport.clientHeight - AXIS;
    if (y < viewport.scrollTop) viewport.scrollTop = y;
    else if (y + ROW > viewport.scrollTop + inside) viewport.scrollTop = y + ROW - inside;
    find("said").textContent = `${labelOf(row)}${row.failed ? ", failed" : ""}${row.retried ? ", tried again" : ""}${row.left ? ", left" : ""}`;
    mark(row, null);
    redraw();
  }
  function selectBad(direction) {
    for (let index = view.selected + direction; index >= 0 && index < view.rows.length; index += direction) {
      const row = view.rows[index];
      if (row.failed || row.retried || row.left) { select(index); return; }
    }
  }
  function zoomToRow() {
    const row = view.rows[view.selected];
    if (!row || row.began === undefined) return;
    const room = Math.max((row.ended - row.began) * 0.1, 0.01);
    show(row.began - room, row.ended + room);
  }

  /** Show the time in which the visible rows were busy. */
  function fitVisible() {
    const first = Math.floor(viewport.scrollTop / ROW);
    const rows = view.rows.slice(first, first + Math.ceil((view.height - AXIS) / ROW)).filter((row) => row.parts.length);
    if (!rows.length) return;
    const from = Math.min(...rows.map((row) => row.began)), to = Math.max(...rows.map((row) => row.ended));
    const room = Math.max((to - from) * 0.02, 0.01);
    show(from - room, to + room);
  }

  /** Mark the rows that belong to a row: a test's resources, those of a wait, a resource's test. */
  function mark(row, part) {
    const found = !row ? [] : part && part.what === "wait"
      ? part.span.operations.map((number) => timeline.ofOperation.get(keyOf(part.span, number)))
      : row.kind === "test" ? row.resources : [];
    view.marked = new Set(found.filter(Boolean));
  }

  /** Return the row and the part at a point of the viewport. */
  function at(x, y) {
    const index = y < AXIS ? -1 : Math.floor((y - AXIS + viewport.scrollTop) / ROW);
    const row = view.rows[index];
    if (!row || x < LABELS) return { row, index, part: null };
    const time = timeAt(x), slack = 4 * (view.to - view.from) / (view.width - LABELS);
    const lower = (y - AXIS + viewport.scrollTop) % ROW > ROW / 2;
    const hit = row.parts.filter((part) => part.began - slack <= time && time <= part.ended + slack);
    const waits = hit.filter((part) => part.what === "wait");
    return { row, index, part: (lower && waits[0]) || hit.reverse().find((part) => part.what !== "wait") || null };
  }
  function hover(event) {
    const box = viewport.getBoundingClientRect();
    const { row, part } = at(event.clientX - box.left, event.clientY - box.top);
    mark(row, part);
    redraw();
    if (!row || row.kind === "worker") { tooltip.hidden = true; return; }
    const content = part && part.what === "wait" ? waitDetails(timeline, part)
      : part && part.operation ? [element("h3", [element("bdi", labelOf(row))]), ...operationDetails(timeline, part.operation, 12)]
        : rowDetails(timeline, row, 6);
    tooltip.replaceChildren(...content);
    tooltip.hidden = false;
    const wide = tooltip.offsetWidth, tall = tooltip.offsetHeight;
    const left = event.clientX + 16 + wide > window.innerWidth ? event.clientX - wide - 12 : event.clientX + 16;
    tooltip.style.left = `${Math.max(4, left)}px`;
    tooltip.style.top = `${Math.max(4, Math.min(event.clientY + 16, window.innerHeight - tall - 8))}px`;
  }

  let drag = null;
  viewport.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || event.offsetX > viewport.clientWidth) return;
    drag = { x: event.clientX, y: event.clientY, from: view.from, to: view.to, top: viewport.scrollTop, moved: false };
  });
  window.addEventListener("pointermove", (event) => {
    if (!drag) return;
    const dx = event.clientX - drag.x, dy = event.clientY - drag.y;
    if (!drag.moved && Math.hypot(dx, dy) < 4) return;
    drag.moved = true;
    tooltip.hidden = true;
    const distance = dx / (view.width - LABELS) * (drag.to - drag.from);
    show(drag.from - distance, drag.to - distance);
    if (event.pointerType === "mouse") viewport.scrollTop = drag.top - dy;
  });
  window.addEventListener("pointerup", (event) => {
    if (drag && !drag.moved) {
      const box = viewport.getBoundingClientRect();
      const { index, row } = at(event.clientX - box.left, event.clientY - box.top);
      if (row) select(index);
    }
    drag = null;
  });
  window.addEventListener("pointercancel", () => { drag = null; });
  viewport.addEventListener("pointermove", (event) => { if (!drag) hover(event); });
  viewport.addEventListener("pointerleave", () => { tooltip.hidden = true; mark(null, null); redraw(); });
  viewport.addEventListener("dblclick", zoomToRow);
  viewport.addEventListener("scroll", () => { tooltip.hidden = true; redraw(); }, { passive: true });
  viewport.addEventListener("wheel", (event) => {
    const sideways = event.shiftKey ? event.deltaY || event.deltaX : event.deltaX;
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      zoom(Math.exp(Math.max(-1, Math.min(1, event.deltaY * 0.004))), timeAt(Math.max(LABELS, event.offsetX)));
    } else if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      event.preventDefault();
      pan(sideways / (view.width - LABELS));
    }
  }, { passive: false });

  // A drag over the overview shows that part of the run; a click there moves to it.
  let range = null;
  const overviewTime = (event) => timeline.begin +
    (event.clientX - overview.getBoundingClientRect().left - LABELS) / (view.width - LABELS) * length;
  overview.addEventListener("pointerdown", (event) => {
    overview.setPointerCapture(event.pointerId);
    range = { x: event.clientX, time: overviewTime(event) };
  });
  overview.addEventListener("pointermove", (event) => {
    if (range && Math.abs(event.clientX - range.x) > 4) {
      const time = overviewTime(event);
      show(Math.min(range.time, time), Math.max(range.time, time));
    }
  });
  overview.addEventListener("pointerup", (event) => {
    if (range && Math.abs(event.clientX - range.x) <= 4) {
      const half = (view.to - view.from) / 2;
      show(range.time - half, range.time + half);
    }
    range = null;
  });

  const keys = {
    ArrowUp: () => select(view.selected - 1),
    ArrowDown: () => select(view.selected + 1),
    PageUp: () => select(view.selected - 20),
    PageDown: () => select(view.selected + 20),
    Home: () => select(0),
    End: () => select(view.rows.length - 1),
    ArrowLeft: () => pan(-0.1),
    ArrowRight: () => pan(0.1),
    "+": () => zoom(0.7),
    "=": () => zoom(0.7),
    "-": () => zoom(1 / 0.7),
    0: fit,
    v: fitVisible,
    Enter: zoomToRow,
    n: () => selectBad(1),
    p: () => selectBad(-1),
  };
  viewport.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const act = keys[event.key];
    if (act) { event.preventDefault(); act(); }
  });
  document.addEventListener("keydown", (event) => {
    const typing = event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement;
    if (event.key === "/" && !typing) { event.preventDefault(); find("text").focus(); }
    if (event.key === "Escape") {
      tooltip.hidden = true;
      if (typing) viewport.focus();
      else { view.selected = -1; showDetails(); redraw(); }
    }
  });

  const fill = (select, names) => {
    for (const name of names) select.append(new Option(plain(name), name));
  };
  fill(find("type"), [...new Set(timeline.resources.map((row) => row.type))].sort());
  fill(find("worker"), timeline.workers.map((each) => each.worker || MAIN));
  find("worker").parentElement.hidden = timeline.workers.length < 2;
  find("text").addEventListener("input", (event) => { filter.text = event.target.value; applyFilter(); });
  find("failed").addEventListener("change", (event) => { filter.failed = event.target.checked; applyFilter(); });
  find("type").addEventListener("change", (event) => { filter.type = event.target.value; applyFilter(); });
  find("worker").addEventListener("change", (event) => { filter.worker = event.target.value; applyFilter(); });
  find("zoom-in").addEventListener("click", () => zoom(0.7));
  find("zoom-out").addEventListener("click", () => zoom(1 / 0.7));
  find("fit").addEventListener("click", fit);
  find("fit-visible").addEventListener("click", fitVisible);
  find("filter").addEventListener("submit", (event) => event.preventDefault());

  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  function recolour() {
    view.colours = coloursOf(find("said"));
    view.patterns = null;
    view.overviewShown = "";
    redraw();
  }
  dark.addEventListener("change", recolour);
  find("theme").addEventListener("click", () => {
    const now = document.documentElement.dataset.theme || (dark.matches ? "dark" : "light");
    document.documentElement.dataset.theme = now === "dark" ? "light" : "dark";
    recolour();
  });
  new ResizeObserver(applyFilter).observe(find("timeline"));
  window.addEventListener("resize", applyFilter);

  find("timeline").hidden = false;
  applyFilter();
}

start(JSON.parse(document.getElementById("report-data").textContent));
