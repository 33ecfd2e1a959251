const read = (id) => JSON.parse(document.getElementById(id).textContent);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const data = read("data");
const charts = read("charts");
const views = [];
const chosen = new Map();
const options = { renderer: "svg", actions: false, tooltip: { theme: "custom" } };

// The charts ---------------------------------------------------------------------------------------------------------

async function draw(spec, place, pick) {
  const [name, values] = pick();
  const { view } = await window.vegaEmbed(place, { ...spec, data: { name, values } }, options);
  // A filter may leave a chart with nothing to draw: no warning then.
  view.logLevel(1);
  views.push({ view, pick, place, band: spec.usermeta?.band_px });
  return view;
}

function update({ view, pick, place, band }) {
  const [name, records] = pick();
  if (band) view.height(band * new Set(records.filter((row) => row.latency_ms !== null).map((row) => row.engine ?? row.bar)).size);
  // A kind singled out in one row may not be there in the next.
  if (name === "layers") view.data("kind_picked_store", []);
  place.closest("[data-engine]")?.toggleAttribute("hidden", records.length === 0);
  return view.data(name, records).runAsync();
}

function shown() {
  const words = document.getElementById("find").value.trim().toLowerCase().split(/\s+/).filter(Boolean);
  return data.rows.filter((row) => {
    const text = `${row.label} ${row.model} ${row.target} ${row.format} ${row.recipe ?? ""} ${row.how} ${row.outputs}`;
    return [...chosen].every(([facet, values]) => values.size === 0 || values.has(row[facet] ?? "none"))
      && words.every((word) => text.toLowerCase().includes(word));
  });
}

let visible = data.rows;
const ofVisible = (records) => {
  const ids = new Set(visible.map((row) => row.id));
  return records.filter((record) => ids.has(record.id));
};

// Errors of a runtime that has rows go with its rows; others (the file's own arithmetic) with their network's.
function visibleErrors() {
  const known = new Set(data.rows.map((row) => row.runtime));
  const rows = visible.filter((row) => row.precision === "int8");
  return data.errors.filter((error) => rows.some((row) =>
    row.model === error.model && (!known.has(error.runtime) || row.runtime === error.runtime)));
}

function layersOfRow() {
  const id = Number(document.getElementById("layer-row").value);
  const layers = data.layers.filter((layer) => layer.id === id);
  const total = layers.reduce((sum, layer) => sum + layer.time_ms, 0);
  const kinds = new Map();
  layers.forEach((layer) => kinds.set(layer.kind, (kinds.get(layer.kind) ?? 0) + layer.time_ms));
  const shares = [...kinds].sort((a, b) => b[1] - a[1]).slice(0, 4).map(([kind, time]) => `${kind} ${(100 * time / total).toFixed(0)} %`);
  const fallen = layers.filter((layer) => layer.fell_to_float).length;
  document.getElementById("layer-summary").textContent =
    `${layers.length} layers, ${total.toPrecision(3)} ms: ${shares.join(", ")}${fallen ? `; ▼ ${fallen} in float` : ""}`;
  return layers;
}

function countedOfRow() {
  const id = Number(document.getElementById("counted-row").value);
  const records = data.layer_instructions.filter((record) => record.id === id);
  const total = records.reduce((sum, record) => sum + record.millions, 0);
  const kinds = new Map();
  records.forEach(({ layer_kind, millions }) => kinds.set(layer_kind, (kinds.get(layer_kind) ?? 0) + millions));
  const shares = [...kinds].sort((a, b) => b[1] - a[1]).slice(0, 4).map(([kind, part]) => `${kind} ${(100 * part / total).toFixed(0)} %`);
  document.getElementById("counted-summary").textContent =
    `${new Set(records.map((record) => record.index)).size} layers, ${total.toFixed(1)} M: ${shares.join(", ")}`;
  return records;
}

function nothing(place, text) {
  place.append(Object.assign(document.createElement("p"), { className: "nothing", textContent: text }));
}

async function drawAll() {
  const place = (name) => document.querySelector(`[data-chart="${name}"]`);
  if (charts.latency) {
    const view = await draw(charts.latency, place("latency"), () => ["rows", visible]);
    view.addEventListener("click", (event, item) => item?.datum?.id !== undefined && openRow(item.datum.id, true));
  } else nothing(place("latency"), "No row has a latency.");
  if (charts.instructions) {
    const view = await draw(charts.instructions, place("instructions"), () => ["instructions", ofVisible(data.instructions)]);
    view.addEventListener("click", (event, item) => item?.datum?.id !== undefined && openRow(item.datum.id, true));
  }
  for (const [engine, spec] of Object.entries(charts.memory ?? {})) {
    const cell = Object.assign(document.createElement("div"), { innerHTML: "<h3></h3><div class=view></div>" });
    cell.dataset.engine = engine;
    cell.firstChild.textContent = engine;
    place("memory").append(cell);
    await draw(spec, cell.lastChild, () => ["memory", ofVisible(data.memory).filter((record) => record.engine === engine)]);
  }
  if (!charts.memory) nothing(place("memory"), "No row has its memory by phase.");
  if (charts.layers) {
    chooseLayers(quickest(data.layers));
    await draw(charts.layers, place("layers"), () => ["layers", layersOfRow()]);
  } else nothing(place("layers"), "No row has its time by layer.");
  if (charts.layer_instructions) await draw(charts.layer_instructions, place("layer_instructions"), () => ["layer_instructions", countedOfRow()]);
  if (charts.errors) await draw(charts.errors, place("errors"), () => ["errors", visibleErrors()]);
  else nothing(place("errors"), "No errors by layer: `sepia check` finds them.");
}

