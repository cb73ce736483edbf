// The generate form: a draft that survives a reload, Ctrl Enter, and the shape's pixels beside its name.
import { register } from "keys";

const drafts = "generate:prompt"; // of a new picture; what an edit asks for is not kept
const isEdit = () => document.querySelector("#references [name=mode]:checked, #references [name=original]");
const form = () => document.querySelector("form[data-form]");

function showPixels() {
  const fieldset = document.querySelector("[data-shapes]");
  if (fieldset) fieldset.querySelector(".hint").textContent = fieldset.querySelector(":checked")?.dataset.pixels ?? "";
}

function recall() {
  const prompt = form()?.elements.prompt;
  if (prompt && !prompt.value && !isEdit() && !prompt.matches("[aria-invalid]")) prompt.value = sessionStorage.getItem(drafts) ?? "";
}

document.addEventListener("input", ({ target }) => {
  const other = target.matches("[data-other] .input") && target.closest("[data-other]").querySelector("[type=radio]");
  if (other) other.checked = true;
  if (target.name === "prompt" && target.form === form() && !isEdit()) sessionStorage.setItem(drafts, target.value);
});

document.addEventListener("change", ({ target }) => {
  if (target.form !== form()) return;
  if (target.matches("[data-other] [type=radio]")) target.closest("[data-other]").querySelector(".input").focus();
  showPixels();
});

function openPicker() {
  const picker = document.getElementById("picker");
  picker.open = !picker.open;
  (picker.open ? picker.querySelector("input:checked") : picker.querySelector("summary"))?.focus();
}

const focus = (selector) => () => document.querySelector(selector)?.focus();
const group = "On Generate";
register("Ctrl Enter", "Generate", () => form().requestSubmit(), { group, when: (event) => form() && event?.target.form === form() });
register("Alt M", "Model", openPicker, { group, when: form });
register("Alt S", "Shape", focus("[data-shapes] :checked"), { group, when: form });
register("Alt R", "Reference images", focus("[data-choose]"), { group, when: form });

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || !event.target.closest?.(".picker-list")) return;
  if (event.key === "Enter" && event.target.matches("summary")) return; // unfolds
  if (!["Escape", "Enter"].includes(event.key)) return;
  event.preventDefault();
  const picker = event.target.closest("#picker");
  picker.open = false;
  picker.querySelector("summary").focus();
});

// A pointer chooses and closes; arrow keys, whose clicks have no detail, may go on through the list.
document.addEventListener("click", ({ target, detail }) => {
  const picker = document.getElementById("picker");
  const chosen = detail && target.closest?.(".picker-row:not(:has(:disabled))");
  if (picker?.open && (chosen || !picker.contains(target))) picker.open = false;
  const out = target.closest?.("[data-untick]");
  if (!out) return;
  document.getElementById(out.dataset.untick).click();
  document.querySelector("#compare-models summary").focus();
});

// Answers of the server bring these anew; they stay folded or not, as the person left them.
const folds = "#more-options, #receipt-details, .own";
const unfolded = {};
document.addEventListener("toggle", ({ target }) => target.matches?.(folds) && (unfolded[target.id] = target.open), true);

document.addEventListener("htmx:before:swap", () => {
  for (const fold of document.querySelectorAll(folds)) unfolded[fold.id] = fold.open;
});
document.addEventListener("htmx:after:swap", () => {
  for (const fold of document.querySelectorAll(folds)) fold.open ||= unfolded[fold.id] ?? false;
  showPixels();
});

// The address names the comparison on top. On a phone the pictures stand under the form, so the page goes to them.
function showNewest() {
  const named = document.querySelector("#session > article").dataset.address;
  if (named || location.search.includes("comparison=")) history.replaceState(history.state, "", named ?? location.pathname);
  const beside = matchMedia("(min-width: 1024px)").matches;
  if (beside) scrollTo({ top: 0 });
  else document.getElementById("session").scrollIntoView();
}

document.addEventListener("htmx:finally:request", ({ detail }) => {
  const status = detail.ctx.response?.status;
  if (status === 201) showNewest();
  if (status !== 422) return;
  const wrong = form()?.querySelector("[aria-invalid=true], .error, .note--bad");
  wrong?.focus?.({ preventScroll: true });
  wrong?.scrollIntoView({ block: "nearest" });
});

recall();
showPixels();
