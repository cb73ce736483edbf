// What every page has: toasts, keys, pasted pictures, and words for requests that failed.
import { register, showSheet } from "keys";
import { say, undoLast } from "toasts";

register("z", "Undo", undoLast);
document.querySelector("[data-shortcuts]")?.addEventListener("click", showSheet);

// On a small screen a row of links may begin with others than the one that is open. The page itself stays where it is.
for (const link of document.querySelectorAll(":is(.split nav, .chips--scroll) [aria-current]")) {
  const [own, row] = [link, link.closest("nav")].map((each) => each.getBoundingClientRect());
  link.closest("nav").scrollBy(own.x + own.width / 2 - row.x - row.width / 2, 0);
}

// A pair that is decided hands the focus on to the one beside it.
let beside;
document.addEventListener("htmx:before:swap", () => {
  const row = document.activeElement.closest(".pairs > li");
  beside = row && (row.nextElementSibling ?? row.previousElementSibling);
});
document.addEventListener("htmx:after:swap", () => {
  if (document.activeElement === document.body) beside?.querySelector("button").focus();
});

const sentences = {
  401: "You have been logged out. Reload the page to log in again.",
  413: "That is more than this server accepts at once.",
  429: "Too many requests in a short time. Wait a moment and try again.",
};

// The words of our own error page; what stands in another's, a proxy's say, is not for people.
function wordsOf(text) {
  const page = new DOMParser().parseFromString(text, "text/html");
  const parts = ["h1", "p"].map((name) => page.querySelector(`.empty > ${name}, body > ${name}`)?.textContent.trim());
  return parts[0] && parts.filter(Boolean).join(". ");
}

document.addEventListener("htmx:response:error", ({ detail }) => {
  const { status } = detail.ctx.response;
  if (status === 422 || status === 400 || status === 409) return; // the answer itself says what is wrong
  const known = wordsOf(detail.ctx.text) || sentences[status];
  say(known ?? "Something broke on our side. Nothing of yours was lost; try again.", { bad: true });
});
document.addEventListener("htmx:error", ({ detail }) => {
  if (detail.ctx?.response || !navigator.onLine) return; // the second has a message of its own
  say("The server did not answer. Check the connection and try again.", { bad: true });
});

navigator.serviceWorker?.register("/service-worker.js").catch(() => {}); // a browser that keeps nothing refuses

// A page may take pasted pictures itself by cancelling this event; else they travel to the upload page.
document.addEventListener("paste", (event) => {
  const files = [...(event.clipboardData?.files ?? [])].filter((file) => file.type.startsWith("image/"));
  if (!files.length) return;
  const taken = !document.dispatchEvent(new CustomEvent("images:paste", { detail: { files }, cancelable: true }));
  if (taken) event.preventDefault();
  else say("To add pasted pictures, open Add images and paste there.");
});

// A form marked data-auto sends itself when one of its controls changes.
document.addEventListener("change", (event) => {
  event.target.closest?.("form[data-auto]")?.requestSubmit();
});

// A form marked data-quick is sent with Ctrl Enter.
document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
  event.target.form?.closest("[data-quick]")?.querySelector("footer .btn--primary")?.click();
});

// A link marked data-opens leads to a page that asks; with script the dialog of that id asks at once.
document.addEventListener("click", (event) => {
  const dialog = document.getElementById(event.target.closest?.("a[data-opens]")?.dataset.opens);
  if (!dialog || event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  dialog.showModal();
});

// Browsers without invoker commands: the same attributes, done by hand.
if (!("commandForElement" in HTMLButtonElement.prototype)) {
  const acts = { "show-modal": (dialog) => dialog.showModal(), close: (dialog) => dialog.close() };
  document.addEventListener("click", ({ target }) => {
    const button = target.closest?.("button[commandfor]");
    const dialog = button && document.getElementById(button.getAttribute("commandfor"));
    if (dialog) acts[button.getAttribute("command")]?.(dialog);
  });
}
