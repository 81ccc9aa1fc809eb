// How the service does now: latency and load from its metrics, drift input by input, looked at again and again.

import { ask } from "/static/ask.js";
import { element, short, words } from "/static/dom.js";

const EVERY_MS = 2000;
const SHIFTED = 0.25, UNSTEADY = 0.1, ENOUGH = 500;
const SHOWN = 15;

export class Live {
  constructor(model) {
    this.model = model;
    this.before = null;
  }

  start() {
    this.stop();
    this.look();
    this.timer = setInterval(() => this.look(), EVERY_MS);
  }

  stop() {
    clearInterval(this.timer);
  }

  async look() {
    try {
      const [text, drift] = await Promise.all([
        ask("/metrics").then((response) => response.text()),
        ask(`/models/${this.model.name}/drift`).then((response) => response.json()),
      ]);
      this.latency(text);
      this.drift(drift);
    } catch (error) {
      document.getElementById("live-now").textContent = `No figures: ${error.message}`;
    }
  }

  // Between two looks: requests a second, and the time within which half and nearly all were answered.
  latency(text) {
    const now = { at: performance.now(), buckets: buckets(text, this.model) };
    const last = this.before;
    this.before = now;
    const total = now.buckets.reduce((most, [, count]) => Math.max(most, count), 0);
    const facts = [["Requests since the start", total.toLocaleString("en")]];
    if (last) {
      const seconds = (now.at - last.at) / 1000;
      const earlier = new Map(last.buckets);
      const fresh = now.buckets.map(([edge, count]) => [edge, count - (earlier.get(edge) ?? 0)]);
      const number = fresh.reduce((most, [, count]) => Math.max(most, count), 0);
      facts.push(["Requests a second", short(number / seconds, 3)]);
      facts.push(["Half within", within(fresh, 0.5)], ["99 % within", within(fresh, 0.99)]);
    }
    document.getElementById("live-now").replaceChildren(...facts.map(([name, value]) =>
      element("div", {}, element("dt", {}, name), element("dd", {}, value))));
  }

  drift({ rows, inputs }) {
    const said = document.getElementById("live-said");
    said.textContent = rows === 0
      ? "Nothing has been asked yet: drift shows once there are requests."
      : `The last ${rows.toLocaleString("en")} rows beside the training rows. An index over ${SHIFTED} has shifted; under ${ENOUGH} rows it is mostly chance.`;
    const percent = (share) => share.toLocaleString("en", { style: "percent", maximumFractionDigits: 1 });
    const mark = (psi) => rows < ENOUGH ? "few rows" : psi > SHIFTED ? "shifted" : psi > UNSTEADY ? "unsteady" : "stable";
    document.getElementById("live-rows").replaceChildren(...inputs.slice(0, SHOWN).map((each) =>
      element("tr", {}, element("th", { scope: "row" }, words(each.name)),
        element("td", {}, element("span", { className: mark(each.psi).replace(" ", "-") }, mark(each.psi)), ` ${each.psi.toFixed(2)}`),
        element("td", {}, `${percent(each.missing)} (${percent(each.missing_in_training)})`),
        element("td", {}, percent(each.unseen)))));
    document.getElementById("live-table").hidden = rows === 0;
  }
}

// The cumulative buckets of a model's answers over HTTP, all versions together: [edge in seconds, count].
function buckets(text, model) {
  const sums = new Map();
  for (const line of text.split("\n")) {
    if (!line.startsWith("millrace_request_seconds_bucket{") || !line.includes(`model="${model.name}"`)) continue;
    const edge = /le="([^"]+)"/.exec(line)[1];
    const at = edge === "+Inf" ? Infinity : Number(edge);
    sums.set(at, (sums.get(at) ?? 0) + Number(line.slice(line.lastIndexOf(" "))));
  }
  return [...sums].sort((a, b) => a[0] - b[0]);
}

function within(fresh, share) {
  const number = fresh.reduce((most, [, count]) => Math.max(most, count), 0);
  if (number === 0) return "\u2013";
  const edge = fresh.find(([, count]) => count >= share * number)[0];
  return edge === Infinity ? "over 30 s" : `${short(edge * 1000, 3)} ms`;
}
