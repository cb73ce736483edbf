// <mask-painter>: a brush for the part of a picture that is painted anew. Its field gets a PNG: white is new.
// What was done is kept as a list of strokes, so that undoing is drawing all but the last one again.
import { gettext } from "words";

const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

class MaskPainter extends HTMLElement {
  #done = [];
  #undone = [];
  #stroke = null; // the one that is being drawn
  #start = null; // what was painted before this page was loaded
  #at; // where the brush is
  #listen; // ends what was listened for on the document

  connectedCallback() {
    queueMicrotask(() => this.isConnected && this.#begin()); // a morph puts the children in after the element
  }

  #begin() {
    this.dialog = this.querySelector("dialog");
    this.canvas = this.querySelector("canvas");
    this.field = this.querySelector("input[name=mask]");
    this.ring = this.querySelector(".paint i");
    this.pen = this.canvas.getContext("2d", { willReadFrequently: true });
    this.#at = [this.canvas.width / 2, this.canvas.height / 2];
    this.canvas.onpointerdown = (event) => this.#down(event);
    this.canvas.onpointermove = (event) => this.#move(event);
    this.canvas.onpointerup = this.canvas.onpointercancel = () => this.#lift();
    this.canvas.onpointerleave = this.canvas.onblur = () => (this.ring.hidden = true);
    this.canvas.onkeydown = (event) => this.#key(event);
    this.onclick = ({ target }) => this.#act(target.closest("[data-act]")?.dataset.act);
    this.dialog.onchange = this.dialog.oninput = (event) => event.stopPropagation(); // nothing of it changes the price
    this.#listen = new AbortController();
    document.addEventListener("htmx:after:swap", () => this.#redraw(), { signal: this.#listen.signal });
    this.#restore();
  }

  disconnectedCallback() {
    this.#listen?.abort();
  }

  get #width() {
    const percent = Number(this.querySelector("input[type=range]").value);
    return (percent / 100) * Math.max(this.canvas.width, this.canvas.height);
  }

  // --- Drawing

