// The number on a stack, or O, shows the pictures below it, in the grid, and folds them again. Folded, its box
// stands for all of them ("id+5"), unfolded for the picture itself.
import { register } from "keys";

const below = new Map();
const badgeOf = (target) => target?.closest?.("[data-grid] .tile")?.querySelector("a[data-stack]");

async function unfold(badge, tile) {
  badge.setAttribute("aria-expanded", "true");
  const answer = await fetch(badge.href, { headers: { "HX-Request": "true" } });
  if (!answer.ok) return location.assign(badge.href);
  const list = document.createElement("template");
  list.innerHTML = await answer.text();
  below.set(badge, { tiles: [...list.content.children], refold: alone(tile, list.content) });
  tile.after(list.content);
  document.dispatchEvent(new CustomEvent("htmx:after:swap", { bubbles: true })); // the grid orders its tab stops anew
}

const boxIn = (tile) => tile.querySelector(".pick input");

// Lets the box of `tile` stand for this picture only; what it chose stays chosen. Returns the way back.
function alone(tile, others) {
  const box = boxIn(tile);
  const whole = box?.value;
  if (!whole) return () => {};
  box.value = whole.split("+")[0];
  if (box.checked) for (const other of others.querySelectorAll(".pick input")) other.checked = true;
  return (tiles) => {
    box.value = whole;
    box.checked &&= tiles.every((other) => boxIn(other).checked);
  };
}

function fold(badge) {
  const { tiles, refold } = below.get(badge);
  for (const tile of tiles) tile.remove();
  refold(tiles);
  below.delete(badge);
  badge.setAttribute("aria-expanded", "false");
  document.dispatchEvent(new CustomEvent("htmx:after:swap", { bubbles: true }));
}

document.addEventListener("click", (event) => {
  const badge = event.target.closest?.("a[data-stack]");
  if (!badge || event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  if (below.has(badge)) fold(badge);
  else unfold(badge, badge.closest(".tile"));
});

register("o", "Show or fold the stack", (event) => badgeOf(event.target).click(), { group: "In the grid", when: (event) => badgeOf(event?.target) && !document.querySelector("dialog:modal") });
