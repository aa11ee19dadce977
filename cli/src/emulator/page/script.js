// Polls the emulator's state while the page is visible, renders it, and sends the actions.
// Data from requests and responses is always rendered as text, never as markup.
"use strict";

const INTERVAL = 1000; // milliseconds between two polls
const MAX_BACKOFF = 15000; // milliseconds between two polls while the emulator does not respond
const TIMEOUT = 10000; // milliseconds for one call
const NEWS_INTERVAL = 5000; // milliseconds between two announcements to screen readers

const byId = (id) => document.getElementById(id);
const timeOfDay = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const dayAndTime = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const VENDORS = { moneykit: "MoneyKit", moov: "Moov" };

let key = takeKey();
let revision = "";
let paused = false;
let polling = false;
let timer = 0;
let failures = 0;
let shown = {}; // the JSON of each part of the state that is currently rendered
let emulatorTime = null; // { at: the emulator's time, read: our time when it was read }, in milliseconds
let totals = null; // the total numbers of requests and webhooks
let announced = null; // the totals at the last announcement, and its time

// Browsers never send the fragment to a server. It is removed at once, so that nobody copies it by accident.
function takeKey() {
  const match = /^#key=([0-9a-f]{32})$/.exec(location.hash);
  if (match) {
    sessionStorage.setItem("key", match[1]);
    history.replaceState(null, "", "/");
  }
  return sessionStorage.getItem("key") ?? "";
}

function element(name, properties, ...children) {
  const made = document.createElement(name);
  for (const [property, value] of Object.entries(properties ?? {})) {
    if (property in made) made[property] = value;
    else made.setAttribute(property, value);
  }
  made.append(...children.filter((child) => child !== null && child !== ""));
  return made;
}

async function call(path, body) {
  const headers = { "X-Page-Key": key };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  return fetch(path, {
    method: body === undefined ? "GET" : "POST",
    headers,
    body: body === undefined ? undefined : JSON.stringify(body),
    credentials: "omit",
    cache: "no-store",
    redirect: "error",
    signal: AbortSignal.timeout(TIMEOUT),
  });
}

// Live updates

function schedule(wait) {
  clearTimeout(timer);
  if (!paused && !document.hidden) timer = setTimeout(poll, wait);
}

async function poll() {
  if (polling) return;
  polling = true;
  let wait = INTERVAL;
  try {
    const response = await call(`/_page/state?known=${encodeURIComponent(revision)}`);
    if (response.status === 401) {
      lock();
      return;
    }
    if (!response.ok) throw new Error(`${response.status}: ${(await response.text()).slice(0, 300)}`);
    if (response.status !== 204) show(await response.json());
    failures = 0;
    connected();
  } catch (error) {
    failures += 1;
    wait = Math.min(INTERVAL * 2 ** failures, MAX_BACKOFF);
    disconnected(error, wait);
  } finally {
    polling = false;
  }
  schedule(wait);
}

function connected() {
  showUnlocked(true);
  setText(byId("connection"), paused ? "Paused" : "Live");
  byId("connection").className = paused ? "state warn" : "state good";
}

function disconnected(error, wait) {
  // The emulator may be restarted: its clock and its data are then different.
  emulatorTime = null;
  revision = "";
  const reason = /^\d/.test(error.message) ? error.message : "no response; is it still running?";
  setText(byId("connection"), `No connection to the emulator (${reason}). Next attempt in ${wait / 1000} s`);
  byId("connection").className = "state bad";
}

// Screen readers announce a live region on every change of its text, so avoid changes without effect.
function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function showUnlocked(isUnlocked) {
  for (const node of document.querySelectorAll(".unlocked")) node.hidden = !isUnlocked;
  byId("unlock").hidden = isUnlocked;
}

function lock() {
  showUnlocked(false);
  setText(byId("connection"), "Locked");
  byId("connection").className = "state warn";
  setText(byId("unlock-said"), key === "" ? "" : "Wrong key.");
  byId("key").focus();
}