  #down(event) {
    if (event.button || !event.isPrimary) return;
    this.canvas.setPointerCapture(event.pointerId);
    this.#press(this.#place(event));
  }

  #move(event) {
    if (!event.isPrimary) return;
    const places = (event.getCoalescedEvents?.() ?? []).map((each) => this.#place(each));
    this.#go(places.length ? places : [this.#place(event)]);
  }

  #key(event) {
    const step = steps[event.key];
    if (step) this.#go([this.#at.map((value, axis) => value + (step[axis] * this.#width) / 3)]);
    else if (event.key === " ") this.#stroke ? this.#lift() : this.#press(this.#at);
    else return;
    event.preventDefault();
  }

  #place({ clientX, clientY }) {
    const box = this.canvas.getBoundingClientRect();
    const scale = this.canvas.width / box.width;
    return [(clientX - box.left) * scale, (clientY - box.top) * scale];
  }

  #press(place) {
    const erase = this.querySelector("input[value=erase]").checked;
    this.#stroke = { erase, width: this.#width, places: [place] };
    this.#apply(this.#stroke);
  }

  #go(places) {
    this.#at = places.at(-1).map((value, axis) => Math.min(Math.max(value, 0), axis ? this.canvas.height : this.canvas.width));
    this.#showRing();
    if (!this.#stroke) return;
    this.#apply({ ...this.#stroke, places: [this.#stroke.places.at(-1), ...places] });
    this.#stroke.places.push(...places);
  }

  #lift() {
    if (!this.#stroke) return;
    this.#did(this.#stroke);
    this.#stroke = null;
  }

  #showRing() {
    const scale = this.canvas.clientWidth / this.canvas.width;
    const [x, y] = this.#at.map((value) => `${value * scale}px`);
    const size = `${this.#width * scale}px`;
    Object.assign(this.ring.style, { left: x, top: y, width: size, height: size });
    this.ring.hidden = false;
  }

  #apply({ act, erase, width, places }) {
    const { pen, canvas } = this;
    pen.strokeStyle = pen.fillStyle = getComputedStyle(canvas).color;
    pen.globalCompositeOperation = act === "invert" ? "xor" : erase ? "destination-out" : "source-over";
    if (act === "clear") pen.clearRect(0, 0, canvas.width, canvas.height);
    else if (act === "invert") pen.fillRect(0, 0, canvas.width, canvas.height);
    else {
      Object.assign(pen, { lineWidth: width, lineCap: "round", lineJoin: "round" });
      pen.beginPath();
      for (const place of places) pen.lineTo(...place);
      if (places.length === 1) pen.arc(...places[0], width / 2, 0, 2 * Math.PI); // a line to itself is not drawn
      if (places.length === 1) pen.fill();
      else pen.stroke();
    }
  }

  #redraw() {
    const { pen, canvas } = this;
    pen.globalCompositeOperation = "source-over";
    pen.clearRect(0, 0, canvas.width, canvas.height);
    if (this.#start) pen.drawImage(this.#start, 0, 0, canvas.width, canvas.height);
    for (const stroke of this.#done) this.#apply(stroke);
    this.#tell();
  }

  // --- What was done

  #did(stroke) {
    this.#done.push(stroke);
    this.#undone = [];
    this.#tell();
  }

  #act(act) {
    if (act === "undo" && this.#done.length) this.#undone.push(this.#done.pop());
    else if (act === "redo" && this.#undone.length) this.#done.push(this.#undone.pop());
    else if (act === "drop") [this.#done, this.#undone, this.#start] = [[], [], null];
    else if (act === "invert" || act === "clear") this.#did({ act });
    else return;
    this.#redraw();
  }

  #tell() {
    const painted = this.#share();
    this.field.value = painted ? this.#export() : "";
    this.querySelector("[data-act=undo]").disabled = !this.#done.length;
    this.querySelector("[data-act=redo]").disabled = !this.#undone.length;
    this.querySelector("[data-act=drop]").hidden = !painted;
    this.querySelector("[data-state]").textContent = painted
      ? gettext("{n} % of the picture is painted, and only that changes.", { n: Math.max(1, Math.round(painted * 100)) })
      : gettext("Nothing painted: the whole picture may change.");
  }

  // --- To the field and back

  #share() {
    const pen = blank(64, 64);
    pen.drawImage(this.canvas, 0, 0, 64, 64);
    const { data } = pen.getImageData(0, 0, 64, 64);
    let sum = 0;
    for (let at = 3; at < data.length; at += 4) sum += data[at];
    return sum / 255 / 64 / 64;
  }

  #export() {
    const { width, height } = this.canvas;
    const pen = blank(width, height);
    pen.drawImage(this.canvas, 0, 0);
    for (const [mode, color] of [["source-in", "#fff"], ["destination-over", "#000"]]) {
      pen.globalCompositeOperation = mode;
      pen.fillStyle = color;
      pen.fillRect(0, 0, width, height);
    }
    return pen.canvas.toDataURL("image/png");
  }

  async #restore() {
    if (!this.field.value || this.#start || this.#done.length) return this.#redraw();
    const image = new Image();
    image.src = this.field.value;
    await image.decode();
    const pen = blank(this.canvas.width, this.canvas.height);
    pen.drawImage(image, 0, 0, pen.canvas.width, pen.canvas.height);
    const pixels = pen.getImageData(0, 0, pen.canvas.width, pen.canvas.height);
    for (let at = 0; at < pixels.data.length; at += 4) pixels.data[at + 3] = pixels.data[at]; // white becomes paint
    pen.putImageData(pixels, 0, 0);
    pen.globalCompositeOperation = "source-in";
    pen.fillStyle = getComputedStyle(this.canvas).color;
    pen.fillRect(0, 0, pen.canvas.width, pen.canvas.height);
    this.#start = pen.canvas;
    this.#redraw();
  }
}

function blank(width, height) {
  return Object.assign(document.createElement("canvas"), { width, height }).getContext("2d", { willReadFrequently: true });
}

customElements.define("mask-painter", MaskPainter);
