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
  const tag = hashtag.shown();
  return tag && [`hashtags/${encodeURIComponent(tag)}`, {}];
}

function timeline() {
  const step = stretches.elements.step.value;
  return ["timeline", hashtag.tag() ? { step, hashtag: hashtag.tag() } : { step }];
}

const stored = { hears: "stored", rest: 30 * SECOND };
const live = [
  poll(activity.look, 2 * SECOND, { trouble: activity.trouble, heartbeat: true }),
  poll(posts.look, 2 * SECOND, { trouble: posts.trouble, hears: "answered", rest: 10 * SECOND }),
];
ask.install(() => setTimeout(() => live.forEach((look) => look()), SECOND / 4));
performance.mark("interactive");

const none = { otherwise: "No post has one yet. Type any." };
const ofHashtag = figure(part("hashtag-figure"), ofTag, 4 * SECOND, { ...stored, ...none });
const overTime = figure(part("timeline"), timeline, 4 * SECOND, stored);
const showHashtag = () => {
  const also = hashtag.tag() ? "" : ", the most used";
  write(part("hashtag-of"), hashtag.shown() ? `: #${hashtag.shown()}${also}` : "");
  ofHashtag();
};
hashtag.install(() => {
  write(part("timeline-of"), hashtag.tag() && ` of #${hashtag.tag()}`);
  showHashtag();
  overTime();
}, showHashtag);
poll(hashtag.look, 10 * SECOND, stored);
figure(part("authors"), () => ["authors", { limit: 10 }], 4 * SECOND, stored);
figure(part("drift"), () => ["drift", {}], 30 * SECOND, { told: part("drift-told") });
stretches.addEventListener("change", () => overTime());
