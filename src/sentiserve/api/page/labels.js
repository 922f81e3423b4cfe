// A label is a word with a mark, and only then a colour.

import { make } from "./make.js";

const MARKS = { negative: "▼", neutral: "●", positive: "▲" };

function kindOf(label) {
  return Object.hasOwn(MARKS, label) ? label : "other"; // other models have other labels
}

export function labelled(label) {
  const kind = kindOf(label);
  const mark = make("span", { className: "mark", "aria-hidden": "true" }, MARKS[kind] ?? "■");
  return make("span", { className: `label ${kind}` }, mark, label);
}

export function scores(given) {
  const rows = Object.entries(given).map(([label, score]) => {
    const bar = make("span", { className: `bar ${kindOf(label)}` });
    bar.style.setProperty("--share", score);
    const number = make("span", { className: "number" }, score.toFixed(3));
    return make("li", {}, labelled(label), make("span", { className: "track" }, bar), number);
  });
  return make("ul", { className: "scores", "aria-label": "Scores" }, ...rows);
}
