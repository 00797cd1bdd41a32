// A message as Telegram shows it.
const TAGS = { bold: "b", italic: "i", underline: "u", strikethrough: "s", code: "code", pre: "pre", blockquote: "blockquote" };
const COMMAND = /(^|[\s(·])(\/[a-z][a-z0-9_]*)/g;

export function element(tag, attributes = {}, ...children) {
  const made = Object.assign(document.createElement(tag), attributes);
  made.append(...children);
  return made;
}

// What reads like a command can be tapped.
function plain(text, tap) {
  const parts = document.createDocumentFragment();
  let at = 0;
  for (const found of text.matchAll(COMMAND)) {
    const start = found.index + found[1].length;
    parts.append(text.slice(at, start), element("button", { type: "button", className: "command", textContent: found[2], onclick: () => tap(found[2]) }));
    at = start + found[2].length;
  }
  parts.append(text.slice(at));
  return parts;
}

function wrapped(entity) {
  if (entity.type === "text_link" && /^https?:/.test(entity.url ?? "")) return element("a", { href: entity.url, rel: "noreferrer", target: "_blank" });
  if (entity.type === "spoiler") return element("span", { className: "spoiler", tabIndex: 0 });
  return element(TAGS[entity.type] ?? "span");
}

// Entities may nest but never overlap otherwise; offsets count UTF-16 units, as JavaScript's strings do.
function rendered(text, entities, from, to, tap) {
  const parts = document.createDocumentFragment();
  let at = from;
  for (const entity of entities) {
    const end = entity.offset + entity.length;
    if (entity.offset < at || end > to) continue;
    parts.append(plain(text.slice(at, entity.offset), tap));
    const made = wrapped(entity);
    made.append(rendered(text, entities.filter((other) => other !== entity), entity.offset, end, tap));
    parts.append(made);
    at = end;
  }
  parts.append(plain(text.slice(at, to), tap));
  return parts;
}

export const said = (message) => message.text ?? message.caption ?? message.document?.file_name ?? "";
// What is bold comes first in importance, whatever stands above it.
export function firstLine(message) {
  const bold = (message.entities ?? message.caption_entities ?? []).find(({ type }) => type === "bold");
  const text = bold ? said(message).slice(bold.offset, bold.offset + bold.length) : said(message);
  return text.split("\n").find((line) => line.trim()) ?? "A picture";
}

function keyboard(message, press) {
  return (message.reply_markup?.inline_keyboard ?? []).map((row) => element("div", { className: "keyboard" }, ...row.map((key) => {
    if (key.url) return element("a", { href: key.url, rel: "noreferrer", target: "_blank", textContent: key.text });
    const button = element("button", { type: "button", textContent: key.text });
    button.onclick = () => press(message, key.callback_data, button);
    return button;
  })));
}

export function bubble(message, { me, inGroup, tap, press }) {
  const mine = message.from?.id === me && !message.sender_chat;
  const body = element("div", { className: "bubble" });
  if (inGroup && !mine) body.append(element("span", { className: "sender", textContent: message.sender_chat?.title ?? message.from.first_name }));
  const answered = message.reply_to_message;
  if (answered) body.append(element("span", { className: "answered", textContent: firstLine(answered) }));
  const photo = message.photo?.at(-1);
  // Their size is known before they are loaded, so that nothing moves then.
  if (photo) body.append(element("img", { src: `/chat/photo/${photo.file_id}`, width: photo.width, height: photo.height, alt: "Chart" }));
  const file = message.document;
  if (file) body.append(element("a", { className: "file", href: `/chat/document/${file.file_id}`, download: file.file_name, textContent: `${file.file_name}, ${file.file_size} bytes` }));
  const words = message.text ?? message.caption ?? "";
  const entities = (message.entities ?? message.caption_entities ?? []).filter(({ type }) => type !== "bot_command");
  entities.sort((a, b) => a.offset - b.offset || b.length - a.length);
  body.append(element("div", { className: "text" }, rendered(words, entities, 0, words.length, tap)));
  const at = new Date(message.date * 1000);
  body.append(element("time", { dateTime: at.toISOString(), textContent: at.toTimeString().slice(0, 5) }));
  const item = element("li", { className: mine ? "me" : message.from?.is_bot ? "bot" : "other" }, body, ...keyboard(message, press));
  item.dataset.id = message.message_id;
  return item;
}
