// The newest posts: those that are on the page already stay as they are.

import { feedback } from "./feedback.js";
import { labelled } from "./labels.js";
import { make, when, write } from "./make.js";
import { tell } from "./poll.js";
import { who } from "./result.js";
import { get } from "./service.js";

const MOST = 10;
const list = document.getElementById("posts");
const nothing = document.getElementById("nothing");
const shown = new Map(); // by what makes an entry another one
let last = null;

export async function look() {
  const { posts } = await get(`v1/posts?limit=${MOST}`);
  nothing.hidden = posts.length > 0;
  const wanted = posts.map((entry) => [keyOf(entry), entry]);
  const keys = new Set(wanted.map(([key]) => key));
  const now = [...keys].join();
  if (last !== null && now !== last) tell("stored");
  last = now;
  for (const [key, entry] of shown) {
    // Nobody who is in one of them loses their place.
    if (keys.has(key) || entry.contains(document.activeElement)) continue;
    entry.remove();
    shown.delete(key);
  }
  let next = list.firstElementChild;
  for (const [key, post] of wanted) {
    const entry = shown.get(key) ?? entered(key, post);
    if (entry === next) next = next.nextElementSibling;
    else list.insertBefore(entry, next);
  }
}

export function trouble(error) {
  write(document.getElementById("posts-trouble"), error ? `Not up to date: ${error.message}.` : "");
}

function keyOf({ post, predictedAt }) {
  return `${post.platform}/${post.id}/${predictedAt}`;
}

function entered(key, { post, textInput, sentimentAnalyst, scores, predictedAt }) {
  const best = scores[sentimentAnalyst].toFixed(2);
  const score = make("span", { className: "number faint" }, best);
  const entry = make(
    "li",
    {},
    make("p", { className: "said" }, labelled(sentimentAnalyst), " ", score),
    make(
      "div",
      {},
      make("p", { className: "text" }, textInput ?? "The text of this post may not be shown."),
      make(
        "div",
        { className: "about" },
        who(post) ?? make("p", { className: "who faint" }, "a text · ", when(predictedAt)),
        feedback(post, Object.keys(scores)),
      ),
    ),
  );
  shown.set(key, entry);
  return entry;
}
