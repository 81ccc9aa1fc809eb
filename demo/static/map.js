// Draws a neighborhood's map and list of homes, batch by batch, as the reader scrolls down.
"use strict";

const map = document.querySelector("#map");
const WIDTH = 560, HEIGHT = 520, MARGIN = 44;
const COLORS = ["#2f6f6a", "#6f9a6a", "#d9a441", "#c9683a", "#93312c"];
const STEPS = [125000, 160000, 200000, 275000]; // US dollars, upper edge of each colour but the last
const usd = new Intl.NumberFormat("en-US", {style: "currency", currency: "USD", maximumFractionDigits: 0});
let drawn = 0, total = Infinity, loading = false, project = null;

function svg(name, attributes, parent, text) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  parent.append(element);
  return element;
}

function html(name, className, parent, text) {
  const element = document.createElement(name);
  element.className = className;
  if (text !== undefined) element.textContent = text;
  parent.append(element);
  return element;
}

const frame = html("figure", "chart", map);
const chart = svg("svg", {viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": "Map of sold homes"}, frame);
const legend = html("figcaption", "legend", frame);
const list = html("ol", "pins", map);
const note = html("p", "progress", map, "Scroll to see more homes");

/** Degrees to picture units, the same scale both ways on the ground; a degree of longitude is shorter up north. */
function projection([west, south, east, north]) {
  const squeeze = Math.cos((south + north) / 2 * Math.PI / 180);
  const span = Math.max((east - west) * squeeze / (WIDTH - 2 * MARGIN), (north - south) / (HEIGHT - 2 * MARGIN), 2e-6);
  const middle = [(west + east) / 2, (south + north) / 2];
  const forward = (longitude, latitude) => [
    WIDTH / 2 + (longitude - middle[0]) * squeeze / span,
    HEIGHT / 2 - (latitude - middle[1]) / span,
  ];
  return {forward, metres: 111320 * span};
}

function drawGround(box) {
  project = projection(box);
  svg("rect", {width: WIDTH, height: HEIGHT, class: "ground"}, chart);
  const block = 100 / project.metres; // a grid line every 100 m
  const step = block < 24 ? block * Math.ceil(24 / block) : block;
  for (let x = WIDTH / 2 % step; x < WIDTH; x += step) svg("line", {x1: x, x2: x, y1: 0, y2: HEIGHT, class: "street"}, chart);
  for (let y = HEIGHT / 2 % step; y < HEIGHT; y += step) svg("line", {x1: 0, x2: WIDTH, y1: y, y2: y, class: "street"}, chart);
  const length = [50, 100, 200, 500, 1000].findLast(metres => metres / project.metres <= 150) ?? 50;
  const bar = length / project.metres;
  svg("path", {d: `M20 ${HEIGHT - 22}v6h${bar}v-6`, class: "scale"}, chart);
  svg("text", {x: 20 + bar / 2, y: HEIGHT - 24, class: "label"}, chart, `${length} m`);
  svg("path", {d: `M${WIDTH - 28} 20l7 20-7-5-7 5z`, class: "north"}, chart);
  svg("text", {x: WIDTH - 28, y: 56, class: "label"}, chart, "N");
  STEPS.concat(Infinity).forEach((edge, at) => {
    const key = html("span", "", legend, edge < Infinity ? `to ${usd.format(edge / 1000)}k` : "more");
    key.style.setProperty("--dot", COLORS[at]);
  });
}

function drawHome(home) {
  const [x, y] = project.forward(home.longitude, home.latitude);
  const color = COLORS[STEPS.filter(edge => home.price > edge).length];
  const link = svg("a", {href: `/homes/${home.pid}`}, chart);
  const dot = svg("circle", {cx: x.toFixed(1), cy: y.toFixed(1), r: 5, fill: color, class: "dot"}, link);
  svg("title", {}, dot, `${usd.format(home.price)}, parcel ${home.pid}`);
  const pin = html("li", "pin", list);
  pin.dataset.pid = home.pid;
  pin.style.setProperty("--dot", color);
  html("a", "parcel", pin, `Parcel ${home.pid}`).href = `/homes/${home.pid}?ref=map`;
  html("b", "amount", pin, usd.format(home.price));
  const where = html("span", "where", pin);
  html("data", "lat", where, home.latitude.toFixed(5)).value = home.latitude;
  where.append(", ");
  html("data", "lon", where, home.longitude.toFixed(5)).value = home.longitude;
}

async function more() {
  if (loading || drawn >= total || list.getBoundingClientRect().bottom > window.innerHeight + 240) return;
  loading = true;
  try {
    const response = await fetch(`${map.dataset.source}?offset=${drawn}`);
    if (!response.ok) throw new Error(`status ${response.status}`);
    const batch = await response.json();
    if (!project) drawGround(batch.box);
    batch.homes.forEach(drawHome);
    drawn += batch.homes.length;
    total = batch.total;
    note.textContent = drawn < total ? `${drawn} of ${total} homes; scroll to see more` : `All ${total} homes`;
    if (drawn >= total) map.dataset.complete = "true";
  } catch (error) {
    note.textContent = `The map could not be loaded (${error.message}); reload the page`;
    drawn = total;
  }
  loading = false;
  more();
}

addEventListener("scroll", more, {passive: true});
addEventListener("resize", more);
more();
