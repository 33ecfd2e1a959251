const read = (id) => JSON.parse(document.getElementById(id).textContent);
const all = (selector) => [...document.querySelectorAll(selector)];
const data = read("data");
const charts = read("charts");
const options = { renderer: "svg", actions: false, tooltip: { theme: "custom" } };
const place = (name) => document.querySelector(`[data-chart="${name}"]`);

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
  if (layer.weighted) await views.weights.data("channels", layer.channels).runAsync();
  await views.activation.data("channels", layer.channels).runAsync();
}

if (data.layers.length) {
  const parts = await draw("parts", "parts", data.parts);
  const sqnr = await draw("sqnr", "sqnr", data.sqnr);
  const weighted = data.layers.find((layer) => layer.weighted);
  const views = { activation: await draw("activation", "channels", data.layers[0].channels) };
  if (weighted) views.weights = await draw("weights", "channels", weighted.channels);
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
