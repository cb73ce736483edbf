// The generate form: a draft that survives a reload, Ctrl Enter, and the shape's pixels beside its name.
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

document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target.form === form()) {
    event.preventDefault();
    form().requestSubmit();
  } else if (event.key === "m" && event.altKey && form()) {
    event.preventDefault();
    const picker = document.getElementById("picker");
    picker.open = !picker.open;
    (picker.open ? picker.querySelector("input:checked") : picker.querySelector("summary"))?.focus();
  } else if (event.key === "r" && event.altKey) {
    document.querySelector("[data-choose]")?.focus();
  } else if (event.key === "Enter" && event.target.matches?.(".picker-list summary")) {
    return; // unfolds
  } else if (["Escape", "Enter"].includes(event.key) && event.target.closest?.(".picker-list")) {
    event.preventDefault();
    const picker = event.target.closest("#picker");
    picker.open = false;
    picker.querySelector("summary").focus();
  }
});

// A pointer chooses and closes; arrow keys, whose clicks have no detail, may go on through the list.
document.addEventListener("click", ({ target, detail }) => {
  const picker = document.getElementById("picker");
  const chosen = detail && target.closest?.(".picker-row:not(:has(:disabled))");
  if (picker?.open && (chosen || !picker.contains(target))) picker.open = false;
});

// Answers of the server bring these anew; they stay folded or not, as the person left them.
const folds = "#more-options, #receipt-details";
const unfolded = {};
document.addEventListener("toggle", ({ target }) => target.matches?.(folds) && (unfolded[target.id] = target.open), true);

document.addEventListener("htmx:before:swap", () => {
  for (const fold of document.querySelectorAll(folds)) unfolded[fold.id] = fold.open;
});
document.addEventListener("htmx:after:swap", () => {
  for (const fold of document.querySelectorAll(folds)) fold.open ||= unfolded[fold.id] ?? false;
  showPixels();
});

// On a phone the pictures stand under the form, so the page goes to them.
function showNewest() {
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
