// What the pages share: making elements, and showing names, numbers and quantities to people.

export function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

export const words = (name) => {
  const text = name.replaceAll("_", " ").trim();
  return text.charAt(0).toUpperCase() + text.slice(1);
};

export const short = (number, digits = 6) => number.toLocaleString("en", { maximumSignificantDigits: digits });

export function quantity(value, unit) {
  if (value === null) return "not a number";
  if (typeof value !== "number") return String(value);
  if (/^[A-Z]{3}$/.test(unit ?? "")) {
    const digits = Math.abs(value) < 100 ? 2 : 0;
    return value.toLocaleString("en", { style: "currency", currency: unit, maximumFractionDigits: digits });
  }
  return unit ? `${short(value)} ${unit}` : short(value);
}
