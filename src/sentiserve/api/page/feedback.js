// The true label, by whoever read the post.

import { labelled } from "./labels.js";
import { make } from "./make.js";
import { post } from "./service.js";

export function feedback({ platform, id }, labels) {
  const said = make("span", { className: "faint", role: "status" });
  const buttons = labels.map((label) => {
    const button = make("button", { type: "button", className: "small" }, labelled(label));
    button.addEventListener("click", () => tell(label));
    return button;
  });

  async function tell(label) {
    said.textContent = "";
    try {
      const { results } = await post("v1/feedback", { items: [{ platform, id, label }] });
      said.textContent = results[0].detail ?? `Kept: ${label}.`;
    } catch (error) {
      said.textContent = error.message;
    }
  }

  const choice = make("span", { className: "choice" }, "It is ", ...buttons, " ", said);
  return make("details", { className: "feedback" }, make("summary", {}, "Is it right?"), choice);
}
