// Choosing pictures: the boxes and the bar work without this; it adds ranges, keys, the count and the news.
import { register } from "keys";
import { figure, gettext } from "words";

const bar = document.getElementById("bulk");
const list = document.getElementById("bulk-tags");
const question = document.getElementById("bulk-ask");
const boxes = () => [...document.querySelectorAll("[data-grid] .pick input")];
const chosen = () => boxes().filter((box) => box.checked);
const boxOf = (target) => target?.closest?.("[data-grid] .tile")?.querySelector(".pick input");
const scope = bar?.querySelector("[name=scope]");
const words = scope?.nextElementSibling;
const offer = words?.textContent;
const done = new Map(); // id of an action: the pictures that left with it
let anchor = null; // where a range begins

// --- What is chosen -------------------------------------------------------------------------------

// A box says "id", or "id+5" for a folded stack of five, all of which is chosen with it.
const idOf = (box) => box.value.split("+")[0];
const sizeOf = (box) => Number(box.value.split("+")[1] ?? 1);

const sum = () => figure(chosen().reduce((n, box) => n + sizeOf(box), 0));

function counted() {
  const stacks = chosen().filter((box) => sizeOf(box) > 1).length;
  if (!stacks) return gettext("{n} selected", { n: sum() });
  if (stacks === 1) return gettext("{n} selected, with a whole stack", { n: sum() });
  return gettext("{n} selected, with {stacks} whole stacks", { n: sum(), stacks: figure(stacks) });
}

function tell() {
  if (!chosen().length && scope) scope.checked = false;
  const all = bar.elements.q.value ? "All {n} in this search are selected" : "All {n} are selected";
  const n = offer?.match(/\d\S*/)?.[0];
  bar.querySelector("[data-count]").textContent = scope?.checked ? gettext(all, { n }) : counted();
  if (words) words.textContent = scope.checked ? gettext("Only the {n} on this page", { n: sum() }) : offer;
  for (const box of boxes()) box.tabIndex = -1; // X and Space choose; one Tab stop is enough for a grid
}

function set(some, checked) {
  swept = false;
  for (const box of some) if (box) box.checked = checked;
  if (!checked && scope) scope.checked = false;
  tell();
}

function range(box) {
  const all = boxes();
  const [from, to] = [all.indexOf(anchor), all.indexOf(box)].sort((a, b) => a - b);
  set(from < 0 ? [box] : all.slice(from, to + 1), true);
}

function toggle(box) {
  anchor = box;
  set([box], !box.checked);
}

const clear = () => set(boxes(), false);

// --- Pointer ----------------------------------------------------------------------------------------

let pressed = null; // timer of a finger that rests on a picture
let held = false;

function onClick(event) {
  const box = boxOf(event.target);
  if (!box || event.target.closest(".fav, .show")) return;
  const onPick = event.target.closest(".pick");
  const byFinger = event.pointerType === "touch" && chosen().length;
  if (!onPick && !event.shiftKey && !byFinger && !held) return;
  if (event.target === box && !event.shiftKey) return void (anchor = box); // the box itself: it changes by itself
  event.preventDefault();
  event.stopImmediatePropagation();
  if (held) held = false;
  else if (event.shiftKey) setTimeout(() => range(box)); // a box takes back what its own click has done
  else toggle(box);
}

function onPress(event) {
  const box = boxOf(event.target);
  clearTimeout(pressed);
  held = false;
  if (!box || event.pointerType !== "touch") return;
  pressed = setTimeout(() => ((held = true), toggle(box)), 500);
}

const onLift = () => clearTimeout(pressed);

function onMenu(event) {
  if (boxOf(event.target) && (held || event.pointerType === "touch")) event.preventDefault();
}

// --- Keys -------------------------------------------------------------------------------------------

const focused = () => boxOf(document.activeElement);
const free = () => !document.querySelector("dialog:modal, [popover].dlg:popover-open");
const onTile = { group: "In the grid", when: () => free() && focused() };
const onAny = { group: "In the grid", when: () => free() && (focused() || chosen().length) };

// Presses a button of the bar for what is chosen, or for the picture that has the focus.
function press(name) {
  if (!chosen().length) toggle(focused());
  bar.querySelector(`[data-bulk="${name}"]`)?.click();
}

// The second press means all of the search, also when more pictures have come onto the page meanwhile.
let swept = false;

function everything(event) {
  if (event.key !== "a" || !(event.ctrlKey || event.metaKey) || event.shiftKey || !free()) return;
  if (event.target.closest?.("input:not([type=checkbox]), textarea, select") || !boxes().length) return;
  event.preventDefault();
  if ((swept || chosen().length === boxes().length) && scope) scope.checked = true;
  set(boxes(), true);
  swept = true;
}

// Shift and an arrow: image-grid.js moves the focus between these two, and the range follows it.
let from = null;
const isStretch = (event) => event.shiftKey && event.key.startsWith("Arrow");

function beforeMove(event) {
  from = isStretch(event) ? focused() : null;
}

