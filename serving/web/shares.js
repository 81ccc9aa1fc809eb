// What each input adds to an answer: bars to the right for more, to the left for less, the largest first.

import { element, quantity, words } from "/static/dom.js";

const SHOWN = 12;

// The chart for one output's shares; `label` picks one of several labels.
export function sharesChart(output, { base, contributions }, label) {
  const pick = (value) => label === undefined ? value : value[label];
  const all = Object.entries(contributions).map(([name, value]) => [name, pick(value)]);
  all.sort((a, b) => Math.abs(b[1]) - Math.abs(a[1]));
  const shown = all.slice(0, SHOWN);
  const rest = all.slice(SHOWN).reduce((sum, [, value]) => sum + value, 0);
  if (all.length > SHOWN) shown.push([`${all.length - SHOWN} others together`, rest]);
  const most = Math.max(...shown.map(([, value]) => Math.abs(value)), Number.MIN_VALUE);
  const rows = shown.map(([name, value]) => bar(words(name), value, Math.abs(value) / most, output.unit));
  const what = label === undefined ? words(output.name) : label;
  return element("figure", { className: "shares" },
    element("figcaption", {}, `What moves ${what} from ${quantity(pick(base), output.unit)}, the mean of rows to compare with`),
    element("dl", {}, ...rows));
}

function bar(name, value, share, unit) {
  const mark = element("span", { className: value < 0 ? "less" : "more", ariaHidden: "true" });
  mark.style.setProperty("--share", share);
  const sign = value > 0 ? "+" : value < 0 ? "\u2212" : "";
  return element("div", {}, element("dt", {}, name), element("dd", {}, `${sign}${quantity(Math.abs(value), unit)}`, mark));
}