byId("unlock").addEventListener("submit", (event) => {
  event.preventDefault();
  key = byId("key").value.trim().replace(/^.*#key=/, "");
  sessionStorage.setItem("key", key);
  byId("key").value = "";
  poll();
});

byId("pause").addEventListener("click", () => {
  paused = !paused;
  byId("pause").setAttribute("aria-pressed", String(paused));
  connected();
  if (paused) clearTimeout(timer);
  else poll();
});

document.addEventListener("visibilitychange", () => {
  if (document.hidden) clearTimeout(timer);
  else if (!paused) poll();
});

// Rendering

function show(state) {
  revision = state.revision;
  emulatorTime = { at: state.now, read: Date.now() };
  const moved = state.moved_seconds;
  setText(byId("moved"), moved === 0 ? "" : `(moved forward by ${span(moved)})`);
  part("connect", [state.environment, state.origin], () => showConnect(state));
  part("hosts", state.webhook_hosts, () => showHosts(state.webhook_hosts));
  part("operations", state.operations, () => showOperations(state.operations));
  part("faults", state.faults, () => showFaults(state.faults));
  part("keys", state.keys, () => showKeys(state.keys));
  part("requests", state.requests, () => rows("requests", state.requests, requestRow));
  part("tokens", state.tokens, () => rows("tokens", state.tokens, tokenRow));
  part("webhooks", state.webhooks, () => rows("webhooks", state.webhooks, webhookRow));
  totals = { requests: state.requests.total, webhooks: state.webhooks.total };
  tick();
}

// Renders a part only if it changed, to keep the selection and the focus.
function part(name, value, draw) {
  const text = JSON.stringify(value);
  if (shown[name] === text) return;
  shown[name] = text;
  draw();
}

function showConnect(state) {
  const settings = new Map(state.environment);
  for (const vendor of Object.keys(VENDORS)) {
    const prefix = vendor.toUpperCase();
    const [id, secret] = [settings.get(`${prefix}_CLIENT_ID`), settings.get(`${prefix}_CLIENT_SECRET`)];
    const lines = [
      ["Base URL", location.origin],
      ["Client id", id],
      ["Client secret", secret],
    ];
    const path = vendor === "moneykit" ? "/auth/token" : "/oauth2/token";
    const curl = [`curl ${location.origin}${path}`, `-u ${id}:${secret}`];
    if (vendor === "moneykit") {
      lines.push(["Webhook keys", `${location.origin}/.well-known/jwks.json`]);
      curl.push("-d grant_type=client_credentials");
    } else {
      lines.push(["Webhook secret", settings.get("MOOV_WEBHOOK_SECRET")], ["Allowed Origin", state.origin]);
      curl.push(`-H 'Origin: ${state.origin}'`, "-d 'grant_type=client_credentials&scope=/accounts.read'");
    }
    const list = lines.flatMap(([name, value]) => [
      element("dt", {}, name),
      element("dd", {}, copied(value, `Copy ${VENDORS[vendor]}’s ${name.toLowerCase()}`)),
    ]);
    byId(`${vendor}-settings`).replaceChildren(...list);
    byId(`${vendor}-curl`).replaceChildren(copied(curl.join(" \\\n  "), `Copy the command for ${VENDORS[vendor]}`));
  }
}

function copied(text, label) {
  const code = element("code", {}, text);
  const button = element("button", { type: "button", ariaLabel: label }, "Copy");
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      // Browsers allow clipboard access only over https or on localhost.
      getSelection().selectAllChildren(code);
      button.textContent = "Press Ctrl+C";
    }
    setTimeout(() => (button.textContent = "Copy"), 2000);
  });
  return element("div", { className: "copied" }, code, button);
}

function showHosts(hosts) {
  const more = hosts.length === 0 ? "" : ` and ${hosts.join(", ")}`;
  byId("webhook-hosts").replaceChildren(
    `Allowed: the emulator’s own machine${more}. To allow other hosts, start the emulator with `,
    element("code", { className: "keep" }, "--webhook-host"),
  );
}

