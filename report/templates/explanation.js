const read = (id) => JSON.parse(document.getElementById(id).textContent);
const all = (selector) => [...document.querySelectorAll(selector)];
const data = read("data");
const charts = read("charts");
const options = { renderer: "svg", actions: false, tooltip: { theme: "custom" } };
const place = (name) => document.querySelector(`[data-chart="${name}"]`);

// Records of a layer's channels, from a list a figure. Where there is no grid its ends are those of the values, unseen.
function channels({ columns, worst, ends }) {
  const [low, high] = ends ?? [Math.min(...columns.low), Math.max(...columns.high)];
  return columns.low.map((_, channel) => {
    const record = { channel, worst: worst.includes(channel), tensor_low: low, tensor_high: high, on_grid: ends !== null };
    for (const [name, values] of Object.entries(columns)) record[name] = values[channel];
    return { ...record, grid_low: -record.grid_end };
  });
}

async function draw(name, dataset, values) {
  const spec = { ...charts[name], data: { name: dataset, values } };
  return (await window.vegaEmbed(place(name), spec, options)).view;
}

async function choose(index, views) {
  const layer = data.layers[index];
  document.getElementById("layer").value = String(index);
  document.getElementById("layer-summary").textContent = layer.summary;
  all("#layers .row").forEach((row) => row.classList.toggle("is-chosen", row.dataset.index === String(index)));
  place("weights").hidden = !layer.weighted;
  if (layer.weighted) await views.weights.data("channels", channels(layer)).runAsync();
  await views.activation.data("channels", channels(layer)).runAsync();
}

if (data.layers.length) {
  const parts = await draw("parts", "parts", data.parts);
  const sqnr = await draw("sqnr", "sqnr", data.sqnr);
  const weighted = data.layers.find((layer) => layer.weighted);
  const views = { activation: await draw("activation", "channels", channels(data.layers[0])) };
  if (weighted) views.weights = await draw("weights", "channels", channels(weighted));
  const go = (index) => choose(index, views).then(() => document.getElementById("channels").scrollIntoView({ behavior: "smooth" }));
  await choose(Number(document.getElementById("layer").value), views);
  for (const view of [parts, sqnr]) view.addEventListener("click", (event, item) => item?.datum?.index !== undefined && go(item.datum.index));
  document.getElementById("layer").addEventListener("change", (event) => choose(Number(event.target.value), views));
  all("#layers .row").forEach((row) => row.addEventListener("click", () => go(Number(row.dataset.index))));
  all("[data-measure]").forEach((button) => button.addEventListener("click", () => {
    all("[data-measure]").forEach((other) => other.setAttribute("aria-pressed", other === button));
    parts.signal("measure", button.dataset.measure).runAsync();
  }));
}
document.documentElement.dataset.ready = "true";
