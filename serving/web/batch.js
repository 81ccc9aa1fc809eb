// A CSV dropped on the page: sent as it is, its rows shown with their predictions, and the whole to download.

import { ask } from "/static/ask.js";
import { element, quantity, words } from "/static/dom.js";

const SHOWN = 50;

export class Batch {
  constructor(model) {
    this.model = model;
    const file = document.getElementById("batch-file");
    const zone = document.getElementById("batch");
    file.value = "";
    this.show();
    file.onchange = () => {
      if (!file.files.length) return;
      this.send(file.files[0]);
      file.value = "";  // so that the same file can be chosen again once it is mended
    };
    zone.ondragover = (event) => { event.preventDefault(); zone.classList.add("over"); };
    zone.ondragleave = () => zone.classList.remove("over");
    zone.ondrop = (event) => {
      event.preventDefault();
      zone.classList.remove("over");
      if (event.dataTransfer.files.length) this.send(event.dataTransfer.files[0]);
    };
    document.getElementById("batch-example").onclick = () => download(`${model.name}.csv`, example(model));
  }

  async send(file) {
    this.say(`${file.name}: sending ...`);
    try {
      const text = await file.text();
      const start = performance.now();
      const response = await ask(`/models/${this.model.name}/predict`,
        { method: "POST", headers: { "Content-Type": "text/csv", Accept: "text/csv" }, body: text });
      const answer = await response.text();
      if (!response.ok) throw new Error(JSON.parse(answer).error);
      this.rows(file.name, parse(text), parse(answer), performance.now() - start);
    } catch (error) {
      this.say(`${file.name}: ${error.message}`, true);
    }
  }

  rows(name, given, answers, tookMs) {
    const header = [...answers[0], ...given[0]];
    const all = given.slice(1).map((row, at) => [...answers[at + 1], ...row]);
    const units = new Map(this.model.outputs.map((output) => [output.name, output.unit]));
    const cell = (text, at) => at < answers[0].length && text !== "" && Number.isFinite(Number(text))
      ? quantity(Number(text), units.get(header[at])) : text;
    const table = element("table", {},
      element("caption", { className: "hidden" }, `The first ${Math.min(SHOWN, all.length)} rows`),
      element("thead", {}, element("tr", {}, ...header.map((name) => element("th", { scope: "col" }, words(name))))),
      element("tbody", {}, ...all.slice(0, SHOWN).map((row) =>
        element("tr", {}, ...row.map((text, at) => element("td", {}, cell(text, at)))))));
    const save = element("button", { type: "button", className: "main" }, "Download all as CSV");
    save.onclick = () => download(`${this.model.name}-predictions.csv`, [header, ...all]);
    this.show(save, element("div", { className: "scroll", tabIndex: 0, role: "region", ariaLabel: "Rows with predictions" }, table));
    const some = all.length > SHOWN ? `; the first ${SHOWN} are shown` : "";
    this.tell(`${name}: ${all.length.toLocaleString("en")} rows answered in ${tookMs.toFixed(0)} ms${some}.`);
  }

  say(text, wrong = false) {
    this.show();
    this.tell(text, wrong);
  }

  tell(text, wrong = false) {
    const said = document.getElementById("batch-said");
    said.textContent = text;
    said.className = wrong ? "fault" : "soft";
  }

  show(...made) {
    document.getElementById("batch-said").textContent = "";
    document.getElementById("batch-rows").replaceChildren(...made);
  }
}

const example = ({ inputs, example: row }) =>
  [inputs.map(({ name }) => name), inputs.map(({ name }) => String(row[name] ?? ""))];

// RFC 4180: commas, quotes, doubled quotes, lines within quotes. Blank lines are no rows.
export function parse(text) {
  const rows = [];
  let row = [], cell = "", quoted = false;
  const end = () => { row.push(cell); cell = ""; };
  const endRow = () => { end(); if (row.length > 1 || row[0] !== "") rows.push(row); row = []; };
  const clean = text.replace(/^\uFEFF/, "");
  for (let at = 0; at < clean.length; at++) {
    const letter = clean[at];
    if (quoted && letter === '"' && clean[at + 1] === '"') { cell += '"'; at++; }
    else if (letter === '"') quoted = !quoted;
    else if (quoted) cell += letter;
    else if (letter === ",") end();
    else if (letter === "\n") endRow();
    else if (letter !== "\r") cell += letter;
  }
  if (cell !== "" || row.length) endRow();
  return rows;
}

const written = (cell) => /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;

function download(name, rows) {
  const text = rows.map((row) => row.map(written).join(",")).join("\r\n") + "\r\n";
  const url = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  element("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}
