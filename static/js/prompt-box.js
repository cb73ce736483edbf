// <prompt-box> completes what stands at the caret of its textarea: @people, {{placeholders}}, #tags.
import { ComboBox } from "combo-box";
import { icon } from "tags";

// A name may have spaces; of more than four words nobody is called.
const BEGUN = /(?<![\w@])@[^\s@{}#]*(?: [^\s@{}#]+){0,3}$|\{\{[^{}\n]{0,60}$|(?<![\w#])#\w[\w-]{0,40}$/u;
const icons = { placeholder: "braces", fragment: "sparkles" };

class PromptBox extends HTMLElement {
  #known = new WeakMap(); // of each textarea: an answer of the server may bring another one
  #settled; // the text right after something was chosen: it needs no list

  connectedCallback() {
    this.addEventListener("focusin", ({ target }) => target.matches("textarea") && this.#listen(target));
    this.addEventListener("click", ({ target }) => this.#begin(target.closest("[data-insert]")?.dataset.insert));
  }

  // A sign that names begin with, apart from the word before it.
  #begin(sign) {
    const area = sign && this.querySelector("textarea");
    if (!area) return;
    area.focus();
    const gap = /[\w@#]$/u.test(area.value.slice(0, area.selectionStart)) ? " " : "";
    area.setRangeText(gap + sign, area.selectionStart, area.selectionEnd, "end");
    area.dispatchEvent(new Event("input", { bubbles: true }));
  }

  #listen(area) {
    if (this.#known.has(area)) return;
    const combo = new ComboBox(area, {
      label: "Completions",
      fetchOptions: (text, signal) => this.#complete(area, signal),
      choose: (option) => this.#insert(area, option),
      draw: (option) => this.#draw(option),
      first: true,
    });
    this.#known.set(area, combo);
    area.addEventListener("keydown", (event) => event.ctrlKey || event.metaKey || event.shiftKey || combo.handleKey(event));
  }

  #begun(area) {
    return area.value.slice(0, area.selectionStart).match(BEGUN)?.[0] ?? "";
  }

  async #complete(area, signal) {
    const begun = this.#begun(area);
    if (!begun || area.value === this.#settled) return [];
    const answer = await fetch(`${this.dataset.complete}?${new URLSearchParams({ q: begun })}`, { signal });
    return answer.ok ? (await answer.json()).items : [];
  }

  // As if it were typed, so that it can be undone, and everything that follows typing hears of it.
  #insert(area, option) {
    const end = area.selectionStart;
    area.setRangeText(option.insert, end - this.#begun(area).length, end, "end");
    this.#settled = area.value;
    area.dispatchEvent(new Event("input", { bubbles: true }));
  }

  #draw(option) {
    const name = Object.assign(document.createElement("span"), { className: "trunc", textContent: option.name });
    const right = Object.assign(document.createElement("span"), { className: "r trunc", textContent: option.note || option.count.toLocaleString("en") });
    return [icon(this.dataset.sprite, icons[option.kind] ?? option.kind), name, right];
  }
}

customElements.define("prompt-box", PromptBox);
