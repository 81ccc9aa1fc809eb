// The models' page: a form made from a model's inputs, answered as one types.

import { ask, keyed } from "/static/ask.js";
import { Batch } from "/static/batch.js";
import { cardSections } from "/static/card.js";
import { element, quantity, short, words } from "/static/dom.js";
import { Live } from "/static/live.js";
import { sharesChart } from "/static/shares.js";
import { KINDS, curl, formControl, formInput, formOutputs, picture } from "/static/forms.js";

const $ = (id) => document.getElementById(id);
const PAUSE_MS = 150;
const EXPLAIN_PAUSE_MS = 350;
const FEW = 10;
const VIEWS = ["try", "batch", "live", "card"];
let site = null;
let live = null;

async function fetchJson(path, options) {
  const response = await ask(path, options);
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error);
  return answer;
}

const percent = (share) => share === null ? "none" : share.toLocaleString("en", { style: "percent", maximumFractionDigits: 1 });

// One control for each kind of input; read() gives undefined for "left out".
function control(input) {
  const id = `field-${input.name}`;
  let entry;
  let read = () => entry.value === "" ? undefined : entry.value;
  const show = (value) => { entry.value = value ?? ""; };
  const made = formControl(id, input.kind);
  if (made) return made;
  if (input.kind === "tensor") {
    entry = element("textarea", { id, spellcheck: false });
    read = () => entry.value.trim() === "" ? undefined : JSON.parse(entry.value);
    return { entry, read, show: (value) => { entry.value = value === undefined ? "" : JSON.stringify(value); } };
  }
  if (input.datatype === "BOOL") {
    entry = choice(id, ["true", "false"]);
    read = () => entry.value === "" ? undefined : entry.value === "true";
    return { entry, read, show: (value) => { entry.value = value === undefined ? "" : String(value); } };
  }
  if (input.kind === "number") {
    entry = element("input", { id, type: "text", inputMode: "decimal", autocomplete: "off" });
    read = () => {
      const text = entry.value.trim();
      return text === "" ? undefined : Number.isFinite(Number(text)) ? Number(text) : text;
    };
    return { entry, read, show };
  }
  entry = input.categories ? choice(id, input.categories) : element("input", { id, type: "text", autocomplete: "off" });
  return { entry, read, show: (value) => { admit(entry, value); show(value); } };
}

const choice = (id, values) =>
  element("select", { id }, new Option("unknown", ""), ...values.map((value) => new Option(value, value)));

function admit(entry, value) {
  if (entry.options && value && ![...entry.options].some((option) => option.value === value)) entry.add(new Option(value, value));
}

function hint(input) {
  if (input.minimum !== null && input.maximum !== null) return `${short(input.minimum)} to ${short(input.maximum)}`;
  return "";
}

function field(input, changed) {
  const { entry, read, show, extra } = control(input);
  const unit = input.unit ? element("span", {}, ` ${input.unit}`) : "";
  const label = element("label", { htmlFor: entry.id, title: input.description || input.name }, words(input.name), unit);
  const note = element("small", { id: `${entry.id}-note` }, hint(input));
  entry.setAttribute("aria-describedby", note.id);
  const wide = input.kind === "tensor" || input.kind in KINDS;
  const box = element("div", { className: wide ? "field wide" : "field" }, label, entry, extra ?? "", note);
  entry.addEventListener("input", changed);
  entry.addEventListener("ready", changed);
  return { input, box, read, show };
}

class ModelForm {
  constructor(model, path) {
    this.model = model;
    this.path = path;
    this.sent = 0;
    const inputs = model.form ? [formInput(model.form)] : model.inputs;
    this.outputs = formOutputs(model.form) ?? model.outputs;
    this.fields = inputs.map((input) => field(input, () => this.later()));
    $("fields").replaceChildren(...this.fields.map((each) => each.box));
    $("load-example").onclick = () => this.fill(model.example);
    $("clear").onclick = () => this.fill({});
    $("find").oninput = () => this.find($("find").value);
    $("find").value = "";
    $("find").hidden = inputs.length < FEW;
    $("none-found").hidden = true;
    $("form").onsubmit = (event) => { event.preventDefault(); this.predict(); };
    this.explained = !model.form && Boolean(model.proof) && model.inputs.every(({ kind }) => kind !== "tensor");
    $("shares").replaceChildren();
    this.pasting();
    this.fill(model.example);
  }

