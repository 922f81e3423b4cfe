// Whether the service answers; whoever polls waits while it doesn't, but for the heartbeat.

import { write } from "./make.js";

const shown = document.getElementById("connection");
const waiting = new Set();
let state = "connecting";

export function isDown() {
  return state === "down";
}

export function onceUp(again) {
  waiting.add(again);
}

export function up() {
  if (state === "up") return;
  say("up", "live");
  const woken = [...waiting];
  waiting.clear();
  for (const again of woken) again();
}

export function down() {
  say("down", "The service does not answer; trying again.");
}

function say(next, words) {
  state = next;
  document.body.dataset.connection = next;
  write(shown, words);
}
