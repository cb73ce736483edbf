// <copy-button for="id">: copies the text of another element. The button inside appears only with script.
import { say } from "toasts";

class CopyButton extends HTMLElement {
  connectedCallback() {
    const button = this.querySelector("button");
    button.hidden = false;
    button.onclick = () => this.#copy();
  }

  async #copy() {
    const source = document.getElementById(this.getAttribute("for"));
    try {
      await navigator.clipboard.writeText(source.value ?? source.textContent.trim());
      say("Copied.");
    } catch {
      getSelection().selectAllChildren(source);
      say("The browser did not allow copying. The text is selected; press Ctrl and C.", { bad: true });
    }
  }
}

customElements.define("copy-button", CopyButton);
