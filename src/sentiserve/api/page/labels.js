// A label is a word with a mark, and only then a colour.

import { make } from "./make.js";

const MARKS = { negative: "▼", neutral: "●", positive: "▲" };

export function labelled(label) {
  const kind = label in MARKS ? label : "other";
  const mark = make("span", { className: "mark", "aria-hidden": "true" }, MARKS[label] ?? "■");
  return make("span", { className: `label ${kind}` }, mark, label);
}

export function scores(given) {
  const rows = Object.entries(given).map(([label, score]) => {
    const bar = make("span", { className: `bar ${label in MARKS ? label : "other"}` });
    bar.style.setProperty("--share", score);
    const number = make("span", { className: "number" }, score.toFixed(3));
    return make("li", {}, labelled(label), make("span", { className: "track" }, bar), number);
  });
  return make("ul", { className: "scores", "aria-label": "Scores" }, ...rows);
}
