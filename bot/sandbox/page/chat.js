"use strict";

const list = document.getElementById("messages");
const startButton = document.getElementById("start");
const writeForm = document.getElementById("write");
const session = document.getElementById("session");
const stepButton = document.getElementById("step");
const toAlertButton = document.getElementById("step-to-alert");
const MOST_STEPS = 60;
const shown = new Map();
let stepping = false;
const TAGS = { bold: "b", italic: "i", underline: "u", strikethrough: "s", code: "code", pre: "pre", blockquote: "blockquote" };

async function post(path, body) {
  const answer = await fetch(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body ?? {}) });
  return answer.json();
}

// Entities may nest but never overlap otherwise; offsets count UTF-16 units, as JavaScript's strings do.
function rendered(text, entities, from, to) {
  const parts = document.createDocumentFragment();
  let at = from;
  for (const entity of entities) {
    const end = entity.offset + entity.length;
    if (entity.offset < at || end > to) continue;
    parts.append(text.slice(at, entity.offset));
    const element = document.createElement(TAGS[entity.type] ?? "span");
    element.append(rendered(text, entities.filter((other) => other !== entity), entity.offset, end));
    parts.append(element);
    at = end;
  }
  parts.append(text.slice(at, to));
  return parts;
}

function bubble(message) {
  const item = document.createElement("li");
  item.className = message.from.is_bot ? "bot" : "me";
  item.dataset.id = message.message_id;
  const photo = message.photo?.at(-1);
  if (photo) {
    const picture = document.createElement("img");
    // Their size is known before they are loaded, so that nothing moves then.
    Object.assign(picture, { src: `/chat/photo/${photo.file_id}`, width: photo.width, height: photo.height, alt: "Chart" });
    item.append(picture);
  }
  const text = document.createElement("div");
  text.className = "text";
  const said = message.text ?? message.caption ?? "";
  const entities = [...(message.entities ?? message.caption_entities ?? [])].sort((a, b) => a.offset - b.offset || b.length - a.length);
  text.append(rendered(said, entities, 0, said.length));
  item.append(text);
  for (const row of message.reply_markup?.inline_keyboard ?? []) {
    const keyboard = document.createElement("div");
    keyboard.className = "keyboard";
    for (const button of row) {
      const element = document.createElement("button");
      element.type = "button";
      element.textContent = button.text;
      element.addEventListener("click", () => post("/chat/press", { message_id: message.message_id, data: button.callback_data }));
      keyboard.append(element);
    }
    item.append(keyboard);
  }
  return item;
}

// Only what is new or edited is drawn, so that who reads or hears the page is told that alone. Its first line stands at
// the top, or as far up as there is more below; nothing moves that is whole in sight.
function show(messages) {
  const isFirst = !shown.size;
  let fresh;
  for (const message of messages) {
    const told = JSON.stringify(message);
    const known = shown.get(message.message_id);
    if (known?.told === told) continue;
    const item = bubble(message);
    if (known) known.item.replaceWith(item);
    else list.append(item);
    shown.set(message.message_id, { told, item });
    fresh ??= item;
  }
  const ids = new Set(messages.map((message) => message.message_id));
  for (const [id, { item }] of shown) {
    if (ids.has(id)) continue;
    item.remove();
    shown.delete(id);
  }
  if (!fresh) return;
  if (isFirst) fresh = list.lastElementChild;
  const top = fresh.offsetTop - list.offsetTop;
  const isWhole = top >= list.scrollTop && top + fresh.offsetHeight <= list.scrollTop + list.clientHeight;
  if (!isWhole) list.scrollTop = top - 8;
}

async function follow() {
  let known = "";
  for (;;) {
    try {
      const answer = await fetch(`/chat/messages?known=${known}`);
      const chat = await answer.json();
      if (chat.version !== known) {
        known = chat.version;
        startButton.hidden = chat.started;
        writeForm.hidden = !chat.started;
        show(chat.messages);
      }
    } catch {
      session.textContent = "The sandbox does not answer; is it still running?";
      await new Promise((resolve) => setTimeout(resolve, 2000));
    }
  }
}

// Until an alert comes, or whoever watches stops it.
async function step(most) {
  stepping = true;
  stepButton.disabled = true;
  toAlertButton.textContent = "Stop";
  session.textContent = "…";
  try {
    for (let steps = 1; steps <= most && stepping; steps += 1) {
      const answer = await post("/market/step");
      const found = answer.alerted ? " · an alert" : steps > 1 ? ` · ${steps} without an alert` : "";
      session.textContent = answer.error ?? `Session ${answer.session}${found}`;
      if (answer.error || answer.alerted) break;
    }
  } finally {
    stepping = false;
    stepButton.disabled = false;
    toAlertButton.textContent = "Step to the next alert";
  }
}

startButton.addEventListener("click", () => post("/chat/write", { text: "/start" }));
writeForm.addEventListener("submit", (event) => {
  event.preventDefault();
  const input = document.getElementById("text");
  post("/chat/write", { text: input.value });
  input.value = "";
});
stepButton.addEventListener("click", () => step(1));
toAlertButton.addEventListener("click", () => {
  if (stepping) stepping = false;
  else step(MOST_STEPS);
});
follow();
