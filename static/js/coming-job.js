// The place of a new job is there at the press, before the server has answered: nothing moves later.
const isWish = ({ sourceElement, request }) => sourceElement?.matches("form[data-form]") && request.method === "POST";

document.addEventListener("htmx:before:request", ({ detail }) => {
  const form = detail.ctx.sourceElement;
  const template = document.getElementById("coming-job");
  if (!isWish(detail.ctx) || !template || document.getElementById("coming")) return;
  const place = template.content.cloneNode(true);
  place.querySelector(".job-prompt").textContent = form.elements.prompt.value;
  document.getElementById("session").prepend(place);
  document.getElementById("session-empty")?.setAttribute("hidden", "");
});

// The answer takes the place over; after an error there is nothing to come.
document.addEventListener("htmx:finally:request", ({ detail }) => {
  if (!isWish(detail.ctx)) return;
  document.getElementById("coming")?.remove();
  document.getElementById("session-empty")?.removeAttribute("hidden");
});
