// The grid: one Tab stop, arrows move by where pictures stand, hearts, sizes, and batches that failed.
import { register } from "keys";
import { gettext } from "words";

const links = () => [...document.querySelectorAll("[data-grid] .tile > a[data-full]")];
const linkOf = (target) => target?.closest?.("[data-grid] .tile > a[data-full]");
let current = null;

function rove(link) {
  if (!link) return;
  if (current && current !== link) current.tabIndex = -1;
  link.tabIndex = 0;
  current = link;
}

// Every link but one leaves the Tab order, and so do the hearts, which F presses; new batches too.
function settle() {
  for (const link of links()) if (link !== current) link.tabIndex = -1;
  for (const heart of document.querySelectorAll("[data-grid] :is(.fav, a.badge)")) heart.tabIndex = -1;
  if (!current?.isConnected) rove(links()[0]);
}

// The nearest centre in the row above (-1) or below (+1).
function acrossRows(link, direction) {
  const here = link.getBoundingClientRect();
  const all = links();
  let row = null;
  let best = null;
  let distance = Infinity;
  for (let at = all.indexOf(link) + direction; all[at]; at += direction) {
    const there = all[at].getBoundingClientRect();
    if (Math.abs(there.top - here.top) < 4) continue;
    row ??= there.top;
    if (Math.abs(there.top - row) > 4) break;
    const apart = Math.abs(there.left + there.width / 2 - here.left - here.width / 2);
    if (apart < distance) [distance, best] = [apart, all[at]];
  }
  return best;
}

export function go(link) {
  rove(link);
  link.focus({ preventScroll: true });
  link.scrollIntoView({ block: "nearest" });
}

function move(event, find) {
  const link = linkOf(event.target);
  const next = find(link, links());
  if (next) go(next);
}

const onTile = { group: "In the grid", when: (event) => linkOf(event?.target) };
const beside = (step) => (link, all) => all[all.indexOf(link) + step];
register("ArrowRight", "Next picture", (event) => move(event, beside(1)), onTile);
register("ArrowLeft", "Picture before", (event) => move(event, beside(-1)), onTile);
register("ArrowDown", "Row below", (event) => move(event, (link) => acrossRows(link, 1)), onTile);
register("ArrowUp", "Row above", (event) => move(event, (link) => acrossRows(link, -1)), onTile);
register("Home", "First picture", (event) => move(event, (link, all) => all[0]), onTile);
register("End", "Last picture on the page", (event) => move(event, (link, all) => all.at(-1)), onTile);
register("f", "Favourite", (event) => heartOf(linkOf(event.target))?.click(), onTile);
register("v", "Make a variation", vary, { ...onTile, when: (event) => heartOf(linkOf(event?.target)) });

function vary({ target }) {
  const from = target.closest(".tile").id.replace("image-", "");
  location.assign(`/add/generate/?from=${from}&mode=variation`);
}

const heartOf = (link) => link?.parentElement.querySelector("[data-favourite]");

document.addEventListener("focusin", (event) => rove(linkOf(event.target)));
document.addEventListener("htmx:after:swap", settle);

// --- Hearts: the grid and the viewer show the same state ---------------------------------------

document.addEventListener("submit", (event) => {
  if (event.target.id !== "fav" || !event.submitter) return;
  event.preventDefault();
  htmx.ajax("POST", event.submitter.formAction, { source: event.submitter, swap: "none" });
});

document.addEventListener("image:favourite", ({ detail: { id, favourite } }) => {
  for (const heart of document.querySelectorAll(`[data-favourite="${id}"]`)) {
    heart.setAttribute("aria-pressed", String(favourite));
  }
});

// --- Pictures that left, and came back by Undo -------------------------------------------------

const gone = new Map();

document.addEventListener("image:gone", ({ detail: { id } }) => {
  const tile = document.getElementById(`image-${id}`);
  if (!tile) return;
  const hadFocus = tile.contains(document.activeElement);
  const next = tile.nextElementSibling ?? tile.previousElementSibling;
  gone.set(id, { tile, list: tile.parentElement, before: tile.nextElementSibling });
  tile.remove();
  settle();
  if (hadFocus) go(next?.querySelector("a") ?? links()[0] ?? document.getElementById("main"));
});

document.addEventListener("image:back", ({ detail: { id } }) => {
  const place = gone.get(id);
  if (!place) return;
  place.list.insertBefore(place.tile, place.before?.isConnected ? place.before : null);
  gone.delete(id);
  settle();
});

// --- Sizes --------------------------------------------------------------------------------------

const sizes = ["s", "m", "l"];

function resize(size) {
  const feed = document.getElementById("feed");
  if (!feed) return;
  feed.classList.remove(...sizes.map((each) => `size-${each}`));
  feed.classList.add(`size-${size}`);
  document.cookie = `size=${size}; path=/; max-age=31536000; samesite=lax`;
  for (const link of document.querySelectorAll("[data-sizes] a")) {
    link.toggleAttribute("aria-current", link.dataset.size === size);
    if (link.dataset.size === size) link.setAttribute("aria-current", "true");
  }
}

sizes.forEach((size, index) => {
  const label = ["Small tiles", "Medium tiles", "Large tiles"][index];
  register(String(index + 1), label, () => resize(size), { group: "In the grid", when: () => document.getElementById("feed") && !document.querySelector("dialog:modal") });
});

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("[data-sizes] a");
  if (!link || event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  resize(link.dataset.size);
});

// --- A batch that did not come ------------------------------------------------------------------

function offerAgain({ target }) {
  if (!target.matches?.("[data-next]")) return;
  const again = document.createElement("p");
  again.className = "note note--bad";
  const button = Object.assign(document.createElement("button"), { className: "btn btn--s", textContent: gettext("Try again") });
  button.onclick = () => {
    again.remove();
    htmx.ajax("GET", target.getAttribute("hx-get"), { source: target, target, swap: "outerHTML" });
  };
  again.append(gettext("More images could not be loaded."), " ", button);
  target.before(again);
}

document.addEventListener("htmx:response:error", offerAgain);
document.addEventListener("htmx:error", offerAgain);

settle();