  // A page of the site that the service was started with fills the form.
  pasting() {
    $("paste").hidden = !site || Boolean(this.model.form);
    $("paste-home").textContent = site ?? "";
    $("paste-said").textContent = "";
    $("paste-go").onclick = () => this.paste($("paste-url").value.trim());
    $("paste-url").onkeydown = (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault();
      this.paste($("paste-url").value.trim());
    };
  }

  async paste(url) {
    $("paste-said").className = "soft";
    $("paste-said").textContent = "Reading the page ...";
    try {
      const answer = await fetchJson(`/models/${this.model.name}/predict-url`, { method: "POST", body: JSON.stringify({ url }) });
      const filled = Object.values(answer.records[0]).filter((value) => value !== null).length;
      $("paste-said").textContent = `${filled} fields read from the page; what it does not say is left out.`;
      this.fill(answer.records[0]);
    } catch (error) {
      $("paste-said").className = "fault";
      $("paste-said").textContent = error.message;
    }
  }

  fill(record) {
    for (const each of this.fields) each.show(record[each.input.name] ?? undefined);
    this.predict();
  }

  find(text) {
    const wanted = text.trim().toLowerCase();
    for (const each of this.fields) {
      each.box.hidden = !`${each.input.name} ${words(each.input.name)}`.toLowerCase().includes(wanted);
    }
    $("none-found").hidden = this.fields.some((each) => !each.box.hidden);
  }

  later() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.predict(), PAUSE_MS);
  }

  record() {
    const record = {};
    for (const each of this.fields) {
      try {
        const value = each.read();
        if (value !== undefined) record[each.input.name] = value;
      } catch {
        throw new Error(`field '${each.input.name}' is not JSON`);
      }
    }
    return record;
  }

  async predict() {
    const turn = ++this.sent;
    try {
      const body = JSON.stringify(this.record());
      $("curl").textContent = curl(location.origin + this.path, this.model.form, body, keyed());
      const start = performance.now();
      const answer = await fetchJson(this.path, { method: "POST", body });
      if (turn !== this.sent) return;
      $("took").textContent = `answered in ${(performance.now() - start).toFixed(1)} ms`;
      this.answer(answer.predictions[0]);
      clearTimeout(this.explaining);
      if (this.explained) this.explaining = setTimeout(() => this.explain(body, turn), EXPLAIN_PAUSE_MS);
    } catch (error) {
      if (turn === this.sent) this.refuse(error.message);
    }
  }

  // Shares take many runs of the graph: they follow once one has stopped typing.
  async explain(body, turn) {
    try {
      const { explanations: [found], predictions: [prediction] } = await fetchJson(`${this.path}?explain=1`, { method: "POST", body });
      if (turn !== this.sent) return;
      $("shares").replaceChildren(...this.outputs.filter(({ name }) => name in found).map((output) =>
        sharesChart(output, found[output.name], likeliest(output, prediction[output.name]))));
    } catch {
      $("shares").replaceChildren();
    }
  }

  answer(prediction) {
    this.mark(null);
    $("fault").hidden = true;
    const ends = new Set(this.outputs.flatMap(({ interval }) => interval ? [interval.low, interval.high] : []));
    const shown = this.outputs.filter((output) => !ends.has(output.name));
    $("answer").replaceChildren(...shown.flatMap((output) =>
      [...drawn(output, prediction[output.name]), ...between(output, prediction)]));
  }

  refuse(text) {
    $("answer").replaceChildren();
    $("shares").replaceChildren();
    $("took").textContent = "";
    $("fault").textContent = text;
    $("fault").hidden = false;
    this.mark(/field '([^']+)'/.exec(text)?.[1]);
  }

  mark(name) {
    for (const each of this.fields) {
      const wrong = each.input.name === name;
      each.box.classList.toggle("wrong", wrong);
      each.box.querySelector("input, select, textarea").setAttribute("aria-invalid", String(wrong));
    }
  }
}

// The label whose shares are drawn, where an output has labels.
const likeliest = ({ labels }, value) =>
  labels && value ? Object.keys(value).reduce((best, label) => value[label] > value[best] ? label : best) : undefined;

