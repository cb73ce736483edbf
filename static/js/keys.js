// The one register of single keys. The sheet behind "?" is drawn from it, so help and behaviour cannot part.
import { gettext } from "words";

const actions = new Map();
const areOff = document.body.matches(".no-keys"); // those of one sign, in Settings
const isSingle = (key) => /^.(\s.)?$/u.test(key);
let begun = ""; // the first of two keys, "g "

const typing = (element) => element?.closest?.("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");

// A key is named as browsers do; with others held, "Ctrl K"; two in a row, "g q".
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
  for (const element of marked()) yield ["Everywhere", element.dataset.key, element.dataset.keyLabel ?? element.title];
  for (const [key, list] of actions) for (const { group, label } of list) yield [group, key, label];
}

// What can be done on this page just now, without what every page has.
export function offers(event) {
  const own = ({ group, when }) => group !== "Everywhere" && when(event);
  return [...actions].flatMap(([key, list]) => list.filter(own).map((action) => ({ ...action, key })));
}

// Does what a key does; false when that is nothing.
export function press(key) {
  const action = actions.get(key)?.findLast(({ when }) => when());
  return action ? action.act() !== false : false;
}

const spoken = { ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓", Escape: "Esc", " ": "Space" };

function named(key) {
  const text = spoken[key] ? gettext(spoken[key]) : key.length === 1 ? key.toUpperCase() : key;
  return Object.assign(document.createElement("kbd"), { textContent: text });
}

function row([, key, label]) {
  const term = document.createElement("dt");
  const [first, second] = isSingle(key) && key[1] ? key.split(" ") : [key];
  term.append(named(first), ...(second ? [` ${gettext("then")} `, named(second)] : []));
  const description = document.createElement("dd");
  description.textContent = gettext(label);
  return [term, description];
}

function section([group, list]) {
  const heading = Object.assign(document.createElement("h3"), { textContent: gettext(group) });
  const keys = Object.assign(document.createElement("dl"), { className: "keys" });
  keys.append(...list.flatMap(row));
  return [heading, keys];
}

export function showSheet() {
  const sheet = document.getElementById("shortcuts");
  const groups = Map.groupBy(new Map([...entries()].filter(([, key]) => !areOff || !isSingle(key)).map((entry) => [entry.join(" "), entry])).values(), ([group]) => group);
  sheet.querySelector(".body").replaceChildren(...[...groups].flatMap(section));
  sheet.showModal();
}

register("?", "Show this list", showSheet);

// What is held; AltGr only writes signs.
function heldIn(event) {
  if (event.getModifierState("AltGraph")) return "";
  return event.ctrlKey || event.metaKey ? "Ctrl " : event.altKey ? "Alt " : "";
}

function nameOf(key, held) {
  return held && key.length === 1 ? held + key.toUpperCase() : held + key;
}

// Escape is first of all for what lies on top, which the browser closes by itself.
const isCovered = () => document.querySelector(":popover-open, dialog:modal");

// Who added tags stands in the empty field: there, Escape leaves the picture as it does everywhere on its page.
const isLeft = ({ key, target }) => key === "Escape" && target.id === "add-tags" && !target.value;

// The first of two keys waits a moment for the second.
function begin(key) {
  begun = `${key} `;
  setTimeout(() => (begun = ""), 1500);
}

document.addEventListener("keydown", (event) => {
  const held = heldIn(event);
  if (event.defaultPrevented || (!held && typing(event.target) && !isLeft(event))) return;
  if (event.key === "Escape" && isCovered()) return;
  const key = begun + nameOf(event.key, held);
  begun = "";
  if (areOff && isSingle(key)) return;
  const action = actions.get(key)?.findLast(({ when }) => when(event));
  if (action) {
    event.preventDefault();
    return action.act(event);
  }
  if (document.querySelector("dialog[open]:modal")) return;
  const element = marked().find((candidate) => candidate.dataset.key === key);
  if (element) {
    event.preventDefault();
    use(element);
  } else if (marked().some((candidate) => candidate.dataset.key.startsWith(`${key} `))) begin(key);
});
