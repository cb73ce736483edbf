// <char-count> says below its text area how many characters stand in it, as the server counts them.
import { figure, gettext } from "words";

class CharCount extends HTMLElement {
  connectedCallback() {
    const area = this.querySelector("textarea");
    const said = Object.assign(document.createElement("p"), { className: "help num" });
    const count = () => (said.textContent = gettext("{n} characters", { n: figure([...area.value.trim()].length) }));
    area.after(said);
    area.addEventListener("input", count);
    count();
  }
}

customElements.define("char-count", CharCount);
