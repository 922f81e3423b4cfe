// Whether what comes is still like what the model was made for.

import { write } from "./make.js";
import { get } from "./service.js";

const word = document.getElementById("drift-word");

export async function look() {
  await get("v1/drift");
  write(word, "");
}
