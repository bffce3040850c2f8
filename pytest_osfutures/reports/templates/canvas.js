// The canvas: draws the rows that are visible, and nothing else.

const ROW = 22, AXIS = 24, LABELS = 280, GAP = 3;
const HATCHED = { wait: true, "try": true };

/** Return the colours of the page's style, which knows dark and light. */
function coloursOf(probe) {
  const names = ["text", "muted", "line", "page", "band", "selected", "submit", "build", "use",
    "change", "delete", "try", "fault", "left", "setup", "call", "teardown", "failed", "wait"];
  return Object.fromEntries(names.map((name) => {
    probe.style.color = `var(--${name})`;
    return [name, getComputedStyle(probe).color];
  }));
}

/** Return a text for a canvas: bidirectional control characters would reorder what follows them. */
function plain(text) {
  return String(text).replace(/[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, "?");
}

/** Shorten a text to a width in pixels; its end tells more than its beginning. */
function shortened(context, text, width) {
  const found = plain(text);
  if (found.length < 500 && context.measureText(found).width <= width) return found;
  let low = 0, high = Math.min(found.length, Math.ceil(width / 2));
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (context.measureText(`…${found.slice(-middle)}`).width <= width) low = middle;
    else high = middle - 1;
  }
  return `…${low ? found.slice(-low) : ""}`;
}

/** Return a distance between two ticks of the axis, in seconds, for a scale in seconds a pixel. */
function tickDistance(scale) {
  const least = scale * 90;
  const nice = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120,
    300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400];
  return nice.find((each) => each >= least) || Math.ceil(least / 86400) * 86400;
}

/** Write a time since the beginning of the run. */
function clockText(seconds, distance = 1) {
  const sign = seconds < 0 ? "-" : "";
  const digits = distance >= 1 ? 0 : distance >= 0.1 ? 1 : distance >= 0.01 ? 2 : 3;
  const all = Number(Math.abs(seconds).toFixed(digits));
  const hours = Math.floor(all / 3600), minutes = Math.floor(all / 60) % 60;
  const rest = (all % 60).toFixed(digits);
  if (hours) return `${sign}${hours}:${String(minutes).padStart(2, "0")}:${rest.padStart(digits ? digits + 3 : 2, "0")}`;
  return minutes ? `${sign}${minutes}:${rest.padStart(digits ? digits + 3 : 2, "0")}` : `${sign}${rest} s`;
}

/** Fit a canvas to its size on the page and to the pixels of the screen; return its context. */
function fitted(canvas, width, height) {
  const ratio = window.devicePixelRatio || 1;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
  }
  const context = canvas.getContext("2d", { alpha: false });
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.font = "12px system-ui, sans-serif";
  context.textBaseline = "middle";
  return context;
}

/** Return patterns of stripes in the colours of parts that a colour alone would not tell. */
function patternsOf(context, colours) {
  const patterns = {};
  for (const name of Object.keys(HATCHED)) {
    const tile = document.createElement("canvas");
    tile.width = tile.height = 6;
    const brush = tile.getContext("2d");
    brush.strokeStyle = colours[name];
    brush.lineWidth = 2;
    for (const offset of [-6, 0, 6]) {
      brush.beginPath();
      brush.moveTo(offset, 6);
      brush.lineTo(offset + 6, 0);
      brush.stroke();
    }
    patterns[name] = context.createPattern(tile, "repeat");
  }
  return patterns;
}

/** Draw the visible rows of a view: { rows, top, width, height, begin, from, to, marked, ... }. */
function drawRows(context, view) {
  const { colours, width, height } = view;
  const scale = (width - LABELS) / (view.to - view.from);
  const x = (time) => LABELS + (time - view.from) * scale;
  context.fillStyle = colours.page;
  context.fillRect(0, 0, width, height);
  const first = Math.max(0, Math.floor(view.top / ROW));
  const last = Math.min(view.rows.length, Math.ceil((view.top + height - AXIS) / ROW));
  view.patterns = view.patterns || patternsOf(context, colours);
  for (let index = first; index < last; index += 1) drawBand(context, view, index, AXIS + index * ROW - view.top);
  drawGrid(context, view, x);
  for (let index = first; index < last; index += 1) {
    const y = AXIS + index * ROW - view.top;
    context.save();
    context.beginPath();
    context.rect(LABELS, y, width - LABELS, ROW);
    context.clip();
    drawParts(context, view, view.rows[index], y, x);
    context.restore();
    drawLabel(context, view, view.rows[index], y);
  }
  drawAxis(context, view, x);
  return last - first;
}

