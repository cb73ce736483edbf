// Pages that follow jobs. The server says what changed; this adds running seconds and news from other tabs.
import { gettext } from "words";

const channel = new BroadcastChannel("jobs");
let heard = false;

const wake = () => document.body.dispatchEvent(new Event("jobs:begun"));

channel.onmessage = () => {
  heard = true;
  wake();
  heard = false;
};
document.body.addEventListener("jobs:begun", () => heard || channel.postMessage("begun"));
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState !== "visible") return;
  heard = true;
  wake();
  heard = false;
});

document.addEventListener("htmx:after:request", ({ detail }) => {
  const { request, response } = detail.ctx;
  if (request.action.includes("/queue/poll/") && response?.status === 200) {
    document.body.dispatchEvent(new Event("jobs:changed"));
  }
});

// A card stays in its place when its job goes on, so the heading over it says what has become of them.
document.addEventListener("htmx:after:swap", () => {
  for (const key of ["running", "waiting"]) {
    const heading = document.getElementById(`section-${key}`);
    const cards = heading?.parentElement;
    if (!cards || cards.querySelector(`.qi--${key}`)) continue;
    heading.textContent = gettext(cards.querySelector(".qi--running") ? "Running" : "Just finished");
  }
});

const span = (seconds) =>
  seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;

// <elapsed-time data-seconds="12" data-total="20">: goes on counting from what the server said.
class ElapsedTime extends HTMLElement {
  static observedAttributes = ["data-seconds"];
  #timer;
  #start;

  connectedCallback() {
    this.#timer = setInterval(() => this.#tick(), 1000);
  }

  disconnectedCallback() {
    clearInterval(this.#timer);
  }

  attributeChangedCallback() {
    this.#start = Date.now() - Number(this.dataset.seconds) * 1000;
  }

  #tick() {
    const seconds = Math.floor((Date.now() - this.#start) / 1000);
    const left = Number(this.dataset.total) - seconds;
    this.textContent = span(seconds) + (left > 0 ? `, ${gettext("about {span} left", { span: span(left) })}` : "");
  }
}

customElements.define("elapsed-time", ElapsedTime);
