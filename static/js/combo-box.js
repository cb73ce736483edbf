// Listbox behaviour for a text field (ARIA combobox, list autocomplete). Used by search and the tag input.
import { gettext } from "words";

let serial = 0;

// `fetchOptions(text, signal)` resolves to objects that `draw` makes nodes of; `heading` is that of their group.
// `choose(option, key)` acts on one that was clicked, or taken by Enter or Tab.
export class ComboBox {
  #input;
  #list;
  #options = [];
  #at = -1;
  #pending;
  #timer;
  #fetchOptions;
  #choose;
  #first;
  #asked; // the text that the options answer

  // With `first`, the first option is the current one as soon as the list opens.
  constructor(input, { fetchOptions, choose, draw, label, first = false }) {
    this.#input = input;
    this.#fetchOptions = fetchOptions;
    this.#choose = choose;
    this.#first = first;
    this.draw = draw;
    this.#list = document.createElement("ul");
    Object.assign(this.#list, { id: `listbox-${++serial}`, className: "listbox", role: "listbox", hidden: true });
    this.#list.setAttribute("aria-label", gettext(label));
    if (!this.#isLong) input.setAttribute("role", "combobox");
    input.setAttribute("aria-autocomplete", "list");
    input.setAttribute("aria-controls", this.#list.id);
    this.#tell(false);
    input.after(this.#list);
    input.addEventListener("input", () => this.#later());
    input.addEventListener("blur", () => setTimeout(() => input.matches(":focus") || this.close(), 150));
    this.#list.addEventListener("mousedown", (event) => event.preventDefault());
    this.#list.addEventListener("click", (event) => this.#pick(event.target.closest("[role=option]")?.dataset.index));
  }

  // Opens the list for what stands in the field now.
  ask() {
    clearTimeout(this.#timer);
    this.#refresh();
  }

  get isOpen() {
    return !this.#list.hidden;
  }

  get current() {
    return this.#options[this.#at];
  }

  // Whether the list answers what stands in the field now, and not what stood there a moment ago.
  get isFresh() {
    return this.isOpen && this.#asked === this.#input.value;
  }

  close() {
    clearTimeout(this.#timer);
    this.#pending?.abort();
    this.#list.hidden = true;
    this.#at = -1;
    this.#tell(false);
    this.#input.removeAttribute("aria-activedescendant");
  }

  // A field of several lines is no combobox, and cannot say that it is unfolded.
  get #isLong() {
    return this.#input.matches("textarea");
  }

  #tell(isOpen) {
    if (!this.#isLong) this.#input.setAttribute("aria-expanded", String(isOpen));
  }

  // Returns true when the key was for the list.
  handleKey(event) {
    if (!this.isOpen) return false;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) this.#move(step);
    else if (event.key === "Escape") this.close();
    else if ((event.key === "Enter" || event.key === "Tab") && this.current && this.isFresh) this.#pick(this.#at, event.key);
    else return false;
    event.preventDefault();
    event.stopPropagation();
    return true;
  }

  #later() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#refresh(), 120);
  }

  async #refresh() {
    this.#pending?.abort();
    this.#pending = new AbortController();
    const asked = this.#input.value;
    try {
      this.#show(await this.#fetchOptions(asked, this.#pending.signal), asked);
    } catch (error) {
      if (error.name !== "AbortError") this.close(); // suggestions are an extra: the field works without
    }
  }

  #show(options, asked) {
    this.#options = options;
    this.#asked = asked;
    this.#at = -1;
    this.#list.replaceChildren(...this.#groups(options));
    this.#list.hidden = !options.length;
    this.#tell(this.isOpen);
    this.#input.removeAttribute("aria-activedescendant");
    if (this.#first && this.isOpen) this.#move(1);
  }

  #groups(options) {
    const items = options.map((option, index) => this.#item(option, index));
    if (!options[0]?.heading) return items;
    const groups = Object.groupBy(items, (item) => options[item.dataset.index].heading);
    return Object.entries(groups).map(([heading, some]) => {
      const group = Object.assign(document.createElement("ul"), { className: "listbox-group" });
      group.setAttribute("role", "group");
      group.setAttribute("aria-label", heading);
      const label = Object.assign(document.createElement("li"), { className: "label", textContent: heading, ariaHidden: "true" });
      group.append(label, ...some);
      return group;
    });
  }

  #item(option, index) {
    const item = document.createElement("li");
    Object.assign(item, { id: `${this.#list.id}-${index}`, className: "row", role: "option" });
    item.dataset.index = index;
    item.setAttribute("aria-selected", "false");
    item.append(...this.draw(option));
    return item;
  }

  #move(step) {
    const items = [...this.#list.querySelectorAll("[role=option]")];
    this.#at = (this.#at + step + items.length + (this.#at < 0 && step < 0 ? 1 : 0)) % items.length;
    items.forEach((item, index) => item.setAttribute("aria-selected", String(index === this.#at)));
    items[this.#at].scrollIntoView({ block: "nearest" });
    this.#input.setAttribute("aria-activedescendant", items[this.#at].id);
  }

  #pick(index, key) {
    const option = this.#options[index];
    if (!option) return;
    this.close();
    this.#choose(option, key);
  }
}
