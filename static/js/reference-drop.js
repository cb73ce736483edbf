// <reference-drop>: pictures that are dropped anywhere, pasted or chosen go along with the wish. And the picker.
const here = () => document.querySelector("reference-drop");
const form = () => document.getElementById("reference-files");
const input = () => form().querySelector("input");
const isFiles = (transfer) => transfer?.types.includes("Files");
const mark = (over) => here()?.classList.toggle("is-over", over);

function send(files) {
  const transfer = new DataTransfer();
  for (const file of files) if (file.type.startsWith("image/")) transfer.items.add(file);
  if (!transfer.files.length) return;
  input().files = transfer.files;
  form().requestSubmit();
}

class ReferenceDrop extends HTMLElement {
  connectedCallback() {
    this.onclick = ({ target }) => {
      if (target.matches("[data-choose]")) input().click();
    };
  }
}

customElements.define("reference-drop", ReferenceDrop);

// Ahead of hand-over.js, which would carry the files to the upload page.
const ahead = { capture: true };

document.addEventListener("images:paste", (event) => {
  if (!here()) return;
  event.preventDefault();
  send(event.detail.files);
}, ahead);

document.addEventListener("dragover", (event) => {
  if (!here() || !isFiles(event.dataTransfer)) return;
  event.preventDefault();
  mark(true);
}, ahead);

document.addEventListener("dragleave", (event) => event.relatedTarget || mark(false));

document.addEventListener("drop", (event) => {
  if (!here() || !isFiles(event.dataTransfer)) return;
  event.preventDefault();
  mark(false);
  send(event.dataTransfer.files);
}, ahead);

form()?.addEventListener("htmx:finally:request", ({ target }) => target.reset());

// The picker looks anew each time it opens; it may have been opened before this module was there.
const picker = document.getElementById("pick");
const look = () => picker?.open && htmx.trigger(picker.querySelector("form[hx-get]"), "refresh");
picker?.addEventListener("toggle", look);
document.addEventListener("DOMContentLoaded", look);
