// The chats: who one is, where one reads, and what the bot says there.
import { bubble, element, firstLine } from "/bubble.js";
import { showPanel } from "/panel.js";

const find = (id) => document.getElementById(id);
const list = find("messages");
const input = find("text");
const state = { people: [], chats: [], me: 0, chat: 0, topic: null };
const stored = new Map(); // by chat: its messages by number
const unread = new Map(); // by chat: the numbers that are new there
const shown = new Map(); // of this chat: what stands on the page, by number

export async function post(path, body) {
  const answer = await fetch(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body ?? {}) });
  return answer.json();
}

const write = (text) => post("/chat/write", { chat_id: state.chat, user_id: state.me, topic: state.topic, text });
const chatOf = (id) => state.chats.find((chat) => chat.id === id);
const isMine = (chat) => chat.type !== "private" || chat.id === state.me;
const topicOf = (message) => message.message_thread_id ?? null;
const isHere = (message) => message.chat.id === state.chat && topicOf(message) === state.topic;

let fading;
export function toast(text) {
  find("toast").textContent = text ?? "";
  clearTimeout(fading);
  if (text) fading = setTimeout(() => toast(""), 6000);
}

async function press(message, data, button) {
  button.setAttribute("aria-busy", "true");
  const answer = await post("/chat/press", { chat_id: message.chat.id, user_id: state.me, message_id: message.message_id, data });
  button.removeAttribute("aria-busy");
  toast(answer.text);
}

// Only what is new or edited is drawn, so that who reads or hears the page is told that alone. Its first line stands at
// the top, or as far up as there is more below; nothing moves that is whole in sight.
function draw(startAt) {
  const here = [...(stored.get(state.chat)?.values() ?? [])].filter(isHere);
  const inGroup = chatOf(state.chat)?.type !== "private";
  let fresh;
  for (const message of here) {
    const told = JSON.stringify(message) + state.me;
    const known = shown.get(message.message_id);
    if (known?.told === told) continue;
    const item = bubble(message, { me: state.me, inGroup, tap: write, press });
    if (known) {
      // Whoever presses a key of a message by keyboard stays there when it is edited.
      const place = [...known.item.querySelectorAll("button")].indexOf(document.activeElement);
      known.item.replaceWith(item);
      if (place >= 0) ([...item.querySelectorAll("button")][place] ?? list).focus({ preventScroll: true });
    } else list.append(item);
    shown.set(message.message_id, { told, item });
    fresh ??= item;
  }
  const ids = new Set(here.map((message) => message.message_id));
  for (const [id, { item }] of shown) {
    if (ids.has(id)) continue;
    item.remove();
    shown.delete(id);
  }
  if (startAt !== undefined) fresh = shown.get(startAt)?.item ?? list.lastElementChild;
  if (!fresh) return;
  const top = fresh.offsetTop - list.offsetTop;
  const isWhole = top >= list.scrollTop && top + fresh.offsetHeight <= list.scrollTop + list.clientHeight;
  if (!isWhole) list.scrollTop = top - 8;
}

function choices(box, items, isChosen, choose) {
  const focused = box.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
  box.replaceChildren(...items.map(({ key, ...item }) => {
    const button = element("button", { type: "button", onclick: () => choose(key) }, ...item.parts);
    button.dataset.key = key;
    button.setAttribute(box.tagName === "UL" ? "aria-current" : "aria-pressed", String(isChosen(key)));
    return box.tagName === "UL" ? element("li", {}, button) : button;
  }));
  if (focused !== undefined) box.querySelector(`[data-key="${focused}"]`)?.focus();
}

function news(chat, isMeant = () => true) {
  const count = (unread.get(chat) ?? []).filter((id) => isMeant(stored.get(chat).get(id))).length;
  return count ? [element("span", { className: "unread", textContent: count, ariaLabel: `${count} new` })] : [];
}

function entry(chat) {
  const last = [...(stored.get(chat.id)?.values() ?? [])].at(-1);
  const line = element("span", { className: "last", textContent: last ? firstLine(last) : "No message yet" });
  return { key: chat.id, parts: [element("b", { textContent: chat.title }), line, ...news(chat.id)] };
}

function topics(chat) {
  const all = [{ id: null, name: "General" }, ...chat.topics];
  return all.map(({ id, name }) => ({ key: id, parts: [name, ...news(chat.id, (message) => topicOf(message) === id)] }));
}

