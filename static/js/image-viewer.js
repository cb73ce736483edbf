// Opens pictures over the grid, which stays as it was. Without this module every tile is a plain link.
import { register } from "keys";
import { setTitle, title } from "privacy";
import { say } from "toasts";

const dialog = document.getElementById("viewer");
const page = document.querySelector("[data-page]"); // the picture's own page has the same parts
const frame = dialog?.querySelector("[data-frame]") ?? page;
let current = null; // the tile's link that is shown
let pushed = false;
let loading = null;

const links = () => [...document.querySelectorAll("[data-grid] .tile > a[data-full]")];
const shown = () => Boolean(page) || Boolean(dialog?.open);
const veiled = (tile) => tile?.querySelector(".show input")?.checked === false;
const part = (name) => frame.querySelector(`[data-v="${name}"]`);
const calm = matchMedia("(prefers-reduced-motion: reduce)");

function animate(change) {
  if (!document.startViewTransition || calm.matches) return change(), Promise.resolve();
  const transition = document.startViewTransition(change);
  transition.ready.catch(() => {}); // rejected when the next one begins before this one could
  return transition.finished.catch(() => {});
}

function lend(element, name) {
  if (element) element.style.viewTransitionName = name;
}

// --- Opening ------------------------------------------------------------------------------------

// The thumbnail on screen becomes the first paint of the large picture.
function paint(link) {
  const small = link.querySelector("img");
  const image = new Image(Number(small.getAttribute("width")), Number(small.getAttribute("height")));
  image.src = small.currentSrc || small.src;
  image.alt = small.alt;
  lend(image, "hero");
  const figure = frame.querySelector("[data-stage]");
  if (figure) figure.replaceChildren(image);
  else frame.innerHTML = '<section class="stage"><div class="bar-t"></div><figure data-stage></figure></section><aside class="panel"></aside>';
  if (!figure) frame.querySelector("[data-stage]").append(image);
  frame.querySelector(".stage").classList.toggle("stage--sensitive", veiled(link.parentElement));
  dialog.setAttribute("aria-label", small.alt);
}

// Puts the answer in, but keeps the painted thumbnail until the large picture can be shown.
function install(html) {
  const answer = document.createElement("template");
  answer.innerHTML = html;
  const place = answer.content.querySelector("[data-stage] img");
  const small = frame.querySelector("[data-stage] img");
  if (small && place) {
    const large = document.importNode(place); // inside a template nothing loads
    place.replaceWith(small);
    large.decode().then(
      () => small.replaceWith(large),
      () => frame.contains(small) && say("The large picture could not be loaded. The preview stays.", { bad: true }),
    );
  }
  const focused = dialog.contains(document.activeElement) ? document.activeElement.dataset?.v : null;
  const show = answer.content.querySelector(".show input"); // who uncovered the tile has seen it
  if (show) show.checked = answer.content.querySelector(".stage").dataset.image === uncovered();
  frame.replaceChildren(answer.content);
  htmx.process(frame);
  (part(focused) ?? part("close"))?.focus({ preventScroll: true });
  announce();
  document.dispatchEvent(new CustomEvent("viewer:shown"));
}

const uncovered = () => (veiled(current?.parentElement) ? null : current?.parentElement.id.replace("image-", ""));

function announce() {
  const position = frame.querySelector("[data-position]")?.textContent ?? "";
  dialog.querySelector("[data-spoken]").textContent = `${position} ${frame.querySelector(".stage").dataset.alt}`;
}

async function load(link, around = neighbours(link)) {
  loading?.abort();
  const { signal } = (loading = new AbortController());
  try {
    const answer = await fetch(link.href, { signal, headers: { "HX-Request": "true" } });
    if (!answer.ok) throw new Error(String(answer.status));
    install(await answer.text());
  } catch (error) {
    if (error.name !== "AbortError") location.assign(link.href); // the page itself says what is wrong
    return;
  }
  for (const other of around) if (other) new Image().src = other.dataset.full;
  if (around.length && !around[1]) document.querySelector("[data-next]")?.scrollIntoView?.({ block: "nearest" });
}

function neighbours(link) {
  const all = links();
  const at = all.indexOf(link);
  return [all[at - 1], all[at + 1]];
}

