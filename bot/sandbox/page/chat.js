"use strict";

const list = document.getElementById("messages");
const startButton = document.getElementById("start");
const writeForm = document.getElementById("write");
const session = document.getElementById("session");
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
  const text = document.createElement("div");
  text.className = "text";
  const entities = [...(message.entities ?? [])].sort((a, b) => a.offset - b.offset || b.length - a.length);
  text.append(rendered(message.text, entities, 0, message.text.length));
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
        list.replaceChildren(...chat.messages.map(bubble));
        list.scrollTop = list.scrollHeight;
      }
    } catch {
      session.textContent = "The sandbox does not answer; is it still running?";
      await new Promise((resolve) => setTimeout(resolve, 2000));
    }
  }
}

async function step(button, path) {
  const buttons = document.querySelectorAll("#market button");
  buttons.forEach((each) => { each.disabled = true; });
  session.textContent = "…";
  try {
    const answer = await post(path);
    session.textContent = answer.error ?? `Session ${answer.session}`;
  } finally {
    buttons.forEach((each) => { each.disabled = false; });
  }
}

startButton.addEventListener("click", () => post("/chat/write", { text: "/start" }));
writeForm.addEventListener("submit", (event) => {
  event.preventDefault();
  const input = document.getElementById("text");
  post("/chat/write", { text: input.value });
  input.value = "";
});
document.getElementById("step").addEventListener("click", (event) => step(event.target, "/market/step"));
document.getElementById("step-to-alert").addEventListener("click", (event) => step(event.target, "/market/step?to=alert"));
follow();