function drawBand(context, view, index, y) {
  const row = view.rows[index];
  const fill = index === view.selected ? view.colours.selected
    : view.marked.has(row) ? view.colours.band
      : row.kind === "worker" ? view.colours.band : null;
  if (fill) {
    context.fillStyle = fill;
    context.fillRect(0, y, view.width, ROW);
  }
  context.fillStyle = view.colours.line;
  context.fillRect(0, y + ROW - 1, view.width, 0.5);
}

function drawLabel(context, view, row, y) {
  const { colours } = view;
  const indent = { worker: 8, test: 14, resource: 30 }[row.kind];
  const bad = row.failed || row.left;
  context.font = `${row.kind === "worker" ? "bold " : ""}12px system-ui, sans-serif`;
  context.fillStyle = bad ? colours.fault : row.kind === "resource" ? colours.muted : colours.text;
  const sign = row.failed ? "✕ " : row.left ? "● " : row.retried ? "↻ " : "";
  row.label = row.label || shortened(context, labelOf(row), LABELS - indent - 22); // measuring is slow
  context.fillText(sign + row.label, indent, y + ROW / 2);
}

/** Return the label of a row. */
function labelOf(row) {
  if (row.kind === "worker") return row.worker ? `worker ${row.worker}` : MAIN;
  if (row.kind === "test") return row.test || "session";
  return `${row.type} ${row.name || row.id || ""}`;
}

function drawParts(context, view, row, y, x) {
  const { colours, patterns, width } = view;
  let lastWhat = "", lastPixel = -1;
  for (const part of row.parts) {
    const left = x(part.began), right = x(part.ended);
    if (right < LABELS - 8 || left > width + 8) continue;
    const pixel = Math.round(left);
    if (part.what === lastWhat && pixel === lastPixel && right - left < 1) continue;
    lastWhat = part.what;
    lastPixel = pixel;
    if (part.what === "fault") { drawFault(context, colours, left, y); continue; }
    if (part.what === "left") { drawLeft(context, colours, Math.min(left, width - 6), y); continue; }
    const from = Math.max(left, LABELS - 8), span = Math.max(Math.min(right, width + 8) - from, 1.5);
    const slim = part.what === "use" ? 8 : part.what === "submit" ? 5 : GAP;
    context.fillStyle = patterns[part.what] || colours[part.what] || colours.call;
    if (part.what === "wait") context.fillRect(from, y + ROW / 2 + 1, span, ROW / 2 - GAP - 1);
    else context.fillRect(from, y + slim, span, ROW - 2 * slim - 1);
    if (part.operation && part.what !== "submit") drawStates(context, view, part, y, x);
    if (part.operation && part.operation.ended === null) drawOpenEnd(context, colours, right, y);
  }
}

/** Draw the moments at which the state of a resource changed. */
function drawStates(context, view, part, y, x) {
  context.fillStyle = view.colours.page;
  let last = null;
  for (const seen of part.operation.history) {
    const state = `${seen.status}/${seen.task_state}`;
    const place = x(seen.time);
    if (last !== null && state !== last && place > LABELS && place > x(part.began) + 1 && place < x(part.ended) - 1) {
      context.fillRect(place - 0.5, y + GAP, 1, ROW - 2 * GAP - 1);
    }
    last = state;
  }
}

function drawFault(context, colours, place, y) {
  context.strokeStyle = colours.fault;
  context.lineWidth = 2.5;
  context.beginPath();
  context.moveTo(place - 5, y + 6);
  context.lineTo(place + 5, y + 16);
  context.moveTo(place + 5, y + 6);
  context.lineTo(place - 5, y + 16);
  context.stroke();
}

function drawLeft(context, colours, place, y) {
  context.fillStyle = colours.left;
  context.beginPath();
  context.arc(place, y + ROW / 2 - 0.5, 5, 0, 2 * Math.PI);
  context.fill();
}