function open(link, { push = true } = {}) {
  const small = link.querySelector("img");
  const fresh = !dialog.open;
  current = link;
  if (fresh) lend(small, "hero");
  const done = fresh ? animate(() => (lend(small, ""), paint(link), dialog.append(toasts), dialog.showModal())) : (paint(link), Promise.resolve());
  done.then(() => lend(frame.querySelector("[data-stage] img"), ""));
  const state = { viewer: link.parentElement.id };
  if (push && fresh) history.pushState(state, "", link.href);
  else history.replaceState(state, "", link.href);
  pushed ||= push && fresh;
  setTitle(`${small.alt} · ${home.split(" · ").at(-1)}`);
  load(link);
}

// --- Closing ------------------------------------------------------------------------------------

const home = title();
const toasts = document.getElementById("toasts"); // a modal dialog makes all outside it inert

function hide() {
  if (!dialog?.open) return;
  loading?.abort();
  const link = current;
  const small = link?.isConnected ? link.querySelector("img") : null;
  current = null;
  setTitle(home);
  link?.scrollIntoView({ block: "nearest" });
  lend(frame.querySelector("[data-stage] img"), "hero");
  animate(() => {
    frame.replaceChildren();
    lend(small, "hero");
    document.body.append(toasts);
    dialog.close();
    link?.focus({ preventScroll: true }); // after close(), which gives the focus to the opener
  }).then(() => lend(small, ""));
}

function close() {
  if (page) location.assign(part("close").href);
  else if (pushed) history.back();
  else history.replaceState(null, "", dialog.dataset.home), hide();
}

// Whether there was a picture to step to.
function step(direction) {
  const button = part(direction < 0 ? "prev" : "next");
  if (page) return button?.click(), Boolean(button);
  const next = neighbours(current)[direction < 0 ? 0 : 1];
  if (next) open(next);
  else button?.animate({ opacity: [1, 0.3, 1] }, 200);
  return Boolean(next);
}

// --- The stack below the picture ------------------------------------------------------------------

const film = () => [...frame.querySelectorAll("[data-film]")];
const beside = (by) => film()[film().findIndex((link) => link.ariaCurrent) + by];

// In the dialog the grid stays where it is: Next goes on from the tile that was opened.
function visit(link) {
  if (!link) return;
  if (page) return link.click();
  history.replaceState(history.state, "", link.href);
  setTitle(`${link.querySelector("img").alt} · ${home.split(" · ").at(-1)}`);
  load(link, []);
}

let before = null; // what the stage showed until C was pressed

function peek({ repeat }) {
  const other = beside(-1);
  const image = frame.querySelector("[data-stage] img");
  if (repeat || before || !other || !image) return;
  before = { image, src: image.src };
  image.src = other.dataset.full;
}

addEventListener("keyup", ({ key }) => {
  if (key !== "c" || !before) return;
  before.image.src = before.src;
  before = null;
});

// --- Zoom: fit or actual size, then the stage scrolls --------------------------------------------

function zoom() {
  const stage = frame.querySelector(".stage");
  const image = stage.querySelector("[data-stage] img");
  const actual = stage.classList.toggle("stage--actual");
  if (actual && image.dataset.original && image.getAttribute("src") !== image.dataset.original) {
    image.src = image.dataset.original;
  }
  const figure = stage.querySelector("[data-stage]");
  if (actual) figure.scrollTo((figure.scrollWidth - figure.clientWidth) / 2, (figure.scrollHeight - figure.clientHeight) / 2);
  part("zoom").setAttribute("aria-pressed", String(actual));
}

function details() {
  const hidden = frame.classList.toggle("viewer--bare");
  part("details").setAttribute("aria-pressed", String(!hidden));
}

const acts = { close, zoom, details, prev: () => step(-1), next: () => step(1) };

function onClick(event) {
  if (event.metaKey || event.ctrlKey || event.shiftKey) return;
  const other = event.target.closest("[data-film]");
  if (other && !page) return event.preventDefault(), visit(other);
  const name = event.target.closest("[data-v]")?.dataset.v;
  if (!acts[name] || (page && ["close", "prev", "next"].includes(name))) return;
  event.preventDefault();
  acts[name]();
}

