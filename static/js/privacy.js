// H blurs every picture until H is pressed again; the cookie keeps it for the session, in every tab.
import { register } from "keys";

const root = document.documentElement;
const site = document.querySelector("meta[name=application-name]").content;
const hidden = () => root.hasAttribute("data-hidden");
let wanted = hidden() ? null : document.title;

// The title of the page, be it shown or not.
export function title() {
  return wanted ?? `${document.querySelector("h1")?.textContent.trim() ?? ""} · ${site}`;
}

export function setTitle(text) {
  wanted = text;
  document.title = hidden() ? site : text;
}

function toggle() {
  root.toggleAttribute("data-hidden");
  document.cookie = `hidden=1; path=/; samesite=lax${hidden() ? "" : "; max-age=0"}`;
  for (const button of document.querySelectorAll("[data-hide] button")) button.setAttribute("aria-pressed", String(hidden()));
  setTitle(title());
}

register("h", "Hide or show all pictures", toggle);
document.addEventListener("submit", (event) => {
  if (!event.target.matches("[data-hide]")) return;
  event.preventDefault();
  toggle();
});