function drawn(output, value) {
  const name = element("p", { className: "soft" }, words(output.name));
  if (output.picture) return [picture(value, "the picture that was made"), name];
  if (output.text) return [element("p", {}, value), name];
  if (output.labels && value !== null && typeof value === "object" && !Array.isArray(value)) {
    const shares = Object.entries(value).sort((a, b) => b[1] - a[1]).slice(0, 10);
    return [name, ...shares.map(([label, share]) => element("div", { className: "share" },
      label, element("b", {}, percent(share)), element("meter", { min: 0, max: 1, value: share, ariaLabel: label })))];
  }
  if (value !== null && typeof value === "object") return [name, element("pre", {}, JSON.stringify(value))];
  return [element("p", { className: "value" }, quantity(value, output.unit)), name];
}

// What the interval round an answer says, where there is one.
function between({ interval, unit }, prediction) {
  if (!interval) return [];
  const [low, high] = [interval.low, interval.high].map((end) => quantity(prediction[end], unit));
  return [element("p", {}, `between ${low} and ${high} for ${percent(interval.coverage)} of such records`)];
}

function metrics(all) {
  const scalars = Object.entries(all).filter(([, value]) => typeof value === "number");
  return scalars.map(([name, value]) =>
    element("div", {}, element("dt", {}, name), element("dd", {}, value.toLocaleString("en", { maximumSignificantDigits: 4 }))));
}

function open(model) {
  document.title = `${model.name} - Millrace`;
  $("title").textContent = words(model.name);
  const takes = model.form ? `takes ${KINDS[model.form.kind]}` : `${model.inputs.length} inputs`;
  const about = [model.description, `${words(model.task)}, version ${model.version}, ${takes}.`];
  $("about").textContent = about.filter(Boolean).join(" ");
  $("metrics").replaceChildren(...metrics(model.metrics));
  $("metrics").hidden = $("metrics").children.length === 0;
  for (const place of VIEWS) $(`to-${place}`).href = place === "try" ? `#${model.name}` : `#${model.name}/${place}`;
  $("to-card").hidden = !model.card;
  $("to-batch").hidden = Boolean(model.form) || model.inputs.some(({ kind }) => kind === "tensor");
  $("to-live").hidden = Boolean(model.form);
  live?.stop();
  live = new Live(model);
  if (!$("to-batch").hidden) new Batch(model);
  $("card").replaceChildren(...(model.card ? cardSections(model) : []));
  $("model").hidden = false;
  current($("models").children, (link) => link.textContent === model.name);
  new ModelForm(model, `/models/${model.name}/predict`);
}

// Show the view that is asked for, where the model has it; else the form.
function view(wanted) {
  const chosen = VIEWS.includes(wanted) && !$(`to-${wanted}`).hidden ? wanted : "try";
  for (const place of VIEWS) $(place).hidden = place !== chosen;
  if (chosen === "live") live.start();
  else live.stop();
  current($("views").children, (link) => link.id === `to-${chosen}`);
}

function current(links, chosen) {
  for (const link of links) {
    if (chosen(link)) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

async function start() {
  try {
    await begin();
  } catch (error) {
    $("failures").replaceChildren(element("li", {}, error.message));
    $("failures").hidden = false;
  }
}

async function begin() {
  const { models, failures, site: home } = await fetchJson("/models");
  site = home;
  $("models").replaceChildren(...models.map(({ name }) => element("a", { href: `#${name}` }, name)));
  $("models").hidden = models.length < 2;
  $("failures").replaceChildren(...failures.map(({ name, version, reason }) =>
    element("li", {}, `${name} version ${version} is not served: ${reason}`)));
  $("failures").hidden = failures.length === 0;
  let shown;
  // The place is #NAME, or #NAME/ and a view.
  async function go() {
    const [wanted, part] = location.hash.slice(1).split("/");
    const name = (models.find((model) => model.name === wanted) ?? models[0]).name;
    if (name !== shown) {
      shown = name;
      const model = await fetchJson(`/models/${name}`);
      if (name !== shown) return;
      open(model);
    }
    view(part);
  }
  window.addEventListener("hashchange", go);
  await go();
}

start();
