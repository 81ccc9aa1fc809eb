// Friendly forms of a model's tensors: a picture, a text or a seed in place of numbers.

export const KINDS = { image: "a picture", text: "a text", translation: "a text", seed: "a seed" };

// The one input that a form has, as the page draws inputs.
export const formInput = (form) => ({
  name: form.field, kind: form.kind, datatype: "", unit: null, minimum: null, maximum: null, categories: null,
  description: `Takes ${KINDS[form.kind]}.`,
});

// What a form answers, where that is not the graph's own outputs.
export const formOutputs = (form) => form?.output
  ? [{ name: form.output, picture: form.kind === "seed", text: form.kind === "translation" }]
  : null;

export function picture(base64, alt) {
  return Object.assign(document.createElement("img"), { className: "picture", src: `data:image/png;base64,${base64}`, alt });
}

// A control for a form's input, or undefined where `kind` is none of ours.
export function formControl(id, kind) {
  if (kind === "image") return pictureControl(id);
  if (kind === "text" || kind === "translation") return textControl(id);
  if (kind === "seed") return seedControl(id);
  return undefined;
}

function textControl(id) {
  const entry = Object.assign(document.createElement("textarea"), { id, rows: 6, spellcheck: false });
  const read = () => entry.value.trim() === "" ? undefined : entry.value;
  return { entry, read, show: (value) => { entry.value = value ?? ""; } };
}

function seedControl(id) {
  const entry = Object.assign(document.createElement("input"), { id, type: "number", min: 0, step: 1, value: 0 });
  const read = () => entry.value === "" ? undefined : Number(entry.value);
  return { entry, read, show: (value) => { entry.value = value ?? ""; } };
}

function pictureControl(id) {
  const entry = Object.assign(document.createElement("input"), { id, type: "file", accept: "image/png,image/jpeg" });
  const preview = document.createElement("div");
  let content;
  const show = (value) => {
    content = value;
    entry.value = "";
    preview.replaceChildren(...(value ? [picture(value, "the picture that is sent")] : []));
  };
  // The page asks for an answer on "input"; the file is there only once it is read.
  entry.addEventListener("input", (event) => {
    if (!entry.files.length) return;
    event.stopImmediatePropagation();
    const reader = new FileReader();
    reader.onload = () => {
      content = reader.result.split(",")[1];
      preview.replaceChildren(picture(content, entry.files[0]?.name ?? ""));
      entry.dispatchEvent(new CustomEvent("ready"));
    };
    reader.readAsDataURL(entry.files[0]);
  });
  return { entry, read: () => content, show, extra: preview };
}

// The request from a shell; a picture goes as a file.
export function curl(url, form, body, keyed) {
  const asked = keyed ? `curl ${url} -H "Authorization: Bearer $KEY"` : `curl ${url}`;
  if (form?.kind === "image") return `${asked} -F ${form.field}=@picture.png`;
  if (form?.kind === "seed") return `${asked} -H 'Accept: image/png' -o picture.png -d '${body}'`;
  return `${asked} -d '${body.replaceAll("'", "'\\''")}'`;
}
