// Stars by key: 0 to 5 in the viewer, R and then 0 to 5 on a tile, where 1 2 3 are sizes.
import { register } from "keys";
import { say } from "toasts";

const form = () => document.querySelector("[data-frame] form.stars, [data-page] form.stars");
const said = (stars) => say(stars ? "{stars} of 5 stars." : "No rating.", { stars });

async function rate(stars) {
  await htmx.ajax("POST", form().action, { source: form(), values: { rating: stars }, target: "#about", swap: "outerHTML" });
  said(stars);
}

for (let stars = 0; stars <= 5; stars++) {
  const label = stars ? `Rate ${stars} of 5` : "Take the rating away";
  register(String(stars), label, () => rate(stars), { group: "In the viewer", when: () => Boolean(form()) });
}

const linkOf = (target) => target?.closest?.("[data-grid] .tile > a[data-full]");

function ask(event) {
  const link = linkOf(event.target);
  const answer = async (key) => {
    if (!/^[0-5]$/.test(key.key)) return;
    key.preventDefault();
    key.stopImmediatePropagation();
    const url = new URL("edit/", new URL(link.href.split("?")[0]));
    await htmx.ajax("POST", url.pathname, { source: link.parentElement, values: { rating: key.key }, swap: "none" });
    said(Number(key.key));
  };
  addEventListener("keydown", answer, { capture: true, once: true });
}

register("r", "Rate: then 0 to 5", ask, { group: "In the grid", when: (event) => linkOf(event?.target) && !document.querySelector("dialog:modal") });
