// <char-count> says below its text area how many characters stand in it, as the server counts them.
class CharCount extends HTMLElement {
  connectedCallback() {
    const area = this.querySelector("textarea");
    const said = Object.assign(document.createElement("p"), { className: "help num" });
    const count = () => (said.textContent = `${[...area.value.trim()].length.toLocaleString("en")} characters`);
    area.after(said);
    area.addEventListener("input", count);
    count();
  }
}

customElements.define("char-count", CharCount);
