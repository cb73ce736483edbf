// <drop-zone>: files that are dropped anywhere, pasted or chosen go up one by one, three at a time.
// The server answers each with its result row; without script the same form sends them all at once.
import { fetchFiles } from "hand-over";
import { gettext } from "words";

const atOnce = 3;
const retryAfter = 5_000;
const words = { added: "{n} added", duplicate: "{n} already here", refused: "{n} not added" };

class DropZone extends HTMLElement {
  #waiting = [];
  #running = 0;
  #rows = this.querySelector("[data-rows]");
  #form = this.closest("form");
  #input = this.querySelector("input[type=file]");
  #sent = new Map(); // row → tags it went up with

  connectedCallback() {
    this.#form.querySelector("[data-plain]").hidden = true;
    this.#form.querySelector("[data-done]").hidden = false;
    this.querySelectorAll("[data-script]").forEach((part) => (part.hidden = false));
    this.#input.addEventListener("change", () => this.#take([...this.#input.files], () => (this.#input.value = "")));
    this.querySelector("[data-folder]").addEventListener("click", () => this.#chooseFolder());
    this.#form.addEventListener("submit", (event) => event.preventDefault());
    this.#form.addEventListener("change", (event) => event.target.name === "tags" && this.#tagAgain());
    document.addEventListener("images:paste", (event) => {
      event.preventDefault();
      this.#take(event.detail.files);
    });
    document.addEventListener("dragover", (event) => this.#over(event));
    document.addEventListener("dragleave", (event) => event.relatedTarget || this.#mark(false));
    document.addEventListener("drop", (event) => this.#drop(event));
    fetchFiles().then((files) => this.#take(files));
    fetchFiles("shared").then((files) => files.length && this.#offer(files));
    addEventListener("online", () => this.#next());
    addEventListener("beforeunload", (event) => this.#running + this.#waiting.length && event.preventDefault());
  }

  get #tags() {
    return this.#form.querySelector("[name=tags]").value;
  }

  // Another site can share pictures as another app does, so a person says whether they are to be added.
  #offer(files) {
    const note = this.#form.querySelector("[data-shared]");
    note.querySelector("[data-count]").textContent = files.length;
    note.hidden = false;
    note.addEventListener("click", ({ target }) => {
      if (target.matches("[data-add]")) this.#take(files);
      if (target.matches("button")) note.hidden = true;
    });
  }

  #over(event) {
    if (!event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    this.#mark(true);
  }

  #mark(over) {
    this.querySelector("[data-drop]").classList.toggle("is-over", over);
  }

  async #drop(event) {
    if (!event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    this.#mark(false);
    const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
    const files = [...event.dataTransfer.files];
    this.#take(entries.some((entry) => entry.isDirectory) ? (await Promise.all(entries.map(walk))).flat() : files);
  }

  #chooseFolder() {
    const input = Object.assign(document.createElement("input"), { type: "file", webkitdirectory: true });
    input.onchange = () => this.#take([...input.files].filter((file) => file.type.startsWith("image/")));
    input.click();
  }

  #take(files, after) {
    for (const file of files) {
      const row = this.#draw(file);
      if (file.size > Number(this.dataset.limit)) {
        this.#refuse(row, gettext("This file is {size}. The limit here is {limit}.", { size: size(file.size), limit: this.dataset.limitText }));
      } else this.#waiting.push({ file, row });
    }
    after?.();
    this.#next();
  }

  #draw(file) {
    const row = this.querySelector("template").content.firstElementChild.cloneNode(true);
    row.querySelector("[data-name]").textContent = file.name;
    row.querySelector("progress").setAttribute("aria-label", file.name);
    row.querySelector("[data-sentence]").textContent = size(file.size);
    this.#preview(row, file);
    this.#rows.append(row);
    return row;
  }

  #preview(row, file) {
    const image = row.querySelector("img");
    image.onload = image.onerror = ({ type }) => {
      URL.revokeObjectURL(image.src);
      image.classList.toggle("up-unseen", type === "error");
    };
    image.src = URL.createObjectURL(file);
  }

  #next() {
    while (this.#running < atOnce && this.#waiting.length) this.#send(this.#waiting.shift());
    this.#tell();
  }

  #send({ file, row }) {
    this.#running += 1;
    const tags = this.#tags;
    const body = new FormData();
    body.append("tags", tags);
    body.append("file", file, file.name);
    const request = new XMLHttpRequest();
    request.open("POST", this.#form.action);
    request.setRequestHeader("HX-Request", "true");
    request.setRequestHeader("X-CSRFToken", this.#form.elements.csrfmiddlewaretoken.value);
    request.upload.onprogress = (event) => this.#progress(row, event);
    request.onloadend = () => {
      this.#running -= 1;
      this.#answer(request, { file, row }, tags);
      this.#next();
    };
    row.dataset.state = "sending";
    request.send(body);
  }

  #progress(row, { loaded, total }) {
    const percent = Math.floor((loaded / total) * 100);
    row.querySelector("progress").value = percent;
    row.querySelector("[data-pill]").textContent = percent < 100 ? `${percent} %` : gettext("Reading");
    row.querySelector("[data-sentence]").textContent = gettext("{loaded} of {total}", { loaded: size(loaded), total: size(total) });
  }

  #answer(request, { file, row }, tags) {
    if (!request.status || request.status === 503) return this.#wait({ file, row });
    const answer = new DOMParser().parseFromString(request.responseText, "text/html").querySelector("li[data-state]");
    if ((request.status === 200 || request.status === 507) && answer) {
      row.replaceWith(answer);
      this.#sent.set(answer, tags);
      if (this.#tags !== tags) this.#tagAgain();
      return;
    }
    const note = new DOMParser().parseFromString(request.responseText, "text/html").querySelector(".note p");
    this.#refuse(row, request.status === 422 && note ? note.textContent : sentence(request));
  }

  #wait(job) {
    job.row.dataset.state = "waiting";
    job.row.querySelector("[data-pill]").textContent = gettext("Waiting");
    job.row.querySelector("[data-sentence]").textContent = gettext("Waiting for the server. It goes on by itself.");
    setTimeout(() => {
      this.#waiting.push(job);
      this.#next();
    }, retryAfter);
  }

