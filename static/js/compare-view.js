// <compare-view>: two pictures that zoom and scroll as one, beside each other or one over the other.
import { register } from "keys";

class CompareView extends HTMLElement {
  connectedCallback() {
    this.sides = [...this.querySelectorAll(".cmp-side")];
    this.knob = (name) => this.querySelector(`[data-cmp="${name}"]`);
    this.addEventListener("input", ({ target }) => (target.dataset.cmp === "at" ? this.#slide() : this.#zoom()));
    for (const side of this.sides) {
      side.addEventListener("scroll", () => this.#follow(side));
      side.addEventListener("pointerenter", () => (this.leader = side));
      side.addEventListener("focus", () => (this.leader = side));
    }
    this.addEventListener("dblclick", () => this.#set("zoom", this.#value("zoom") > 100 ? 100 : 300));
    this.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    const group = "Comparing";
    register("z", "Fit or enlarge", () => this.#set("zoom", this.#value("zoom") > 100 ? 100 : 300), { group });
    if (this.knob("at")) register("c", "The other image", () => this.#set("at", this.#value("at") > 50 ? 0 : 100), { group });
  }

  #value(name) {
    return Number(this.knob(name).value);
  }

  #set(name, value) {
    this.knob(name).value = value;
    name === "at" ? this.#slide() : this.#zoom();
  }

  #slide() {
    this.style.setProperty("--at", `${this.#value("at")}%`);
  }

  // Keeps the middle of what is seen where it is; enlarged pictures are worth their originals.
  #zoom() {
    const side = this.sides.at(-1);
    const [x, y] = [(side.scrollLeft + side.clientWidth / 2) / side.scrollWidth, (side.scrollTop + side.clientHeight / 2) / side.scrollHeight];
    this.style.setProperty("--zoom", `${this.#value("zoom")}%`);
    for (const image of this.querySelectorAll("img[data-original]")) {
      if (this.#value("zoom") <= 100) break;
      image.src = image.dataset.original;
      delete image.dataset.original;
    }
    for (const each of this.sides) each.scrollTo(x * each.scrollWidth - each.clientWidth / 2, y * each.scrollHeight - each.clientHeight / 2);
  }

  #wheel(event) {
    if (!event.ctrlKey) return;
    event.preventDefault();
    this.#set("zoom", Math.min(800, Math.max(100, this.#value("zoom") * (event.deltaY < 0 ? 1.25 : 0.8))));
  }

  #follow(side) {
    if (this.leader && side !== this.leader) return;
    for (const other of this.sides) if (other !== side) other.scrollTo(side.scrollLeft, side.scrollTop);
  }
}

customElements.define("compare-view", CompareView);
