// The panel: what the market is told to do, how far that is, and where deliveries stand.
import { element } from "/bubble.js";

const find = (id) => document.getElementById(id);
const STATES = ["queued", "held", "sending", "sent", "gone", "unknown", "stopped", "superseded"];
let drawn = "";
let ask = async () => {};

async function act(action, body) {
  await ask(`/panel/${action}`, body);
}

function showScenes(scenes) {
  if (drawn === JSON.stringify(scenes)) return;
  drawn = JSON.stringify(scenes);
  find("scenes").replaceChildren(...scenes.map(({ name, words }) => element("li", {}, element(
    "button", { type: "button", textContent: words, onclick: () => act("jump", { scene: name }) },
  ))));
}

export function showPanel(panel, post, toast) {
  ask = async (path, body) => {
    const answer = await post(path, body);
    if (answer.error) toast(answer.error);
  };
  const busy = panel.doing !== "";
  const canGo = panel.ready && panel.scenes.length > 0;
  find("session").textContent = panel.session;
  find("said").textContent = [panel.doing, panel.said].filter(Boolean).join(" · ");
  const progress = find("progress");
  progress.hidden = !panel.of && !busy;
  if (panel.of) Object.assign(progress, { max: panel.of, value: panel.done });
  else progress.removeAttribute("value");
  showScenes(panel.scenes);
  find("jumping").hidden = find("passing").hidden = panel.ready && !canGo;
  for (const button of document.querySelectorAll("#step, #play, #scenes button")) button.setAttribute("aria-disabled", String(busy || !canGo));
  find("stop").disabled = !busy;
  find("note").textContent = panel.note;
  const counts = panel.outbox ?? {};
  const states = STATES.filter((state) => counts[state] || ["queued", "sending", "sent"].includes(state));
  find("outbox").replaceChildren(...states.map((state) => element("div", {}, element("dt", { textContent: state }), element("dd", { textContent: counts[state] ?? 0 }))));
}

find("step").onclick = () => act("step");
find("play").onclick = () => act("play", { seconds: Number(find("pace").value) });
find("stop").onclick = () => act("stop");
// Where there is room for all of it, all of it stands there.
const wide = matchMedia("(min-width: 60rem)");
const unfold = () => { find("more").open = wide.matches; };
wide.onchange = unfold;
unfold();
