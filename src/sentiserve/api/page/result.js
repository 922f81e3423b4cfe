// An answer, and how it came about; or a problem, and what to do.

import { feedback } from "./feedback.js";
import { labelled, scores } from "./labels.js";
import { link, make, when } from "./make.js";

const LONG = 500; // characters; a text that is longer scrolls, also by keyboard

export function result(answer, timing) {
  const { post, textInput, truncated } = answer;
  const label = make("p", { className: "verdict" }, labelled(answer.sentimentAnalyst));
  const said = textInput ?? "The text of this post may not be shown.";
  const text = make("blockquote", said.length > LONG ? { tabIndex: 0 } : {}, said);
  return make(
    "article",
    {},
    make("div", { className: "told" }, label, scores(answer.scores)),
    make(
      "div",
      {},
      text,
      who(post),
      truncated ? make("p", { className: "faint" }, "The model read only its beginning.") : null,
      origin(answer, timing),
      feedback(post, Object.keys(answer.scores)),
    ),
  );
}

export function who({ platform, authorHandle, authorId, url, createdAt }) {
  const author = authorHandle ? `@${authorHandle}` : authorId;
  if (!author && !createdAt && !url) return null;
  const name = author && make("bdi", {}, author); // may turn the direction of its own text alone
  const parts = [name, createdAt && when(createdAt), url && link(url, `on ${platform}`)];
  const shown = parts.filter(Boolean).flatMap((part, i) => (i ? [" · ", part] : [part]));
  return make("p", { className: "who faint" }, ...shown);
}

function origin({ cached, model, post }, timing) {
  const from = post.platform === "text" ? "" : `fetched from ${post.platform}, `;
  const word = make("strong", { className: "cached" }, cached ? "cached" : "new");
  const how = cached ? ": remembered, from the store" : `: ${from}read by the model`;
  const times = timing.map(([part, took]) =>
    make("li", {}, make("span", {}, part), ` ${took.toFixed(1)} ms`),
  );
  return make(
    "div",
    { className: "origin faint" },
    make("p", {}, word, how, " ", make("code", {}, model)),
    make("ul", { className: "times", "aria-label": "Where the time went" }, ...times),
  );
}

const ADVICE = {
  401: "Reload the page, and give your credentials.",
  403: "Its author shows it to followers only: paste its text instead.",
  404: "Look whether the address is whole, or paste the post's text instead.",
  410: "It was deleted; nothing can be said of it any longer.",
  413: "Ask for less at once.",
  422: "Paste the address of one post, as your browser shows it, or any text.",
  502: "Its platform can't be reached from here now: try again, or paste the text instead.",
  504: "Its platform is slow now: try again, or paste the text instead.",
};

export function refusal({ status, detail, message, retryAfter }, isAddress) {
  const soon = retryAfter ? `Try again in ${retryAfter} s.` : null;
  const ofText = !isAddress && status === 422 ? "Shorten or change the text, and ask again." : null;
  const advice = soon ?? ofText ?? ADVICE[status] ?? "Try again.";
  return make(
    "div",
    { className: "note", role: "group", "aria-label": "Problem" },
    make("p", {}, make("strong", {}, "No answer: "), detail ?? message, "."),
    make("p", {}, advice),
  );
}
