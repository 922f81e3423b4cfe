// Asking the service: an answer, a problem in its own words, or none at all.

const PATIENCE = 15_000; // milliseconds

export class Problem extends Error {
  constructor({ status, detail, retryAfter }) {
    super(detail);
    this.status = status;
    this.retryAfter = retryAfter ?? 0; // seconds
  }
}

export class NoAnswer extends Error {
  constructor() {
    super("The service does not answer; trying again.");
  }
}

export async function get(path) {
  return (await send(path)).json();
}

export async function getText(path) {
  return (await send(path)).text();
}

// Also says where the time went: [["store", 0.21], …] in milliseconds.
export async function post(path, body) {
  const response = await send(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  return { ...(await response.json()), timing: timing(response) };
}

async function send(path, options = {}) {
  let response, body;
  try {
    response = await fetch(path, { ...options, signal: AbortSignal.timeout(PATIENCE) });
    body = await response.text(); // all of it, here where a connection may break
  } catch {
    throw new NoAnswer();
  }
  if (!response.ok) throw new Problem(problem(response, body));
  return {
    headers: response.headers,
    json: () => JSON.parse(body),
    text: () => body,
  };
}

function problem(response, body) {
  try {
    const document = JSON.parse(body);
    if (document.detail) return document;
  } catch {
    // a proxy's page, say
  }
  return { status: response.status, detail: `the answer was ${response.status}` };
}

function timing(response) {
  const header = response.headers.get("Server-Timing") ?? "";
  return [...header.matchAll(/(\w+);dur=([\d.]+)/g)].map(([, part, took]) => [part, +took]);
}
