// Looking again and again: only while the page is seen, one request at a time for each part.

import * as connection from "./connection.js";
import { NoAnswer, Problem } from "./service.js";

const LONGEST = 60_000; // milliseconds between two looks
const TROUBLED = 3_000; // while the service doesn't answer

export function poll(look, every, { trouble = () => {}, heartbeat = false } = {}) {
  let timer = null;
  let looking = false;
  let wanted = false; // somebody asked for another look meanwhile
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
    let pause = every;
    try {
      await look();
      failures = 0;
      connection.up();
      trouble(null);
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

  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) turn();
  });
  turn();
  return turn;
}
