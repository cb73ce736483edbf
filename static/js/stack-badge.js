// The number on a stack, or O, shows the pictures below it, in the grid, and folds them again.
import { register } from "keys";

const below = new Map();
const badgeOf = (target) => target?.closest?.("[data-grid] .tile")?.querySelector("a[data-stack]");

async function unfold(badge, tile) {
  badge.setAttribute("aria-expanded", "true");
  const answer = await fetch(badge.href, { headers: { "HX-Request": "true" } });
  if (!answer.ok) return location.assign(badge.href);
  const list = document.createElement("template");
  list.innerHTML = await answer.text();
  below.set(badge, [...list.content.children]);
  tile.after(list.content);
  document.dispatchEvent(new CustomEvent("htmx:after:swap", { bubbles: true })); // the grid orders its tab stops anew
}

function fold(badge) {
  for (const tile of below.get(badge) ?? []) tile.remove();
  below.delete(badge);
  badge.setAttribute("aria-expanded", "false");
}

document.addEventListener("click", (event) => {
  const badge = event.target.closest?.("a[data-stack]");
  if (!badge || event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  if (below.has(badge)) fold(badge);
  else unfold(badge, badge.closest(".tile"));
});

register("o", "Show or fold the stack", (event) => badgeOf(event.target).click(), { group: "In the grid", when: (event) => badgeOf(event?.target) && !document.querySelector("dialog:modal") });