function frame() {
  const chat = chatOf(state.chat);
  if (!chat) return;
  const person = state.people.find(({ id }) => id === state.me);
  choices(find("people"), state.people.map(({ id, name }) => ({ key: id, parts: [name] })), (id) => id === state.me, be);
  choices(find("chats"), state.chats.filter(isMine).map(entry), (id) => id === state.chat, (id) => open(id));
  choices(find("topics"), topics(chat), (id) => id === state.topic, (topic) => open(chat.id, topic));
  find("topics").hidden = !chat.topics.length;
  find("title").textContent = chat.title;
  const kinds = { private: "bot", channel: "channel", group: "group", supergroup: chat.topics.length ? "group with topics" : "group" };
  find("subtitle").textContent = `${kinds[chat.type]} · you are ${person.name}${person.role ? `, ${person.role}` : ""}`;
  const pinned = stored.get(chat.id)?.get(chat.pinned[0]);
  find("pinned").hidden = !pinned;
  find("pinned").textContent = pinned ? `Pinned: ${firstLine(pinned)}` : "";
  const writes = chat.writers.includes(state.me);
  find("start").hidden = chat.started || !writes;
  find("write").hidden = !chat.started || !writes;
  find("mute").hidden = writes;
  find("commands").hidden = !(chat.menus[state.me] ?? []).length;
  list.dataset.empty = chat.type !== "private" ? "Nothing here yet." : "Press Start, as in Telegram, and then Subscribe. After that, let the market’s sessions pass, or jump to an evening.";
}

function open(id, topic = null) {
  const first = id === state.chat ? undefined : unread.get(id)?.[0];
  const message = stored.get(id)?.get(first);
  Object.assign(state, { chat: id, topic: message ? topicOf(message) : topic });
  unread.set(id, (unread.get(id) ?? []).filter((number) => topicOf(stored.get(id).get(number)) !== state.topic));
  closeMenu();
  shown.clear();
  list.setAttribute("aria-busy", "true");
  list.replaceChildren();
  frame();
  draw(first ?? null);
  list.removeAttribute("aria-busy");
}

function be(id) {
  state.me = id;
  const chat = chatOf(state.chat);
  open(chat && isMine(chat) ? state.chat : id, state.topic);
}

function take({ first, people, chats, messages, gone }) {
  if (first) {
    stored.clear();
    unread.clear();
    state.people = people;
    state.me ||= people[0].id;
    state.chat ||= state.me;
  }
  if (chats) state.chats = chats;
  for (const message of messages ?? []) {
    const chat = message.chat.id;
    if (!stored.has(chat)) stored.set(chat, new Map());
    const isNew = !stored.get(chat).has(message.message_id);
    stored.get(chat).set(message.message_id, message);
    if (isNew && !first && !isHere(message)) unread.set(chat, [...(unread.get(chat) ?? []), message.message_id]);
  }
  for (const [chat, id] of gone ?? []) {
    stored.get(chat)?.delete(id);
    unread.set(chat, (unread.get(chat) ?? []).filter((other) => other !== id));
  }
  frame();
  draw(first ? null : undefined);
}

function closeMenu() {
  find("menu").hidden = true;
  find("commands").setAttribute("aria-expanded", "false");
}

function openMenu(begun = "/") {
  const commands = (chatOf(state.chat)?.menus[state.me] ?? []).filter(({ command }) => `/${command}`.startsWith(begun));
  find("menu").replaceChildren(...commands.map(({ command, description }) => element("li", {}, element(
    "button", { type: "button", onclick: () => { closeMenu(); input.value = ""; input.focus(); write(`/${command}`); } },
    element("b", { textContent: `/${command}` }), ` ${description}`,
  ))));
  find("menu").hidden = !commands.length;
  find("commands").setAttribute("aria-expanded", String(commands.length > 0));
}

function move(event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const keys = [...event.currentTarget.querySelectorAll("button")];
  const at = keys.indexOf(document.activeElement);
  if (!step || at < 0) return;
  event.preventDefault();
  (keys[at + step] ?? (step < 0 && event.currentTarget.id === "menu" ? input : keys[at])).focus();
}

find("start").onclick = () => write("/start");
find("write").onsubmit = (event) => {
  event.preventDefault();
  closeMenu();
  write(input.value);
  input.value = "";
};
find("commands").onclick = () => (find("menu").hidden ? openMenu() : closeMenu());
input.oninput = () => (/^\/[a-z0-9_]*$/.test(input.value) ? openMenu(input.value) : closeMenu());
input.onkeydown = (event) => {
  if (event.key !== "ArrowDown" || find("menu").hidden) return;
  event.preventDefault();
  find("menu").querySelector("button").focus();
};
for (const id of ["menu", "chats"]) find(id).onkeydown = move;
document.onkeydown = (event) => {
  if (event.key !== "Escape" || find("menu").hidden) return;
  closeMenu();
  input.focus();
};
find("pinned").onclick = () => {
  const message = stored.get(state.chat).get(chatOf(state.chat).pinned[0]);
  open(state.chat, topicOf(message));
  draw(message.message_id);
};
const night = matchMedia("(prefers-color-scheme: dark)");
const isDark = () => (document.documentElement.dataset.theme ?? (night.matches ? "dark" : "light")) === "dark";
const nameTheme = () => { find("theme").textContent = isDark() ? "Light" : "Dark"; };
find("theme").onclick = () => { document.documentElement.dataset.theme = isDark() ? "light" : "dark"; nameTheme(); };
night.onchange = nameTheme;
nameTheme();

const events = new EventSource("/events");
events.addEventListener("chats", (event) => take(JSON.parse(event.data)));
events.addEventListener("panel", (event) => showPanel(JSON.parse(event.data), post, toast));
events.onopen = () => toast("");
events.onerror = () => toast("The sandbox does not answer; is it still running?");
