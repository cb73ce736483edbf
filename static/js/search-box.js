// Suggests what to write for the term at the caret: tags, filters, saved and recent searches. Enter without
// a choice searches as usual.
import { ComboBox } from "combo-box";
import { icon } from "tags";

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

function draw(option) {
  const text = Object.assign(document.createElement("span"), { className: "trunc", textContent: option.text });
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
  input.addEventListener("keydown", (event) => combo.handleKey(event));
  input.addEventListener("focus", () => input.value || combo.ask());
  form.addEventListener("submit", remember);
}
