// Elements out of data: whatever a post says becomes text, never markup.

export function make(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key in element) element[key] = value;
    else element.setAttribute(key, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

// A link only to the web: an address may come from anybody's archive.
export function link(url, text) {
  if (!/^https?:\/\//i.test(url ?? "")) return make("span", {}, text);
  return make("a", { href: url, rel: "noopener noreferrer" }, text);
}

const day = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

export function when(text) {
  return make("time", { dateTime: text }, day.format(new Date(text)));
}

// Writes only what changed, so that nothing flickers and no selection is lost.
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
