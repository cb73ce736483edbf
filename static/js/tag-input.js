// <tag-input> turns a comma field into chips with suggestions. The field itself stays and is what is sent.
import { ComboBox } from "combo-box";
import { classes, icon, read, row, split, suggest, write } from "tags";
import { gettext } from "words";

// The tag of exactly this name: of the kind that was typed, else of any.
const named = (found, { kind }) => {
  const same = found.filter((tag) => tag.exact);
  return same.find((tag) => tag.kind === kind) ?? same[0];
};

class TagInput extends HTMLElement {
  #field; // the field that is sent
  #entry; // where one types
  #chips;
  #combo;

  connectedCallback() {
    if (this.#field) return;
    this.#field = this.querySelector("input");
    const isUsed = this.#field.matches(":focus");
    const specs = split(this.#field.value);
    const typed = isUsed && this.#field.value !== this.#field.defaultValue ? specs.pop() : "";
    this.#build();
    specs.map(read).forEach((tag) => this.#draw(tag));
    if (isUsed) this.#goOn(typed);
    this.#field.form?.addEventListener("submit", () => this.#commit());
    this.#field.form?.addEventListener("reset", () => setTimeout(() => this.#reload()));
  }

  #build() {
    this.#entry = Object.assign(document.createElement("input"), { type: "text", autocomplete: "off", id: this.#field.id });
    this.#entry.autocapitalize = "none";
    this.#entry.placeholder = this.#field.placeholder;
    for (const name of ["aria-invalid", "aria-describedby"]) {
      if (this.#field.hasAttribute(name)) this.#entry.setAttribute(name, this.#field.getAttribute(name));
    }
    this.#field.removeAttribute("id");
    this.#field.type = "hidden";
    this.#chips = Object.assign(document.createElement("ul"), { className: "tag-chips", role: "list" });
    this.append(this.#chips, this.#entry);
    this.classList.add("input");
    this.#combo = new ComboBox(this.#entry, {
      label: "Tags",
      fetchOptions: (text, signal) => this.#suggest(text, signal),
      choose: (option) => this.#take(option),
      draw: (option) => row(this.dataset.sprite, option),
      first: true,
    });
    this.#entry.addEventListener("keydown", (event) => this.#onKey(event));
    this.#entry.addEventListener("paste", (event) => this.#onPaste(event));
    this.#entry.addEventListener("blur", () => setTimeout(() => this.#entry.matches(":focus") || this.#commit(), 200));
    this.#chips.addEventListener("click", (event) => this.#onChip(event));
    this.#chips.addEventListener("keydown", (event) => this.#onChipKey(event));
    this.addEventListener("click", (event) => event.target === this && this.#entry.focus());
  }

  // Whoever typed before the script was there keeps the word and the focus: a letter more would be a command.
  #goOn(typed) {
    this.#entry.value = typed;
    this.#field.value = this.#specs.join(", ");
    this.#entry.focus();
  }

  async #suggest(text, signal) {
    const { kind, name } = read(text.trim());
    if (!name) return [];
    const items = await suggest(this.dataset.suggest, text.trim(), signal);
    return this.#one || items.some((tag) => tag.exact && tag.kind === kind) ? items : [...items, { kind, name, isNew: true }];
  }

  get #specs() {
    return [...this.#chips.children].map((chip) => chip.dataset.spec);
  }

  // With data-one it names one tag that is there, and makes none.
  get #one() {
    return "one" in this.dataset;
  }

  #draw(tag) {
    const spec = write(tag);
    if (!tag.name || this.#specs.some((known) => known.toLowerCase() === spec.toLowerCase())) return null;
    if (this.#one) this.#chips.replaceChildren();
    const chip = document.createElement("li");
    chip.className = `tok ${classes[tag.kind] ?? ""}`;
    chip.dataset.spec = spec;
    const remove = Object.assign(document.createElement("button"), { type: "button", className: "x" });
    remove.setAttribute("aria-label", gettext("Remove {name}", tag));
    remove.append(icon(this.dataset.sprite, "x"));
    chip.append(icon(this.dataset.sprite, tag.kind), Object.assign(document.createElement("span"), { textContent: tag.name, className: "trunc" }), remove);
    this.#chips.append(chip);
    return chip;
  }

  #store() {
    this.#field.value = this.#specs.join(", ");
    this.#entry.placeholder = this.#specs.length ? "" : this.#field.placeholder;
    this.#field.dispatchEvent(new Event("change", { bubbles: true }));
  }

  #take(tag) {
    this.#draw(tag);
    this.#entry.value = "";
    this.#store();
  }

  // What was typed becomes chips at once; each is settled when the server knows a tag that it means.
  #commit(choose = named) {
    const typed = split(this.#entry.value);
    if (!typed.length) return;
    const chips = typed.map((text) => [text, this.#draw(read(text))]);
    this.#entry.value = "";
    this.#combo.close();
    this.#store();
    for (const [text, chip] of chips) if (chip) this.#settle(chip, text, choose);
  }

  async #settle(chip, text, choose) {
    const found = await suggest(this.dataset.suggest, text).catch(() => []); // without an answer it stays as typed
    const tag = choose(found, read(text));
    if (!tag || write(tag) === chip.dataset.spec || !chip.isConnected) return;
    const settled = this.#draw(tag);
    if (settled) chip.replaceWith(settled);
    else chip.remove();
    this.#store();
  }

  #reload() {
    this.#chips.replaceChildren();
    split(this.#field.value).map(read).forEach((tag) => this.#draw(tag));
  }

  #onKey(event) {
    if (this.#combo.handleKey(event)) return;
    const typed = this.#entry.value.trim();
    const inQuotes = (typed.match(/"/g) ?? []).length % 2 === 1;
    if (typed && event.key === "Enter") {
      event.preventDefault();
      this.#commit((found) => found[0]); // before the list was there to choose from
    } else if (typed && event.key === "," && !inQuotes) {
      event.preventDefault();
      this.#commit();
    } else if (!this.#entry.value && (event.key === "Backspace" || event.key === "ArrowLeft")) {
      this.#chips.lastElementChild?.querySelector("button").focus();
    }
  }

  #onPaste(event) {
    const text = event.clipboardData.getData("text/plain");
    if (!/[,\n]/.test(text)) return;
    event.preventDefault();
    this.#entry.value += text;
    this.#commit();
  }

  #onChip(event) {
    const chip = event.target.closest(".x")?.parentElement;
    if (chip) this.#remove(chip);
  }

  #remove(chip) {
    const next = chip.nextElementSibling ?? chip.previousElementSibling;
    chip.remove();
    (next?.querySelector("button") ?? this.#entry).focus();
    this.#store();
  }

  #onChipKey(event) {
    const chip = event.target.closest("li");
    const side = { ArrowLeft: chip.previousElementSibling, ArrowRight: chip.nextElementSibling ?? this }[event.key];
    if (event.key === "Delete" || event.key === "Backspace") this.#remove(chip);
    else if (side === this) this.#entry.focus();
    else if (side) side.querySelector("button").focus();
    else return;
    event.preventDefault();
  }
}

customElements.define("tag-input", TagInput);
