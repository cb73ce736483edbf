// The viewer goes on by itself: S begins, Space pauses, the arrows step, Esc ends. Pages do it by links.
import { dialog, frame, part, shown, step } from "image-viewer";
import { register } from "keys";
import { say } from "toasts";
import { gettext } from "words";

const page = frame?.matches("[data-page]");
const PATIENCE = 20; // half seconds for the grid to bring more
let speed = Number(frame?.dataset.play) || Number(localStorage.getItem("speed")) || 5; // seconds
let plays = Boolean(frame?.dataset.play);
let paused = false;
let timer = null;

function mark() {
  if (!page) {
    frame.classList.toggle("viewer--play", plays);
    frame.classList.toggle("viewer--bare", plays);
  }
  const icon = part("play")?.querySelector("use");
  icon?.setAttribute("href", icon.getAttribute("href").replace(/#.*/, plays && !paused ? "#pause" : "#play"));
  part("play")?.setAttribute("aria-label", gettext(plays ? "Stop the slideshow" : "Slideshow"));
  for (const link of frame.querySelectorAll("[data-seconds]")) {
    link.toggleAttribute("aria-current", Number(link.dataset.seconds) === speed);
  }
}

// The time begins when the picture can be seen, and rests while nobody looks.
async function wait() {
  clearTimeout(timer);
  mark();
  if (!plays || paused || document.hidden) return;
  await frame.querySelector("[data-stage] img")?.decode().catch(() => {});
  clearTimeout(timer);
  if (plays && !paused) timer = setTimeout(next, speed * 1000, 0);
}

function next(tries) {
  if (!shown()) return stop();
  if (step(1)) return;
  if (part("next") && tries < PATIENCE) timer = setTimeout(next, 500, tries + 1);
  else stop(), say("That was the last image.");
}

function start() {
  plays = true;
  paused = false;
  wait();
}

function stop() {
  plays = false;
  clearTimeout(timer);
  mark();
}

function pause() {
  paused = !paused;
  say(paused ? "Paused. Space goes on." : "Going on.");
  wait();
}

function toggle() {
  if (page) part("play")?.click();
  else if (plays) stop();
  else start();
}

document.addEventListener("viewer:shown", () => plays && wait());
document.addEventListener("visibilitychange", () => plays && wait());

// In the dialog the links of the page are buttons.
dialog?.addEventListener("click", (event) => {
  const choice = event.target.closest("[data-seconds], [data-v=play]");
  if (!choice) return;
  event.preventDefault();
  if (!choice.dataset.seconds) return toggle();
  speed = Number(choice.dataset.seconds);
  localStorage.setItem("speed", speed);
  wait();
});
dialog?.addEventListener("cancel", (event) => {
  if (!plays) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  stop();
}, { capture: true });
dialog?.addEventListener("close", stop);

const group = "In the viewer";
register("s", "Slideshow", toggle, { group, when: shown });
register(" ", "Pause the slideshow", pause, { group, when: (event) => plays && !event?.target?.closest?.("button, input") });
if (page) register("Escape", "Stop the slideshow", toggle, { group, when: () => plays });

// From the grid: the focused picture, else the first.
function begin() {
  const link = document.activeElement?.closest?.("[data-grid] .tile > a[data-full]") ?? document.querySelector("[data-grid] .tile > a[data-full]");
  if (!link) return;
  [plays, paused] = [true, false]; // the time begins when the viewer shows the picture
  link.click();
}

if (dialog) register("s", "Slideshow", begin, { group: "In the grid", when: () => !document.querySelector("dialog:modal") });
document.addEventListener("click", (event) => {
  if (!dialog || !event.target.closest?.("[data-slideshow]") || event.metaKey || event.ctrlKey) return;
  event.preventDefault();
  begin();
});

if (page && plays) wait();
