// A figure of the service's: drawn anew only when it changed, with its table for whoever wants it.

import { make } from "./make.js";
import { poll } from "./poll.js";
import { get, getText } from "./service.js";

const GRAIN = 20; // pixels; a window that is made a little wider needs no other picture

// path() names the figure now, and what it is asked with; null while there is none.
export function figure(holder, path, every, otherwise = "") {
  const trouble = make("p", { className: "trouble", role: "status" });
  const picture = make("div", { className: "picture" });
  const table = tabled(path);
  holder.replaceChildren(trouble, picture, table.details);
  let last;

  async function look() {
    const asked = path();
    const text = asked && (await getText(address(asked, "svg", { width: width(picture) })));
    if (text === last) return;
    last = text;
    picture.replaceChildren(text ? drawn(text) : make("p", { className: "faint" }, otherwise));
    table.details.hidden = !text;
    await table.fill();
  }

  const again = poll(look, every, {
    trouble: (error) => (trouble.textContent = error ? `Not up to date: ${error.message}.` : ""),
  });
  let was = width(picture);
  new ResizeObserver(() => {
    if (width(picture) !== was) again();
    was = width(picture);
  }).observe(picture);
  return again;
}

function address([name, query], form, more = {}) {
  return `figures/${name}.${form}?${new URLSearchParams({ ...query, ...more })}`;
}

function width(element) {
  return Math.max(280, Math.floor(element.clientWidth / GRAIN) * GRAIN);
}

function drawn(text) {
  const { documentElement } = new DOMParser().parseFromString(text, "image/svg+xml");
  if (documentElement.localName !== "svg") throw new Error("the figure can’t be read");
  return document.importNode(documentElement, true);
}

function tabled(path) {
  const table = make("table");
  const scroll = make("div", { className: "scroll", tabIndex: 0, role: "region", "aria-label": "Table" }, table);
  const details = make("details", { hidden: true }, make("summary", {}, "As a table"), scroll);
  details.addEventListener("toggle", () => fill().catch(() => {})); // the next look tells

  async function fill() {
    if (!details.open || !path()) return;
    const { title, columns, rows } = await get(address(path(), "json"));
    const heads = columns.map((column) => make("th", { scope: "col" }, column));
    const body = rows.map(([first, ...rest]) =>
      make("tr", {}, make("th", { scope: "row" }, first), ...rest.map((cell) => make("td", {}, cell))),
    );
    table.replaceChildren(
      make("caption", {}, title),
      make("thead", {}, make("tr", {}, ...heads)),
      make("tbody", {}, ...body),
    );
  }
  return { details, fill };
}
