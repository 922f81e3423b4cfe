// The question: a post's address or a text, whichever it looks like.

import { down, up } from "./connection.js";
import { make } from "./make.js";
import { refusal, result } from "./result.js";
import { NoAnswer, post } from "./service.js";

const ADDRESS = /^(https?:\/\/\S+|(www\.|mobile\.)?(x|twitter)\.com\/\S+|\d{15,20})$/i;
const UNANSWERED =
  "The service does not answer. Your question stays here: ask again once it does.";
const BLANK = "Nothing was asked: paste a post's address, or write a text.";
const form = document.getElementById("ask");
const field = document.getElementById("question");
const shown = document.getElementById("result");
let asked = 0; // only the last question's answer is shown

export function install(onAnswer) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    ask(onAnswer);
  });
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    form.requestSubmit();
  });
  document.addEventListener("click", ({ target }) => {
    const example = target.closest("button[data-question]");
    if (!example) return;
    field.value = example.dataset.question;
    form.requestSubmit();
  });
  const before = decode(location.hash);
  if (before) {
    field.value = before;
    ask(onAnswer);
  }
}

async function ask(onAnswer) {
  const question = field.value.trim();
  const number = ++asked;
  if (!question) {
    remember("");
    shown.removeAttribute("aria-busy");
    shown.replaceChildren(make("p", { className: "note" }, BLANK));
    return;
  }
  const isAddress = ADDRESS.test(question);
  remember(isAddress ? question : "");
  shown.setAttribute("aria-busy", "true");
  const answer = await answered(question, isAddress);
  if (number !== asked) return;
  shown.removeAttribute("aria-busy");
  shown.replaceChildren(answer);
  onAnswer();
}

async function answered(question, isAddress) {
  const input = isAddress ? { url: question } : { text: question };
  try {
    const { results, timing } = await post("v1/sentiment", { inputs: [input] });
    up();
    const [answer] = results;
    return answer.sentimentAnalyst ? result(answer, timing) : refusal(answer, isAddress);
  } catch (error) {
    if (error instanceof NoAnswer) {
      down();
      return make("p", { className: "note" }, UNANSWERED);
    }
    return refusal(error, isAddress);
  }
}

// A post's address stays in the page's own, after #, which no server sees: a reload asks again.
function remember(address) {
  const here = location.pathname + location.search;
  history.replaceState(null, "", address ? `${here}#post=${encodeURIComponent(address)}` : here);
}

function decode(hash) {
  try {
    return hash.startsWith("#post=") ? decodeURIComponent(hash.slice(6)) : "";
  } catch {
    return "";
  }
}
