// Looking again and again: only while the page is seen, one request at a time for each part.

import * as connection from "./connection.js";
import { NoAnswer, Problem } from "./service.js";

const LONGEST = 60_000; // milliseconds between two looks
const TROUBLED = 3_000; // while the service doesn't answer

const news = new EventTarget();

// Tells the parts that hear this name that something is new.
export function tell(name) {
  news.dispatchEvent(new Event(name));
}

// Looks every so many milliseconds; of what has news, only while there is some, and else once in a
// longer rest, for what nobody tells of.
export function poll(look, every, options = {}) {
  const { trouble = () => {}, heartbeat = false, hears = null, rest = every } = options;
  let timer = null;
  let began = 0;
  let looking = false;
  let wanted = false; // somebody asked for another look meanwhile
  let stale = false; // something is new since the last look began
  let failures = 0;

  async function turn() {
    clearTimeout(timer);
    if (looking) {
      wanted = true;
      return;
    }
    if (document.hidden) return;
    if (connection.isDown() && !heartbeat) {
      connection.onceUp(turn);
      return;
    }
    looking = true;
    stale = false;
    began = performance.now();
    let pause;
    try {
      await look();
      failures = 0;
      connection.up();
      trouble(null);
      pause = stale ? every : Math.max(every, rest);
    } catch (error) {
      pause = after(error);
    }
    looking = false;
    timer = setTimeout(turn, wanted ? 0 : pause);
    wanted = false;
  }

  function after(error) {
    if (error instanceof NoAnswer) {
      connection.down();
      return TROUBLED;
    }
    failures += 1;
    trouble(error);
    let pause = 2 * every;
    if (error instanceof Problem && error.status === 429) {
      pause = 1000 * error.retryAfter;
      every = Math.min(2 * every, LONGEST); // from now on
    }
    return Math.min(pause * 2 ** (failures - 1), LONGEST);
  }

  function heed() {
    stale = true;
    if (looking || failures || connection.isDown()) return; // soon enough, or later
    clearTimeout(timer);
    timer = setTimeout(turn, Math.max(0, began + every - performance.now()));
  }

  if (hears) news.addEventListener(hears, heed);
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) turn();
  });
  turn();
  return turn;
}