function quickest(layers) {
  const timed = new Set(layers.map((layer) => layer.id));
  const rows = data.rows.filter((row) => timed.has(row.id));
  const better = (a, b) => (b.precision === "int8") - (a.precision === "int8") || (a.latency_ms ?? Infinity) - (b.latency_ms ?? Infinity);
  return rows.sort(better)[0]?.id;
}

// In each list of layers that knows the row; whether there is one.
function chooseLayers(id) {
  const lists = [document.getElementById("layer-row"), document.getElementById("counted-row")]
    .filter((list) => list && [...list.options].some((option) => option.value === String(id)));
  lists.forEach((list) => (list.value = String(id)));
  return lists.length > 0;
}

// Filters ------------------------------------------------------------------------------------------------------------

function filter() {
  visible = shown();
  const ids = new Set(visible.map((row) => String(row.id)));
  all("#rows tr.row").forEach((row) => {
    row.hidden = !ids.has(row.dataset.id);
    if (row.hidden) close(row);
  });
  document.getElementById("count").textContent = `${visible.length} of ${data.rows.length} rows`;
  document.getElementById("reset").hidden = visible.length === data.rows.length;
  return Promise.all(views.map(update));
}

all(".chip").forEach((chip) => chip.addEventListener("click", () => {
  const { facet, value } = chip.dataset;
  const values = chosen.get(facet) ?? chosen.set(facet, new Set()).get(facet);
  const on = !values.has(value);
  on ? values.add(value) : values.delete(value);
  chip.setAttribute("aria-pressed", on);
  filter();
}));
document.getElementById("find")?.addEventListener("input", filter);
document.getElementById("reset")?.addEventListener("click", () => {
  chosen.clear();
  all(".chip").forEach((chip) => chip.setAttribute("aria-pressed", false));
  document.getElementById("find").value = "";
  filter();
});
all("form").forEach((form) => form.addEventListener("submit", (event) => event.preventDefault()));

// The table ----------------------------------------------------------------------------------------------------------

function close(row) {
  row.classList.remove("is-chosen");
  row.querySelector(".open").setAttribute("aria-expanded", false);
  row.nextElementSibling.hidden = true;
}

function openRow(id, scroll) {
  const row = document.querySelector(`#rows tr.row[data-id="${id}"]`);
  const open = row.nextElementSibling.hidden;
  all("#rows tr.row.is-chosen").forEach(close);
  if (open || scroll) {
    row.classList.add("is-chosen");
    row.querySelector(".open").setAttribute("aria-expanded", true);
    row.nextElementSibling.hidden = false;
    if (chooseLayers(id)) views.forEach(update);
  }
  if (scroll) row.scrollIntoView({ block: "center", behavior: "smooth" });
}

function sort(heading, place) {
  const up = heading.getAttribute("aria-sort") !== "ascending";
  all("#rows > thead th").forEach((other) => other.removeAttribute("aria-sort"));
  heading.setAttribute("aria-sort", up ? "ascending" : "descending");
  const figures = !heading.classList.contains("words");
  const value = (row) => row.children[place].dataset.value;
  const order = (a, b) => figures ? a - b : a.localeCompare(b, "en", { numeric: true });
  // Unknown figures stay at the end whichever way the rest is sorted.
  all("#rows tr.row")
    .map((row) => ({ row, detail: row.nextElementSibling, value: value(row) }))
    .sort((a, b) => (a.value === "") - (b.value === "") || (up ? 1 : -1) * order(a.value, b.value))
    .forEach(({ row, detail }) => row.parentNode.append(row, detail));
}

all("#rows > thead th").forEach((heading, place) =>
  heading.firstElementChild.addEventListener("click", () => sort(heading, place)));
all("#rows tr.row").forEach((row) => row.addEventListener("click", () => openRow(row.dataset.id, false)));

// Time and error by layer --------------------------------------------------------------------------------------------

document.getElementById("layer-row")?.addEventListener("change", () => views.forEach(update));
document.getElementById("counted-row")?.addEventListener("change", () => views.forEach(update));
all("[data-metric]").forEach((button) => button.addEventListener("click", () => {
  all("[data-metric]").forEach((other) => other.setAttribute("aria-pressed", other === button));
  views.filter(({ place }) => place.dataset.chart === "errors").forEach(({ view }) => view.signal("metric", button.dataset.metric).runAsync());
}));

if (data.rows.length) {
  await drawAll();
  await filter();
}
document.documentElement.dataset.ready = "true";