function showOperations(operations) {
  byId("fault-operation").replaceChildren(
    ...operations.map(([name, method, path]) => element("option", { value: name }, `${name} (${method} ${path})`)),
  );
  byId("fault-operation").value = "moov.token";
}

function showFaults(faults) {
  const items = faults.map(({ operation, fault, times }) =>
    element("li", {}, `${operation}: ${fault}, ${times === null ? "always" : times === 1 ? "once" : `${times} times`}`),
  );
  byId("faults").className = faults.length === 0 ? "none" : "";
  byId("faults").replaceChildren(...(faults.length === 0 ? [element("li", {}, "none")] : items));
  byId("cancel-faults").hidden = faults.length === 0;
}

function showKeys(keys) {
  byId("keys").replaceChildren(
    element("dt", {}, "MoneyKit’s key id"),
    element("dd", {}, element("code", { title: keys.moneykit }, shortened(keys.moneykit, 12))),
    element("dt", {}, "Moov’s secret"),
    element("dd", {}, element("code", {}, keys.moov)),
  );
}

function shortened(text, length) {
  return text.length > length ? `${text.slice(0, length)}…` : text;
}

function rows(name, list, row) {
  const table = byId(`${name}-rows`).parentElement;
  table.hidden = list.rows.length === 0;
  byId(name).querySelector(".empty").hidden = list.rows.length !== 0;
  const total = list.total.toLocaleString();
  const count = list.total > list.rows.length ? `The newest ${list.rows.length} of ${total}` : `${total}, newest first`;
  byId(`${name}-count`).textContent = list.rows.length === 0 ? "" : count;
  byId(`${name}-rows`).replaceChildren(...list.rows.map(row));
}

function row(...cells) {
  const made = cells.map(([label, ...content]) => element("td", { role: "cell", "data-label": label }, ...content));
  return element("tr", { role: "row" }, ...made);
}

function time(milliseconds) {
  const date = new Date(milliseconds);
  const properties = { dateTime: date.toISOString(), title: dayAndTime.format(date) };
  return element("time", properties, timeOfDay.format(date));
}

function aside(text) {
  return element("span", { className: "aside" }, text);
}

// The sign before the word makes the result visible without colour.
function verdict(kind, text) {
  const sign = { good: "✓", bad: "✗", warn: "…" }[kind];
  return element("span", { className: `${kind} keep` }, `${sign} ${text}`);
}

function requestRow(request) {
  const { status } = request;
  const result =
    status === null
      ? verdict("bad", "no response")
      : status < 400
        ? verdict("good", `${status} accepted`)
        : verdict("bad", `${status} ${status < 500 ? "rejected" : "failed"}`);
  const operation = request.operation ?? "unknown operation";
  const wire = `${request.method} ${request.path}`;
  return row(
    ["Time", time(request.time)],
    ["Operation", element("div", { className: "break" }, operation, aside(wire))],
    ["Status", result],
    ["Reason", request.note === null ? "" : element("div", { className: "wide" }, request.note)],
  );
}

function tokenRow(token) {
  return row(
    ["Issued", time(token.issued_at)],
    ["Kind", element("div", {}, VENDORS[token.vendor], aside(token.is_refresh_token ? "refresh token" : "access token"))],
    ["Token", element("code", {}, token.shown)],
    ["Scopes", element("div", { className: "break" }, token.scope)],
    ["State", element("div", { "data-state": token.state, "data-expires": token.expires_at ?? "" })],
  );
}

const STATES = {
  accepted: ["good", "accepted"],
  in_progress: ["warn", "in progress"],
  failed: ["bad", "not accepted"],
};

function toHandler(url) {
  return element("span", { className: "aside break" }, `to ${url}`);
}

