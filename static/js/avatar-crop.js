// <avatar-crop> shows at once what its sliders choose, and lets the picture be dragged, zoomed and moved by keys.
const WHOLE = 1000; // the picture's shorter side
const ROOM = 10000; // parts of the way that the square has
const STEP = 0.02; // of the square, for one press of an arrow

class AvatarCrop extends HTMLElement {
  #view;
  #fields;

  connectedCallback() {
    this.#view = this.querySelector("svg");
    const form = this.querySelector("form");
    this.#fields = form.elements;
    this.#view.tabIndex = 0;
    this.#view.setAttribute("aria-describedby", "crop-help");
    form.addEventListener("input", () => this.#draw());
    this.#view.addEventListener("keydown", (event) => this.#onKey(event));
    this.#view.addEventListener("pointerdown", (event) => this.#view.setPointerCapture(event.pointerId));
    this.#view.addEventListener("pointermove", (event) => this.#onDrag(event));
    this.#view.addEventListener("wheel", (event) => this.#onWheel(event), { passive: false });
  }

  get #side() {
    return (WHOLE * 100) / this.#fields.zoom.value;
  }

  #room(axis) {
    return Number(axis === "across" ? this.dataset.width : this.dataset.height) - this.#side;
  }

  #draw() {
    const place = (axis) => (this.#room(axis) * this.#fields[axis].value) / ROOM;
    this.#view.setAttribute("viewBox", `${place("across")} ${place("down")} ${this.#side} ${this.#side}`);
  }

  // Moves the square by parts of its own side.
  #move(across, down) {
    for (const [axis, part] of Object.entries({ across, down })) {
      const room = this.#room(axis);
      if (room > 0) this.#fields[axis].value = Number(this.#fields[axis].value) + (part * this.#side * ROOM) / room;
    }
    this.#draw();
  }

  // The middle stays where it is.
  #zoom(factor) {
    const middles = ["across", "down"].map((axis) => (this.#room(axis) * this.#fields[axis].value) / ROOM + this.#side / 2);
    this.#fields.zoom.value *= factor;
    ["across", "down"].forEach((axis, at) => {
      const room = this.#room(axis);
      if (room > 0) this.#fields[axis].value = ((middles[at] - this.#side / 2) / room) * ROOM;
    });
    this.#draw();
  }

  #onKey(event) {
    const step = event.shiftKey ? STEP * 5 : STEP;
    const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
    const zoom = { "+": 1.1, "=": 1.1, "-": 1 / 1.1 }[event.key];
    if (moves[event.key]) this.#move(...moves[event.key]);
    else if (zoom) this.#zoom(zoom);
    else return;
    event.preventDefault();
  }

  #onDrag(event) {
    if (!this.#view.hasPointerCapture(event.pointerId)) return;
    const shown = this.#view.clientWidth;
    this.#move(-event.movementX / shown, -event.movementY / shown);
  }

  #onWheel(event) {
    event.preventDefault();
    this.#zoom(event.deltaY < 0 ? 1.05 : 1 / 1.05);
  }
}

customElements.define("avatar-crop", AvatarCrop);