// --- Keys, pointer, history ---------------------------------------------------------------------

const inViewer = { group: "In the viewer", when: shown };
register("ArrowLeft", "Previous picture", () => step(-1), inViewer);
register("ArrowRight", "Next picture", () => step(1), inViewer);
register("k", "Previous picture", () => step(-1), inViewer);
register("j", "Next picture", () => step(1), inViewer);
register("f", "Favourite", () => part("favourite")?.click(), inViewer);
register("d", "Download the original", () => part("download")?.click(), inViewer);
register("#", "Move to trash", () => part("trash")?.click(), inViewer);
register("Delete", "Move to trash", () => part("trash")?.click(), inViewer);
register("i", "Details", details, inViewer);
register("e", "Edit with words", () => part("edit")?.click(), inViewer);
register("t", "Add tags", () => frame.querySelector("#add-tags")?.focus(), inViewer);
register("z", "Fit or actual size", zoom, inViewer);
register("v", "Make a variation", () => part("variation")?.click(), inViewer);
register("p", "Copy the prompt", () => frame.querySelector("#prompt copy-button button")?.click(), inViewer);
register("[", "The one before in the stack", () => visit(beside(-1)), inViewer);
register("]", "The next one in the stack", () => visit(beside(1)), inViewer);
register("c", "Hold: the one before in the stack", peek, inViewer);
if (page) register("Escape", "Back", close, inViewer);

let start = null;

frame?.addEventListener("click", onClick);
frame?.addEventListener("dblclick", (event) => event.target.closest("[data-stage]") && zoom());
frame?.addEventListener("pointerdown", (event) => {
  start = event.target.closest("[data-stage]") && event.pointerType !== "mouse" ? event : null;
});
frame?.addEventListener("pointerup", (event) => {
  if (!start || frame.querySelector(".stage--actual")) return;
  const [across, down] = [event.clientX - start.clientX, event.clientY - start.clientY];
  start = null;
  if (Math.abs(across) > 60 && Math.abs(across) > 2 * Math.abs(down)) step(across < 0 ? 1 : -1);
  else if (down > 90 && down > 2 * Math.abs(across)) close();
});

if (dialog) {
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("[data-grid] .tile > a[data-full]");
    if (!link || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    open(link);
  });
  dialog.addEventListener("cancel", (event) => {
    event.preventDefault();
    close();
  });
  addEventListener("popstate", (event) => {
    const link = event.state?.viewer && document.getElementById(event.state.viewer)?.querySelector("a");
    if (link) open(link, { push: false });
    else pushed = false, hide();
  });
}

// A tag that goes takes its button along: the focus goes to the next one, or to where tags are written.
let place = null; // of the button that was pressed
const removers = () => [...frame.querySelectorAll("#image-tags .x")];

frame?.addEventListener("click", ({ target }) => target.closest("#image-tags button") && (place = removers().indexOf(target.closest(".x"))));
frame?.addEventListener("htmx:after:swap", () => {
  if (place === null || frame.contains(document.activeElement)) return;
  // After "Add" it stays on that button: in the field, the arrows would no longer step from picture to picture.
  const next = place < 0 ? frame.querySelector("#image-tags form:has(#add-tags) .btn") : (removers()[place] ?? removers().at(-1));
  (next ?? frame.querySelector("#add-tags"))?.focus({ preventScroll: true });
  place = null;
});

// A tag that was taken off is back.
document.addEventListener("bulk:undone", () => {
  const tags = frame?.querySelector("#image-tags");
  if (tags) htmx.ajax("GET", location.href, { target: tags, select: "#image-tags", swap: "outerHTML" });
});

// The picture that is shown went to the trash, or came out of it: on to the next one.
document.addEventListener("image:gone", ({ detail: { id } }) => {
  if (frame?.querySelector(".stage")?.dataset.image !== id) return;
  const [before, after] = neighboursOfGone;
  const next = [after, before].find((link) => link?.isConnected);
  if (next) open(next);
  else close();
});

let neighboursOfGone = [null, null];
document.addEventListener("image:gone", () => {
  if (current?.isConnected) neighboursOfGone = neighbours(current);
}, { capture: true });

export { dialog, frame, part, shown, step };
