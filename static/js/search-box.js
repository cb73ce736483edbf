// Suggests what to write for the term at the caret: tags, filters, saved and recent searches. Enter without
// a choice searches as usual.
import { ComboBox } from "combo-box";
import { icon } from "tags";
import { gettext } from "words";

const icons = { filter: "funnel", saved: "save", recent: "clock" };
const form = document.querySelector("form.search");
const input = form?.querySelector("input[name=q]");
let combo;

async function fetchOptions(text, signal) {
  const asked = new URLSearchParams({ q: text, caret: input.selectionStart });
  const answer = await fetch(`${form.dataset.suggest}?${asked}`, { signal });
  const { groups } = answer.ok ? await answer.json() : { groups: [] };
  return groups.flatMap(({ label, options }) => options.map((option) => ({ ...option, heading: label })));
}

// The text with the part in bold that stands before the caret.
function marked(text) {
  const begun = input.value.slice(0, input.selectionStart).match(/[^\s:"(-]*$/)[0];
  const at = text.toLowerCase().indexOf(begun.toLowerCase());
  if (!begun || at < 0) return [text];
  const part = Object.assign(document.createElement("b"), { textContent: text.slice(at, at + begun.length) });
  return [text.slice(0, at), part, text.slice(at + begun.length)];
}

function draw(option) {
  const text = Object.assign(document.createElement("span"), { className: "trunc" });
  text.append(...marked(option.text));
  const right = Object.assign(document.createElement("span"), { className: "r trunc", textContent: option.more });
  const face = Object.assign(new Image(24, 24), { className: "ava", src: option.face, alt: "" });
  return [option.face ? face : icon(form.dataset.sprite, icons[option.kind] ?? option.kind), text, right];
}

// Tab completes; Enter and a click search, unless a value has to follow.
function choose(option, key) {
  input.value = option.query;
  input.setSelectionRange(option.caret, option.caret);
  if (option.is_open) combo.ask();
  else if (key !== "Tab") form.requestSubmit();
}

function remember() {
  const headers = JSON.parse(document.body.getAttribute("hx-headers:inherited"));
  if (input.value.trim()) fetch(form.dataset.remember, { method: "POST", headers, body: new FormData(form), keepalive: true });
}

if (input) {
  combo = new ComboBox(input, { label: "Suggestions", fetchOptions, choose, draw });
  input.nextElementSibling.dataset.hint = gettext("↑ ↓ choose · Tab completes · - excludes");
  input.addEventListener("keydown", (event) => combo.handleKey(event));
  input.addEventListener("focus", () => input.value || combo.ask());
  form.addEventListener("submit", remember);
}
