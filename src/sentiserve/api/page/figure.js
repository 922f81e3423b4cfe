// A figure of the service's, with its table for whoever wants it; drawn anew only when it changed.

import { make, write } from "./make.js";
import { poll } from "./poll.js";
import { getText } from "./service.js";

const LOADING = "loading…";
const GRAIN = 20; // pixels; a window that is made a little wider needs no other picture

// path() names the figure now, and what it is asked with; null where there is none, undefined
// while nobody knows.
// Some tell in words too what they show; that goes to an element of its own.
export function figure(holder, path, every, options = {}) {
  const { otherwise = "", told = null, ...polling } = options;
  const trouble = make("p", { className: "trouble", role: "status" });
  const loading = make("p", { className: "faint" }, LOADING);
  const picture = make("div", { className: "picture", "aria-busy": "true" }, loading);
  const table = make("table");
  const region = { className: "scroll", tabIndex: 0, role: "region", "aria-label": "Table" };
  const scroll = make("div", region, table);
  const details = make("details", { hidden: true }, make("summary", {}, "As a table"), scroll);
  holder.replaceChildren(trouble, picture, details);
  if (told) write(told, LOADING);
  let last;

  async function look() {
    const asked = path();
    if (asked === undefined) return;
    const text = asked && (await getText(address(asked, width(picture))));
    if (text === last) return;
    last = text;
    const found = text ? JSON.parse(text) : { rows: [], columns: [] };
    const nothing = make("p", { className: "faint" }, otherwise);
    picture.removeAttribute("aria-busy");
    picture.replaceChildren(found.svg ? drawn(found.svg) : nothing);
    details.hidden = !found.rows.length;
    fill(table, found);
    if (told) write(told, found.description);
  }

  const again = poll(look, every, {
    ...polling,
    trouble: (error) => write(trouble, error ? `Not up to date: ${error.message}.` : ""),
  });
  let was = width(picture);
  new ResizeObserver(() => {
    if (width(picture) !== was) again();
    was = width(picture);
  }).observe(picture);
  return again;
}

function address([name, query], width) {
  return `figures/${name}.json?${new URLSearchParams({ ...query, width })}`;
}

function width(element) {
  return Math.max(280, Math.floor(element.clientWidth / GRAIN) * GRAIN);
}

function drawn(svg) {
  const { documentElement } = new DOMParser().parseFromString(svg, "image/svg+xml");
  if (documentElement.localName !== "svg") throw new Error("the figure can't be read");
  return document.importNode(documentElement, true);
}

function fill(table, { title, columns, rows }) {
  const heads = columns.map((column) => make("th", { scope: "col" }, column));
  const body = rows.map(([first, ...rest]) => {
    const head = make("th", { scope: "row" }, make("bdi", {}, first));
    return make("tr", {}, head, ...rest.map((cell) => make("td", {}, cell)));
  });
  table.replaceChildren(
    make("caption", {}, title),
    make("thead", {}, make("tr", {}, ...heads)),
    make("tbody", {}, ...body),
  );
}
