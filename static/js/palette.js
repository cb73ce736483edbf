// The palette behind Ctrl K: what can be done here and with the selection, then what the server finds.
import { ComboBox } from "combo-box";
import { offers, press, register } from "keys";
import { icon } from "tags";
import { gettext } from "words";

const dialog = document.getElementById("palette");
const input = dialog?.querySelector("input");
let here = []; // what could be done when the palette was opened
let hurried; // a text whose first option is taken as soon as it comes
let combo;

// The buttons of the bar, in its own words, while pictures are selected.
function withSelection() {
  const bar = document.getElementById("bulk");
  if (!bar?.checkVisibility()) return [];
  const note = bar.querySelector("[data-count]").textContent;
  return [...bar.querySelectorAll("button:not([popovertarget], [data-bulk=clear])")].map((button) => ({
    text: button.textContent.trim() || button.ariaLabel,
    note,
    key: button.ariaKeyShortcuts,
    icon: button.querySelector("use").getAttribute("href").split("#")[1],
    act: () => button.click(),
    always: !button.closest(".menu"),
  }));
}

function onPage() {
  const event = { target: document.activeElement };
  return offers(event).map(({ key, label, group, act }) => ({ text: gettext(label), note: gettext(group), key, icon: "keyboard", act: () => act(event) }));
}

const split = (text) => text.toLowerCase().split(/[\s,:]+/).filter(Boolean);

function fits(asked, { text, always }) {
  if (!asked.length) return always;
  return asked.every((begun) => split(text).some((word) => word.startsWith(begun)));
}

function read(element) {
  const row = element.matches(".row") ? element : element.querySelector(".row");
  const nodes = [...row.childNodes];
  return { text: row.querySelector(".trunc").textContent, nodes, use: row.dataset.use, address: row.getAttribute("href"), form: row.form };
}

async function find(text, signal) {
  const answer = await fetch(`${dialog.dataset.commands}?${new URLSearchParams({ q: text })}`, { signal, headers: { "HX-Request": "true" } });
  const page = new DOMParser().parseFromString(answer.ok ? await answer.text() : "", "text/html");
  return [...page.querySelectorAll("#options > li > *")].map(read);
}

async function fetchOptions(text, signal) {
  const local = here.filter((each) => fits(split(text), each));
  const found = [...local, ...(await find(text, signal))];
  if (hurried !== text) return found;
  if (found[0]) choose(found[0]);
  return [];
}

function draw({ nodes, text, note, key, icon: name }) {
  if (nodes) return nodes;
  const label = Object.assign(document.createElement("span"), { className: "trunc", textContent: text });
  const right = Object.assign(document.createElement("span"), { className: "r", textContent: note });
  const kbd = Object.assign(document.createElement("kbd"), { textContent: key?.length === 1 ? key.toUpperCase() : key });
  if (key) right.append(" ", kbd);
  return [icon(dialog.dataset.sprite, name), label, right];
}

// Tab writes the option out, and so asks for more of its kind.
function choose(option, key) {
  if (key === "Tab") {
    input.value = option.text;
    return combo.ask();
  }
  dialog.close();
  if (option.act) option.act();
  else if (option.use && press(option.use)) return;
  else if (option.form) send(option.form);
  else location.assign(option.address);
}

function send(form) {
  form.elements.next.value = location.pathname + location.search;
  form.hidden = true;
  document.body.append(form);
  form.submit();
}

function onKey(event) {
  if (event.key === "Escape" || event.shiftKey) return;
  if (event.key === "Enter" && !combo.isFresh) {
    event.preventDefault();
    hurried = input.value;
    combo.ask();
  } else combo.handleKey(event);
}

if (dialog) {
  combo = new ComboBox(input, { label: input.ariaLabel, fetchOptions, choose, draw, first: true });
  input.addEventListener("keydown", onKey);
  dialog.addEventListener("beforetoggle", ({ newState }) => {
    hurried = undefined;
    if (newState !== "open") return;
    here = [...withSelection(), ...onPage()];
    input.select(); // at once: whoever types on at once begins anew
  });
  dialog.addEventListener("toggle", ({ newState }) => newState === "open" && combo.ask()); // later than the first keys
  register("Ctrl K", "Commands", () => dialog.open || dialog.showModal());
}
