// What the service did in the last hour.

import { write } from "./make.js";
import { tell } from "./poll.js";
import { get } from "./service.js";

const SVG = "http://www.w3.org/2000/svg";
const [WIDTH, HEIGHT] = [600, 48];
const LONGEST = 10_000; // milliseconds; the service tells this of whatever took longer
const shown = (id) => document.getElementById(id);
const whole = new Intl.NumberFormat();
const share = new Intl.NumberFormat(undefined, { style: "percent", maximumFractionDigits: 1 });
const RECORDED = 250; // milliseconds after which the store has what was answered, mostly
const bars = [];
let before = null; // answers that weren't remembered, when it looked last

export async function look() {
  const hour = await get("v1/activity");
  write(shown("rate"), whole.format(Math.round(hour.postsPerMinute)));
  write(shown("answered"), whole.format(hour.posts));
  write(shown("hit-rate"), hour.hitRate === null ? "–" : share.format(hour.hitRate));
  write(shown("median"), milliseconds(hour.medianMilliseconds));
  write(shown("p99"), milliseconds(hour.p99Milliseconds));
  write(shown("model"), hour.model);
  const fresh = hour.minutes.reduce((sum, { misses }) => sum + misses, 0);
  if (before !== null && fresh !== before) setTimeout(tell, RECORDED, "answered");
  before = fresh;
  draw(hour.minutes.map(({ hits, misses }) => hits + misses));
}

export function trouble(error) {
  write(shown("activity-trouble"), error ? `Not up to date: ${error.message}.` : "");
}

function milliseconds(value) {
  if (value === null) return "–";
  if (value >= LONGEST) return `over ${LONGEST / 1000} s`;
  return `${value < 10 ? value.toFixed(1) : whole.format(Math.round(value))} ms`;
}

function draw(posts) {
  const most = Math.max(...posts);
  const step = WIDTH / posts.length;
  if (!bars.length) bars.push(...posts.map(() => document.createElementNS(SVG, "rect")));
  posts.forEach((count, i) => {
    const height = count ? Math.max(2, (HEIGHT * count) / most) : 1;
    place(bars[i], { x: i * step, y: HEIGHT - height, width: step - 3, height, rx: 1.5 });
    bars[i].setAttribute("class", count ? "minute" : "minute none");
  });
  const picture = shown("minutes").firstElementChild ?? canvas();
  const words = `Posts in each of the last ${posts.length} minutes; at most ${whole.format(most)}.`;
  if (picture.getAttribute("aria-label") !== words) picture.setAttribute("aria-label", words);
}

function canvas() {
  const svg = document.createElementNS(SVG, "svg");
  place(svg, { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", preserveAspectRatio: "none" });
  svg.append(...bars);
  shown("minutes").append(svg);
  return svg;
}

function place(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
}