function webhookRow(webhook) {
  const last = webhook.attempts.length - 1;
  const attempts = webhook.attempts.map((attempt, index) => {
    const isNext = index === last && attempt.next_at !== null;
    const next = !isNext ? "" : element("span", {}, ", next attempt at ", time(attempt.next_at));
    return element("li", {}, `${attempt.number}. `, time(attempt.time), ` ${attempt.result}, ${attempt.milliseconds} ms`, next);
  });
  return row(
    ["Time", time(webhook.time)],
    ["Event", element("div", { className: "wide" }, `${VENDORS[webhook.vendor]} ${webhook.event}`, toHandler(webhook.to))],
    ["State", verdict(...STATES[webhook.state])],
    ["Attempts", attempts.length === 0 ? "first attempt in progress" : element("ol", { className: "break" }, ...attempts)],
  );
}

// Time

function span(seconds) {
  const parts = [
    [86400, "d"],
    [3600, "h"],
    [60, "min"],
    [1, "s"],
  ];
  let rest = Math.floor(seconds);
  const words = [];
  for (const [size, unit] of parts) {
    const number = Math.floor(rest / size);
    rest -= number * size;
    if (number > 0) words.push(`${number} ${unit}`);
  }
  return words.slice(0, 2).join(" ") || "0 s";
}

const TOKEN_STATES = { expired: "expired", spent: "used", revoked: "revoked" };

function tick() {
  if (emulatorTime === null || document.hidden) return;
  const now = emulatorTime.at + (Date.now() - emulatorTime.read);
  byId("clock").textContent = dayAndTime.format(new Date(now));
  for (const cell of document.querySelectorAll("[data-state]")) {
    const { state, expires } = cell.dataset;
    const left = expires === "" ? Infinity : Number(expires) - now;
    const isLive = state === "live" && left > 0;
    const text = isLive ? `valid${left === Infinity ? "" : `, ${span(left / 1000)} left`}` : (TOKEN_STATES[state] ?? "expired");
    const full = `${isLive ? "✓" : "✗"} ${text}`;
    if (cell.textContent !== full) cell.textContent = full;
    cell.className = isLive ? "good wide" : "bad";
  }
  announce();
}

setInterval(tick, 1000);

function announce() {
  const at = Date.now();
  if (announced === null) announced = { at, ...totals };
  if (at - announced.at < NEWS_INTERVAL) return;
  const news = [];
  if (totals.requests > announced.requests) news.push(`New requests: ${totals.requests - announced.requests}.`);
  if (totals.webhooks > announced.webhooks) news.push(`New webhooks: ${totals.webhooks - announced.webhooks}.`);
  announced = { at, ...totals };
  if (news.length > 0) byId("news").textContent = news.join(" ");
}

// Actions

function onSubmit(id, path, body) {
  const form = byId(id);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(form, path, body());
  });
}

async function send(form, path, body) {
  const said = form.querySelector(".said");
  const button = form.querySelector("button[type=submit]");
  button.disabled = true;
  said.textContent = "";
  try {
    const response = await call(path, body);
    const text = (await response.text()).slice(0, 500);
    said.className = response.ok ? "said good" : "said bad";
    said.textContent = response.ok ? `✓ ${text}` : `✗ ${text}`;
  } catch {
    said.className = "said bad";
    said.textContent = "✗ No response from the emulator.";
  } finally {
    button.disabled = false;
  }
  poll();
}

onSubmit("webhook", "/_page/webhook", () => {
  const [vendor, event] = byId("webhook-event").value.split(" ");
  return { vendor, event, url: byId("webhook-url").value.trim(), retries: byId("webhook-retries").value };
});
onSubmit("fault", "/_page/fault", () => ({
  fault: `${byId("fault-operation").value}=${byId("fault-what").value},times=${byId("fault-times").value}`,
}));
onSubmit("rotate", "/_page/rotate", () => ({ vendor: byId("rotate-vendor").value }));
onSubmit("move", "/_page/clock", () => ({
  seconds: Number(byId("move-number").value) * Number(byId("move-unit").value),
}));
byId("cancel-faults").addEventListener("click", () => send(byId("fault"), "/_page/cancel-faults", {}));

// Remember the handler's URL in this tab.
byId("webhook-url").value = sessionStorage.getItem("webhook-url") ?? "";
byId("webhook-url").addEventListener("change", () => sessionStorage.setItem("webhook-url", byId("webhook-url").value));

poll();
