// The board: columns by state. Everything that mail or people wrote goes in as text, never as markup.
// Which moves are legal comes with each card; a 409 shows how the card stands now.

const STATES = ["suggested", "in_review", "approved", "executing", "blocked", "done", "rejected"];
const CLOSED = new Set(["done", "rejected"]);
const by = (id) => document.getElementById(id);
const columns = by("columns"), filters = by("filters"), dialog = by("card"), more = by("more"), signIn = by("sign-in");
let token = sessionStorage.getItem("token"), after = null, shown = [];

function h(tag, props, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ""));
  return made;
}

function say(text, wrong = false) {
  by("said").textContent = text;
  by("said").classList.toggle("wrong", wrong);
}

async function call(path, body) {
  const asked = { headers: { Authorization: `Bearer ${token}` } };
  if (body !== undefined) Object.assign(asked, { method: "POST", body: JSON.stringify(body) });
  const answer = await fetch(`/api/cards${path}`, asked);
  if (answer.status === 401 || answer.status === 403) forget();
  const told = await answer.json();
  if (!answer.ok) throw new Error([told.title, ...(told.problems ?? [])].join("; "));
  return told;
}

function forget() {
  sessionStorage.removeItem("token");
  token = null;
  signIn.hidden = false;
  signIn.elements.token.focus();
}

const time = (at) => h("time", { datetime: at }, new Date(at).toLocaleString());

async function load(fromStart = true) {
  if (!token) return forget();
  const form = new FormData(filters), query = new URLSearchParams();
  for (const [name, value] of form) if (value && name !== "closed") query.append(name, value);
  const states = STATES.filter((state) => form.has("closed") || !CLOSED.has(state));
  for (const state of states) query.append("state", state);
  if (!fromStart && after) query.set("after", after);
  const page = await call(`?${query}`);
  shown = fromStart ? page.cards : [...shown, ...page.cards];
  after = page.next;
  more.hidden = after === null;
  draw(states);
  await fillQueues();
  const late = shown.filter((card) => card.overdue).length;
  say(`${shown.length} cards${after ? ", and more" : ""}; ${late} overdue`);
}

async function fillQueues() {
  const select = filters.elements.queue, known = new Set([...select.options].map((option) => option.value));
  for (const queue of Object.keys((await call("/counts")).queues))
    if (!known.has(queue)) select.append(h("option", { value: queue }, queue));
}

function draw(states) {
  columns.replaceChildren(...states.map((state) => {
    const cards = shown.filter((card) => card.state === state);
    return h("section", { "aria-label": state }, h("h2", {}, `${state.replace("_", " ")} (${cards.length})`), h("ul", {}, cards.map(drawCard)));
  }));
}

function drawCard(card) {
  const facts = [card.type, card.queue, `${card.priority} priority`, card.assigned_to ?? "nobody has it"].join(", ");
  return h("li", { class: card.overdue ? "late" : null },
    h("h3", {}, h("button", { type: "button", "data-open": card.card_id, onclick: () => attempt(() => open(card.card_id)) }, card.title || "(cleared)")),
    h("p", { class: "facts" }, facts),
    card.due_at && !CLOSED.has(card.state) ? h("p", { class: "facts" }, card.overdue ? "overdue: " : "due ", time(card.due_at)) : null,
    h("div", { class: "moves" }, card.moves.map((to) => mover(card, to))));
}

function mover(card, to) {
  const name = to.replace("_", " ");
  return h("button", { type: "button", "aria-label": `move "${card.title}" to ${name}`, onclick: () => attempt(async () => {
    await call(`/${card.card_id}/move/${to}`, { version: card.version });
    await load();
    focusCard(card.card_id);
    say(`${card.title}: ${name}`);
  }) }, `→ ${name}`);
}

const focusCard = (id) => (document.querySelector(`[data-open="${id}"]`) ?? columns).focus();

