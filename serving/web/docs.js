// Draws openapi.json: every route with its parameters, fields, answers and a form that sends it.

import { ask } from "/static/ask.js";
import { element } from "/static/dom.js";

let schemas = {};

const resolve = (schema) => schema?.$ref ? schemas[schema.$ref.split("/").pop()] : schema ?? {};

function kind(schema) {
  if (schema.$ref) return schema.$ref.split("/").pop();
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.join(" | ");
  const options = schema.oneOf ?? schema.anyOf;
  if (options) return options.map(kind).join(" or ");
  if (schema.type === "array") return `list of ${kind(schema.items ?? {})}`;
  return [schema.type ?? "any"].flat().join(" or ");
}

function table(rows, first = "Name") {
  const cells = (tag, values) => element("tr", {}, ...values.map((value) => element(tag, {}, value)));
  const head = element("thead", {}, cells("th", [first, "Type", "Note"]));
  return element("div", { className: "scroll" }, element("table", {}, head, element("tbody", {}, ...rows.map((row) => cells("td", row)))));
}

function fields(schema) {
  const found = resolve(schema.oneOf?.[0] ?? schema);
  const required = new Set(found.required ?? []);
  return Object.entries(found.properties ?? {}).map(([name, each]) =>
    [name, kind(each), [required.has(name) ? "Required." : "", each.description ?? ""].join(" ").trim()]);
}

function section(title, ...children) {
  return [element("h3", {}, title), ...children];
}

function described(operation) {
  const parts = [element("p", { className: "soft" }, operation.description ?? "")];
  const parameters = operation.parameters ?? [];
  if (parameters.length) {
    parts.push(...section("Parameters", table(parameters.map((each) =>
      [each.name, kind(each.schema), `in the ${each.in}${each.required ? ", required" : ""}`]))));
  }
  const body = operation.requestBody?.content["application/json"];
  if (body) parts.push(...section(`Body: ${kind(body.schema)}`, table(fields(body.schema))));
  parts.push(...section("Answers", table(Object.entries(operation.responses).map(([status, answer]) =>
    [status, kind(answer.content?.["application/json"]?.schema ?? { type: "" }), answer.description]), "Status")));
  return parts;
}

function trial(method, path, operation) {
  const parameters = (operation.parameters ?? []).filter((each) => each.in === "path");
  const entries = parameters.map((each) => element("input", { name: each.name, required: true }));
  const labels = parameters.map((each, at) => element("label", {}, `${each.name} `, entries[at]));
  const content = operation.requestBody?.content["application/json"];
  const body = content && element("textarea", { ariaLabel: "Body", value: JSON.stringify(content.example ?? {}, null, 1), spellcheck: false });
  const answer = element("pre", { hidden: true, tabIndex: 0 });
  const form = element("form", {}, ...section("Try it"), ...labels, body ?? "", element("button", { className: "main" }, "Send"), answer);
  form.onsubmit = async (event) => {
    event.preventDefault();
    const target = parameters.reduce((text, each, at) => text.replace(`{${each.name}}`, encodeURIComponent(entries[at].value)), path);
    const response = await ask(target, { method: method.toUpperCase(), body: body?.value });
    answer.textContent = `${response.status}\n${pretty(await response.text())}`;
    answer.hidden = false;
  };
  return form;
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 1);
  } catch {
    return text;
  }
}

function operation(method, path, each) {
  const summary = element("summary", {}, element("span", { className: `method ${method}` }, method.toUpperCase()),
    element("code", {}, path), element("span", { className: "soft" }, each.summary ?? ""));
  const details = element("details", { className: "card operation" }, summary);
  details.addEventListener("toggle", () => details.append(...described(each), trial(method, path, each)), { once: true });
  return details;
}

async function start() {
  const response = await ask("/openapi.json");
  const api = await response.json();
  if (!response.ok) {
    document.getElementById("about").textContent = api.error;
    return;
  }
  schemas = api.components.schemas;
  document.getElementById("title").textContent = `${api.info.title} API ${api.info.version}`;
  document.getElementById("about").textContent = api.info.description.replaceAll("`", "");
  const groups = new Map();
  for (const [path, methods] of Object.entries(api.paths)) {
    for (const [method, each] of Object.entries(methods)) {
      const tag = each.tags?.[0] ?? "Other";
      groups.set(tag, [...groups.get(tag) ?? [], operation(method, path, each)]);
    }
  }
  const order = [...groups].sort(([a], [b]) => b.startsWith("Predict") - a.startsWith("Predict"));
  const drawn = order.flatMap(([tag, all]) => [element("h2", { className: "group" }, tag), ...all]);
  document.getElementById("operations").replaceChildren(...drawn);
  document.querySelector(".operation").open = true;
}

start();