function afterMove(event) {
  if (!from || !isStretch(event)) return;
  if (!anchor?.checked) anchor = from;
  range(focused());
}

function useKeys() {
  for (const key of ["x", " "]) register(key, "Select", () => toggle(focused()), onTile);
  register("x", "Add to the selection", () => toggle(shownBox()), { group: "In the viewer", when: shownBox });
  register("t", "Tags", () => press("tag"), onAny);
  register("d", "Download", () => press("download"), onAny);
  for (const key of ["#", "Delete"]) register(key, "Move to trash", () => press("trash"), onAny);
  register("Escape", "Clear the selection", clear, { group: "In the grid", when: () => free() && chosen().length });
  register("Ctrl A", "Select all on the page, then all of the search", () => {}, { group: "In the grid", when: () => false });
  register("Shift →", "Select a range", () => {}, { group: "In the grid", when: () => false });
  document.addEventListener("keydown", everything);
  document.addEventListener("keydown", beforeMove, true);
  document.addEventListener("keydown", afterMove);
}

function shownBox() {
  const stage = document.querySelector("#viewer[open] .stage");
  return stage && boxOf(document.getElementById(`image-${stage.dataset.image}`)?.firstElementChild);
}

// --- News from the server ---------------------------------------------------------------------------

const fire = (name, detail) => document.body.dispatchEvent(new CustomEvent(name, { bubbles: true, detail }));
const idsOf = (some) => some.map(idOf);

function leave(ids, id) {
  done.set(id, ids);
  clear();
  for (const each of ids) fire("image:gone", { id: each });
}

function onDone({ detail: { id, action, value, later } }) {
  const ids = idsOf(chosen());
  if (later) return refresh(action);
  if (action === "trash" || action === "restore") leave(ids, id);
  else mark(action, ids, value);
  if (action === "favorite" || action === "sensitive") done.set(id, ids);
}

function mark(action, ids, value) {
  for (const id of ids) {
    if (action === "favorite") fire("image:favourite", { id, favourite: value });
    if (action === "sensitive") document.getElementById(`image-${id}`)?.classList.toggle("tile--sensitive", value);
  }
}

function onUndone({ detail: { id, action, value, later } }) {
  const ids = done.get(id);
  done.delete(id);
  if (later || !ids) return refresh(action);
  if (action === "trash" || action === "restore") for (const each of ids.toReversed()) fire("image:back", { id: each });
  else mark(action, ids, !value);
}

// A long action is over: what came or went is shown by reading the page again.
function refresh(action) {
  if (action === "tag" || action === "untag" || action === "rate") return;
  htmx.ajax("GET", location.href, { target: "#main", select: "#main", swap: "outerHTML" });
}

// --- Beginning --------------------------------------------------------------------------------------

function onBar(event) {
  const name = event.target.closest("[data-bulk]")?.dataset.bulk;
  if (name === "clear") clear();
  const menu = event.target.closest(".menu button")?.closest("[popover]");
  if (menu) setTimeout(() => menu.hidePopover()); // the button must stand where it was pressed until then
}

// Thousands of boxes are one field, for servers count fields.
function pack({ formData }) {
  const ids = scope?.checked ? [] : formData.getAll("ids");
  formData.delete("ids");
  if (ids.length) formData.set("ids", ids.join(","));
}

function close(event) {
  const name = event.target.closest("[data-bulk]")?.dataset.bulk;
  if (name !== "done" && name !== "close") return;
  event.preventDefault();
  if (name === "done") list.hidePopover();
  else question.close();
}

const enter = () => list.querySelector("tag-input input[type=text]")?.focus();

if (bar) {
  document.addEventListener("click", onClick, true);
  document.addEventListener("pointerdown", onPress);
  for (const kind of ["pointerup", "pointercancel", "pointermove"]) document.addEventListener(kind, onLift);
  document.addEventListener("contextmenu", onMenu);
  document.addEventListener("change", (event) => event.target.matches?.(".pick input, [name=scope]") && onChange(event.target));
  document.addEventListener("htmx:after:swap", () => {
    if (scope?.checked) set(boxes(), true);
    else tell();
    if (!list.contains(document.activeElement)) enter(); // what had the focus is gone
  });
  bar.addEventListener("formdata", pack);
  bar.addEventListener("click", onBar);
  list.addEventListener("click", close);
  question.addEventListener("click", close);
  question.addEventListener("submit", () => setTimeout(() => question.close()));
  document.addEventListener("bulk:tags", () => (list.showPopover(), enter()));
  document.addEventListener("bulk:ask", () => question.showModal());
  document.addEventListener("jobs:begun", ({ detail }) => detail?.bulk && list.hidePopover());
  document.addEventListener("bulk:done", onDone);
  document.addEventListener("bulk:undone", onUndone);
  useKeys();
  tell();
}

function onChange(box) {
  swept = false;
  if (box === scope) set(boxes(), scope.checked || chosen().length === boxes().length);
  else if (!box.checked && scope) scope.checked = false;
  tell();
}
