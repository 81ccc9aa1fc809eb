// Every request of the pages. Where the service asks for an API key, so does the page, and keeps it for its tab.

import { element } from "/static/dom.js";

const KEPT = "millrace-key";
let asking = null;
let declined = false;

export const keyed = () => sessionStorage.getItem(KEPT) !== null;

export async function ask(path, options = {}) {
  for (;;) {
    const key = sessionStorage.getItem(KEPT);
    const headers = new Headers(options.headers);
    if (key) headers.set("Authorization", `Bearer ${key}`);
    const response = await fetch(path, { ...options, headers });
    if (response.status !== 401 || declined) return response;
    // Another request may have been given one meanwhile.
    if (sessionStorage.getItem(KEPT) !== key) continue;
    asking ??= askForKey(key !== null).finally(() => { asking = null; });
    if (!await asking) return response;
  }
}

// Whether a key was given; who closes the dialog without one is not asked again before the page is loaded anew.
function askForKey(refused) {
  const entry = element("input", { id: "key", type: "password", required: true, pattern: "[!-~]+", autocomplete: "off" });
  const later = element("button", { type: "button" }, "Not now");
  const form = element("form", { method: "dialog" },
    element("h2", { id: "key-title" }, "This service needs an API key"),
    element("p", { className: "soft" }, refused ? "The key given is none of the service's." : "Who runs it can give you one."),
    element("label", { htmlFor: "key" }, "Key"), entry,
    element("p", { className: "row" }, element("button", { className: "main", value: "given" }, "Use it"), later));
  const dialog = element("dialog", { className: "card" }, form);
  dialog.setAttribute("aria-labelledby", "key-title");
  later.onclick = () => dialog.close();
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.onclose = () => {
      const given = dialog.returnValue === "given";
      if (given) sessionStorage.setItem(KEPT, entry.value);
      declined = !given;
      dialog.remove();
      resolve(given);
    };
  });
}