async function open(id) {
  const card = await call(`/${id}`);
  const act = (path, body) => attempt(async () => {
    await call(`/${id}${path}`, body);
    await load();
    await open(id);
  });
  const draft = card.action_payload.draft_reply, isOpen = !CLOSED.has(card.state);
  const answers = card.type === "reply_to_email" && card.reply_id && ["suggested", "in_review", "blocked"].includes(card.state);
  dialog.replaceChildren(...[
    h("h2", { id: "card-title" }, card.title || "(cleared)"),
    h("p", { class: "facts" }, `${card.type} in ${card.queue}, ${card.priority} priority, ${card.state} (version ${card.version}), `, card.assigned_to ?? "nobody", " has it"),
    h("p", {}, `Why: ${card.rationale}. Lead ${card.lead_id}${card.campaign_id ? `, campaign ${card.campaign_id}` : ""}.`),
    card.description ? h("pre", {}, card.description) : null,
    answers ? form("Answer", [["body", "The answer", draft ?? "", true]], "Approve and send", (said) =>
      act("/approve", { version: card.version, ...(said.body === draft ? {} : { body: said.body }) })) : null,
    card.action_payload.draft?.body ? h("pre", {}, card.action_payload.draft.body) : null,
    card.action_payload.draft && isOpen ? h("button", { type: "button", onclick: () => act("/approve", { version: card.version }) }, "Approve the touch") : null,
    isOpen ? form("Assign", [["to", "Who is to have it", card.assigned_to ?? ""]], "Assign", (said) =>
      act("/assign", { version: card.version, ...(said.to ? { to: said.to } : {}) })) : null,
    form("Note", [["body", "Note", "", true]], "Write it", (said) => act("/notes", { body: said.body })),
    ...told("Notes", card.notes, (note) => [time(note.at), ` ${note.author}`, h("pre", {}, note.body)]),
    ...told("The reply and its thread", card.thread ?? [], (item) => [time(item.at),
      ` ${item.kind === "reply" ? item.from_name || item.from_email || "the lead" : "we"}: ${item.subject ?? ""}`, h("pre", {}, item.body ?? "")]),
    ...told("What happened", card.history, (change) => [time(change.at), ` ${change.actor}: ${happened(change)}`]),
    h("button", { type: "button", onclick: () => dialog.close() }, "Close"),
  ].filter((part) => part !== null));
  dialog.dataset.card = id;
  if (!dialog.open) dialog.showModal();
}

function happened(change) {
  if (change.kind === "assigned") return `gave it to ${change.assigned_to ?? "nobody"}`;
  if (change.kind === "edited") return `changed ${(change.fields ?? []).join(", ")}`;
  return `${change.from_state} → ${change.to_state}${change.code ? ` (${change.code})` : ""}`;
}

function told(name, items, words) {
  return items.length ? [h("h3", {}, name), h("ul", {}, items.map((item) => h("li", {}, words(item))))] : [];
}

function form(name, fields, button, send) {
  return h("form", { "aria-label": name, onsubmit: (event) => {
    event.preventDefault();
    send(Object.fromEntries(new FormData(event.target)));
  } }, fields.map(([field, label, value, long]) => {
    const input = h(long ? "textarea" : "input", { name: field });
    input.value = value;
    return h("label", {}, label, input);
  }), h("button", { type: "submit" }, button));
}

async function attempt(what) {
  try {
    await what();
  } catch (error) {
    if (dialog.open) dialog.close();
    await load().catch(() => {});
    say(error.message, true);
  }
}

filters.addEventListener("submit", (event) => { event.preventDefault(); attempt(() => load()); });
more.addEventListener("click", () => attempt(() => load(false)));
dialog.addEventListener("close", () => focusCard(dialog.dataset.card));
signIn.addEventListener("submit", (event) => {
  event.preventDefault();
  token = new FormData(signIn).get("token");
  attempt(async () => {
    await load();
    sessionStorage.setItem("token", token);
    signIn.reset();
    signIn.hidden = true;
    columns.focus();
  });
});
attempt(() => load());
