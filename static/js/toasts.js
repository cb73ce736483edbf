// Short messages. The server writes most of them itself; `say` is for what only the browser knows.
import { gettext } from "words";

const list = document.getElementById("toasts");
const life = 10_000;

function dismiss(toast) {
  const hadFocus = toast.contains(document.activeElement);
  toast.remove();
  if (hadFocus) document.getElementById("main")?.focus({ preventScroll: true });
}

// `values` fill the {places} of the text.
export function say(text, { bad = false, ...values } = {}) {
  const toast = document.createElement("div");
  toast.className = bad ? "toast toast--bad" : "toast";
  toast.dataset.toast = "";
  if (bad) toast.setAttribute("role", "alert");
  toast.append(Object.assign(document.createElement("span"), { textContent: gettext(text, values) }));
  list.append(toast);
}

// Presses Undo on the newest message that offers it; false when there is none.
export function undoLast() {
  const form = [...list.querySelectorAll("[data-undo]")].at(-1);
  form?.requestSubmit();
  return Boolean(form);
}

function watch(toast) {
  if (toast.matches(".toast--bad")) return;
  const end = () => (toast.matches(":hover, :focus-within, :has([hx-trigger])") ? setTimeout(end, 2_000) : dismiss(toast));
  setTimeout(end, life);
}

list.querySelectorAll("[data-toast]").forEach(watch);
new MutationObserver((changes) => {
  for (const { addedNodes } of changes) for (const node of addedNodes) if (node.dataset?.toast !== undefined) watch(node);
  while (list.querySelectorAll("[data-toast]").length > 3) list.querySelector("[data-toast]").remove();
}).observe(list, { childList: true });

list.addEventListener("click", (event) => {
  if (event.target.closest("[data-dismiss]")) dismiss(event.target.closest("[data-toast]"));
});

// A pressed Undo hides its message at once, but leaves when the answer is in: htmx needs the form until then.
list.addEventListener("submit", (event) => {
  setTimeout(() => (event.target.closest("[data-toast]").hidden = true));
});
list.addEventListener("htmx:finally:request", (event) => dismiss(event.target.closest("[data-toast]")));
