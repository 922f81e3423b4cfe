// The parts of the page, and how often each looks again.

import * as activity from "./activity.js";
import * as ask from "./ask.js";
import { figure } from "./figure.js";
import * as hashtag from "./hashtag.js";
import { write } from "./make.js";
import { poll } from "./poll.js";
import * as posts from "./posts.js";

const SECOND = 1000;
const part = (id) => document.getElementById(id);
const stretches = part("stretches");

function ofTag() {
  return hashtag.tag() ? [`hashtags/${encodeURIComponent(hashtag.tag())}`, {}] : null;
}

function timeline() {
  const step = stretches.elements.step.value;
  return ["timeline", hashtag.tag() ? { step, hashtag: hashtag.tag() } : { step }];
}

const live = [
  poll(activity.look, 2 * SECOND, { trouble: activity.trouble, heartbeat: true }),
  poll(posts.look, 2 * SECOND, { trouble: posts.trouble }),
];
ask.install(() => setTimeout(() => live.forEach((look) => look()), SECOND / 4));
performance.mark("interactive");

poll(hashtag.look, 10 * SECOND);
figure(part("authors"), () => ["authors", { limit: 10 }], 4 * SECOND);
figure(part("drift"), () => ["drift", {}], 30 * SECOND, { told: part("drift-told") });
const unchosen = { otherwise: "Choose one, or type any." };
const ofHashtag = figure(part("hashtag-figure"), ofTag, 4 * SECOND, unchosen);
const overTime = figure(part("timeline"), timeline, 4 * SECOND);
hashtag.install(() => {
  write(part("timeline-of"), hashtag.tag() && ` of #${hashtag.tag()}`);
  ofHashtag();
  overTime();
});
stretches.addEventListener("change", () => overTime());