function drawOpenEnd(context, colours, place, y) {
  context.strokeStyle = colours.text;
  context.lineWidth = 1;
  context.setLineDash([2, 2]);
  context.strokeRect(place - 6, y + GAP, 6, ROW - 2 * GAP - 1);
  context.setLineDash([]);
}

/** Return the ticks of the axis: [place, text]. */
function ticksOf(view, x) {
  const distance = tickDistance((view.to - view.from) / (view.width - LABELS));
  const ticks = [];
  for (let step = Math.ceil((view.from - view.begin) / distance); ticks.length < 200; step += 1) {
    const time = view.begin + step * distance;
    if (time > view.to) break;
    ticks.push([x(time), clockText(step * distance, distance)]);
  }
  return ticks;
}

function drawGrid(context, view, x) {
  context.fillStyle = view.colours.line;
  for (const [place] of ticksOf(view, x)) context.fillRect(place, AXIS, 1, view.height);
}

function drawAxis(context, view, x) {
  const { colours, width, height } = view;
  context.fillStyle = colours.page;
  context.fillRect(0, 0, width, AXIS);
  context.font = "12px system-ui, sans-serif";
  for (const [place, text] of ticksOf(view, x)) {
    context.fillStyle = colours.line;
    context.fillRect(place, AXIS - 6, 1, 6);
    context.fillStyle = colours.muted;
    context.fillText(text, place + 4, AXIS / 2);
  }
  context.fillStyle = colours.line;
  context.fillRect(0, AXIS - 1, width, 1);
  context.fillRect(LABELS - 1, 0, 1, height);
}

/** Return the greatest numbers of servers and of all resources in each column of the overview. */
function peaksOf(view, counts, columns) {
  const length = view.end - view.begin, servers = new Float64Array(columns), all = new Float64Array(columns);
  let place = 0, last = [view.begin, 0, 0];
  for (let column = 0; column < columns; column += 1) {
    const until = view.begin + (column + 1) / columns * length;
    [, servers[column], all[column]] = last;
    for (; place < counts.length && counts[place][0] <= until; place += 1) {
      last = counts[place];
      servers[column] = Math.max(servers[column], last[1]);
      all[column] = Math.max(all[column], last[2]);
    }
  }
  const peak = (list) => list.reduce((one, other) => Math.max(one, other), 0);
  return { columns, servers, all, most: peak(all), mostServers: peak(servers) };
}

/** Draw how many resources there were at a time, and the part of the run that is visible. */
function drawOverview(context, view, counts) {
  const { colours, width, overviewHeight: height } = view;
  context.fillStyle = colours.page;
  context.fillRect(0, 0, width, height);
  const length = view.end - view.begin, room = width - LABELS, columns = Math.max(1, Math.floor(room));
  if (!view.peaks || view.peaks.columns !== columns) view.peaks = peaksOf(view, counts, columns);
  const { servers, all, most, mostServers } = view.peaks;
  for (const [list, colour] of [[all, colours.delete], [servers, colours.build]]) {
    context.fillStyle = colour;
    for (let column = 0; column < columns; column += 1) {
      const tall = list[column] / Math.max(1, most) * (height - 8);
      if (tall) context.fillRect(LABELS + column, height - 2 - tall, 1, tall);
    }
  }
  context.fillStyle = colours.muted;
  context.fillText(`at a time: up to ${counted(most, "resource")},`, 8, height / 2 - 9);
  context.fillText(`of them up to ${counted(mostServers, "server")}`, 8, height / 2 + 9);
  const from = Math.max(LABELS, LABELS + (view.from - view.begin) / length * room);
  const to = Math.min(width, LABELS + (view.to - view.begin) / length * room);
  context.fillStyle = colours.page;
  context.globalAlpha = 0.65;
  context.fillRect(LABELS, 0, from - LABELS, height);
  context.fillRect(to, 0, width - to, height);
  context.globalAlpha = 1;
  context.strokeStyle = colours.text;
  context.lineWidth = 1;
  context.strokeRect(from + 0.5, 0.5, Math.max(2, to - from - 1), height - 1);
}
