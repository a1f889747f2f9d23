// Draws the figures of the page. Data are stored by column and become rows here; expressions are interpreted, never
// evaluated as code, so that the page needs no permission for that.
const page = JSON.parse(document.getElementById("figures").textContent);
const toRows = (columns) => {
  const names = Object.keys(columns);
  const length = names.length ? columns[names[0]].length : 0;
  return Array.from({ length }, (_, i) => Object.fromEntries(names.map((name) => [name, columns[name][i]])));
};
const rows = Object.fromEntries(Object.entries(page.data).map(([name, columns]) => [name, toRows(columns)]));
const named = (spec, found = new Set()) => {
  if (spec && typeof spec === "object") {
    if (spec.data && spec.data.name) found.add(spec.data.name);
    Object.values(spec).forEach((part) => named(part, found));
  }
  return found;
};
const draw = ([id, spec]) => {
  const datasets = Object.fromEntries([...named(spec)].map((name) => [name, rows[name] || []]));
  const options = {
    ast: true,
    renderer: "canvas",
    actions: { export: true, source: false, compiled: false, editor: false },
    downloadFileName: `${page.name}_${id}`,
  };
  const shown = { ...spec, autosize: { type: "fit-x", contains: "padding" }, datasets };
  return vegaEmbed(document.getElementById(id), shown, options);
};
Promise.all(Object.entries(page.charts).map(draw))
  .then((views) => { document.documentElement.dataset.charts = String(views.length); })
  .catch((error) => { console.error("figure failed: " + error); });
