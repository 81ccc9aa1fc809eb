// The model card: what a model is for, its data, its figures by slice and its limits.

import { element, quantity, words } from "/static/dom.js";

const names = new Intl.Collator("en", { numeric: true });

// The card of a bundle as sections, each for an element of its own.
export function cardSections(bundle) {
  const { card } = bundle;
  const json = element("a", { href: `/models/${bundle.name}/versions/${bundle.version}/card` }, "The card as JSON");
  return [
    section("What it is", paragraph(card.model), element("p", {}, json)),
    card.intended_use ? section("What it is for", paragraph(card.intended_use)) : "",
    section("Data", facts(card.data)),
    card.metrics.length ? section("Figures on the test rows", metricsTable(card), interval(card), meanings(card.meanings)) : "",
    card.limits.length ? section("Limits", element("ul", { className: "limits" }, ...card.limits.map((limit) => element("li", {}, limit)))) : "",
    ...slicings(card).map(([name, slices]) => slicesSection(card, name, slices)),
  ].filter(Boolean);
}

function section(title, ...children) {
  return element("section", { className: "card" }, element("h2", {}, title), ...children);
}

const paragraph = (text) => text ? element("p", {}, text) : "";

const figure = (value) => value.toLocaleString("en", Math.abs(value) < 1000 ? { maximumSignificantDigits: 3 } : { maximumFractionDigits: 0 });

// One of a column of figures, which are easier to compare with as many decimals each.
const aligned = (value) => Math.abs(value) < 10 ? value.toLocaleString("en", { minimumFractionDigits: 3, maximumFractionDigits: 3, signDisplay: "negative" }) : figure(value);

// A figure in its unit, if it has one.
const shown = (value, unit) => unit ? quantity(value, unit) : figure(value);

function facts(data) {
  const goal = data.target;
  const parts = Object.entries(data.rows).map(([part, rows]) => `${part} ${rows.toLocaleString("en")}`);
  const told = [
    ["Source", data.source],
    ["Site", data.site],
    ["Records", data.records?.toLocaleString("en")],
    ["Rows", parts.join(", ")],
    ["Split", data.split],
    ["Period", data.period],
    ["Target", goal && `${words(goal.name)}: ${shown(goal.minimum, goal.unit)} to ${shown(goal.maximum, goal.unit)} in the training rows, median ${shown(goal.median, goal.unit)}`],
  ];
  return element("dl", { className: "facts" }, ...told.filter(([, text]) => text).flatMap(([name, text]) =>
    [element("dt", {}, name), element("dd", {}, text)]));
}

function interval(card) {
  return card.confidence ? element("p", { className: "soft" }, `Below a figure: its ${figure(card.confidence * 100)}% interval.`) : "";
}

function meanings(texts) {
  return element("dl", { className: "facts soft" }, ...Object.entries(texts).flatMap(([name, text]) =>
    [element("dt", {}, name), element("dd", {}, text)]));
}

const row = (tag, cells) => element("tr", {}, ...cells.map((cell) => element(tag, {}, cell)));

function table(head, rows) {
  return element("div", { className: "scroll" },
    element("table", { className: "figures" }, element("thead", {}, head), element("tbody", {}, ...rows)));
}

function metricsTable(card) {
  const others = [...new Set(card.metrics.flatMap((metric) => Object.keys(metric.others)))];
  const rows = card.metrics.map((metric) => {
    const show = (value) => value === undefined ? "" : shown(value, metric.unit);
    const ends = metric.low === null ? "" : element("small", {}, `${show(metric.low)} to ${show(metric.high)}`);
    const own = element("span", {}, element("b", {}, show(metric.value)), ends);
    return row("td", [metric.name, own, ...others.map((name) => show(metric.others[name]))]);
  });
  return table(row("th", ["Figure", "This model", ...others.map(words)]), rows);
}

function slicings(card) {
  const groups = new Map();
  for (const slice of card.slices) groups.set(slice.slicing, [...groups.get(slice.slicing) ?? [], slice]);
  return [...groups];
}

// A table of one slicing, the largest error first; its heads sort it by another column.
function slicesSection(card, name, slices) {
  const errors = Object.keys(slices[0].metrics);
  const units = Object.fromEntries(card.metrics.map((metric) => [metric.name, metric.unit]));
  const largest = Math.max(...slices.map((slice) => slice.metrics[errors[0]]));
  const judged = slices.filter((slice) => slice.rows >= card.few_rows);
  const worst = judged.reduce((most, slice) => !most || slice.metrics[errors[0]] > most.metrics[errors[0]] ? slice : most, null);
  const columns = [
    { head: "Slice", by: (a, b) => names.compare(a.name, b.name) },
    { head: "Rows", by: (a, b) => b.rows - a.rows },
    ...errors.map((error) => ({ head: error, by: (a, b) => b.metrics[error] - a.metrics[error] })),
  ];
  const body = element("tbody");
  const heads = columns.map((column) => {
    const button = element("button", { type: "button", onclick: () => sort(column) }, column.head);
    return element("th", { scope: "col" }, button);
  });
  function sort(column) {
    heads.forEach((head, at) => head.setAttribute("aria-sort", columns[at] === column ? (at ? "descending" : "ascending") : "none"));
    body.replaceChildren(...[...slices].sort(column.by).map((slice) => sliceRow(slice, { errors, units, largest, worst, few: card.few_rows })));
  }
  sort(columns[2]);
  const note = judged.length === slices.length ? ""
    : element("p", { className: "soft" }, `Slices of fewer than ${card.few_rows} rows, in grey, say little.`);
  const head = element("thead", {}, element("tr", {}, ...heads));
  const drawn = element("div", { className: "scroll" }, element("table", { className: "figures" }, head, body));
  return section(`By ${words(name).toLowerCase()}`, drawn, note);
}

function sliceRow(slice, { errors, units, largest, worst, few }) {
  const value = slice.metrics[errors[0]];
  const bar = element("span", { className: "bar-of", ariaHidden: "true" });
  bar.style.setProperty("--share", largest > 0 ? value / largest : 0);
  const name = slice === worst ? [slice.name, " ", element("span", { className: "worst" }, "worst")] : [slice.name];
  const [first, ...rest] = errors.map((error) => units[error] ? shown(slice.metrics[error], units[error]) : aligned(slice.metrics[error]));
  const made = element("tr", {}, element("td", {}, ...name), element("td", {}, slice.rows.toLocaleString("en")),
    element("td", {}, bar, first), ...rest.map((text) => element("td", {}, text)));
  made.classList.toggle("few", slice.rows < few);
  return made;
}
