// The one register of single keys. The sheet behind "?" is drawn from it, so help and behaviour cannot part.
const actions = new Map();

const typing = (element) => element?.closest?.("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");

// `when` says whether the key means anything just now; without it the key always works.
export function register(key, label, act, { when = () => true, group = "Everywhere" } = {}) {
  const list = actions.get(key) ?? [];
  actions.set(key, [...list, { label, act, when, group }]);
}

function marked() {
  return [...document.querySelectorAll("[data-key]")].filter((element) => element.checkVisibility());
}

function use(element) {
  if (element.matches("input, textarea")) element.select();
  else element.click();
}

function* entries() {
  for (const element of marked()) yield ["Everywhere", element.dataset.key, element.dataset.keyLabel];
  for (const [key, list] of actions) for (const { group, label } of list) yield [group, key, label];
}

const spoken = { ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓", Escape: "Esc", " ": "Space" };

function row([, key, label]) {
  const term = document.createElement("dt");
  const name = document.createElement("kbd");
  name.textContent = spoken[key] ?? (key.length === 1 ? key.toUpperCase() : key);
  term.append(name);
  const description = document.createElement("dd");
  description.textContent = label;
  return [term, description];
}

function section([group, list]) {
  const heading = Object.assign(document.createElement("h3"), { textContent: group });
  const keys = Object.assign(document.createElement("dl"), { className: "keys" });
  keys.append(...list.flatMap(row));
  return [heading, keys];
}

export function showSheet() {
  const sheet = document.getElementById("shortcuts");
  const groups = Map.groupBy(new Map([...entries()].map((entry) => [entry.join(" "), entry])).values(), ([group]) => group);
  sheet.querySelector(".body").replaceChildren(...[...groups].flatMap(section));
  sheet.showModal();
}

register("?", "Show this list", showSheet);

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  const action = actions.get(event.key)?.findLast(({ when }) => when(event));
  const modal = document.querySelector("dialog[open]:modal");
  if (action) {
    event.preventDefault();
    action.act(event);
  } else if (!modal) {
    const element = marked().find((candidate) => candidate.dataset.key === event.key);
    if (!element) return;
    event.preventDefault();
    use(element);
  }
});
