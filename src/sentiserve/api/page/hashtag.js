// A hashtag: typed, or one of the most used.

import { make } from "./make.js";
import { get } from "./service.js";

const MOST = 8; // that are shown; more are suggested
const form = document.getElementById("hashtag");
const field = document.getElementById("tag");
const suggested = document.getElementById("tags");
const popular = document.getElementById("popular");
let chosen = "";
let last = null;
let most; // used of all; undefined while nobody knows
let onMost = () => {};

export function tag() {
  return chosen;
}

// The chosen one, or the most used; null where there is none, undefined while nobody knows.
export function shown() {
  return chosen || most;
}

export function install(onChoice, onOther) {
  onMost = onOther;
  const choose = (name) => {
    chosen = name.trim().replace(/^#/, "");
    field.value = chosen && `#${chosen}`;
    mark();
    onChoice();
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    choose(field.value);
  });
  popular.addEventListener("click", ({ target }) => {
    const button = target.closest("button");
    if (!button) return;
    choose(isChosen(button) ? "" : button.dataset.tag);
  });
}

export async function look() {
  const { hashtags } = await get("v1/hashtags?limit=50");
  const names = hashtags.map(({ hashtag }) => hashtag);
  if (names.join() === last) return; // their order is what matters here
  last = names.join();
  const other = (names[0] ?? null) !== most;
  most = names[0] ?? null;
  if (other && !chosen) onMost();
  suggested.replaceChildren(...names.map((name) => make("option", { value: `#${name}` })));
  const first = names.slice(0, MOST);
  const buttons = new Map([...popular.children].map((button) => [button.dataset.tag, button]));
  for (const [name, button] of buttons) if (!first.includes(name)) button.remove();
  for (const name of first) if (!buttons.has(name)) popular.append(offer(name));
  mark();
}

function offer(name) {
  const button = make("button", { type: "button", className: "small" }, `#${name}`);
  button.dataset.tag = name;
  return button;
}

function mark() {
  for (const button of popular.children) {
    button.setAttribute("aria-pressed", String(isChosen(button)));
  }
}

function isChosen(button) {
  return button.dataset.tag === chosen.toLowerCase();
}