  #refuse(row, text) {
    row.dataset.state = "refused";
    row.querySelector("progress").remove();
    const pill = row.querySelector("[data-pill]");
    pill.textContent = gettext("Not added");
    pill.className = "pill pill--bad";
    const line = row.querySelector("[data-sentence]");
    line.textContent = gettext(text);
    line.className = "error";
  }

  // Tags that were written after a picture had gone up are put on it now.
  async #tagAgain() {
    const tags = this.#tags;
    for (const [row, before] of this.#sent) {
      if (before === tags || !tags || !row.dataset.tags) continue;
      this.#sent.set(row, tags);
      const headers = { "HX-Request": "true", "X-CSRFToken": this.#form.elements.csrfmiddlewaretoken.value };
      await fetch(row.dataset.tags, { method: "POST", headers, body: new URLSearchParams({ add: tags }) });
    }
  }

  #tell() {
    const counts = Object.entries(words)
      .map(([state, word]) => [this.#rows.querySelectorAll(`[data-state=${state}]`).length, word])
      .filter(([count]) => count)
      .map(([n, word]) => gettext(word, { n }));
    const open = this.#running + this.#waiting.length;
    if (open) counts.push(gettext("{n} on the way", { n: open }));
    this.#form.querySelector("[data-summary]").textContent = counts.join(", ");
  }
}

async function walk(entry) {
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    return file.type.startsWith("image/") ? [file] : [];
  }
  const reader = entry.createReader();
  const found = [];
  for (;;) {
    const batch = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!batch.length) return (await Promise.all(found.map(walk))).flat();
    found.push(...batch);
  }
}

function size(bytes) {
  return bytes < 1e6 ? `${Math.ceil(bytes / 1024)} KB` : `${(bytes / 1024 / 1024).toFixed(1)} MB`;
}

function sentence({ status }) {
  if (status === 413) return "That is more than this server takes at once.";
  if (status === 408) return "The transfer was too slow and was ended. Add it again.";
  if (status === 401 || status === 403) return "You have been logged out. Log in again, then add it once more.";
  if (status === 507) return "The disk of the server is full. Nothing was kept.";
  return "The server could not take it. Nothing was kept; add it again.";
}

customElements.define("drop-zone", DropZone);
