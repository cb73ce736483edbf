// <count-down>: the link inside waits until the server lets the next request through. Without script it is open.
customElements.define(
  "count-down",
  class extends HTMLElement {
    connectedCallback() {
      const link = this.querySelector("a");
      const left = this.querySelector("[data-left]");
      const end = Date.now() + this.dataset.seconds * 1000;
      const tick = () => {
        const seconds = Math.ceil((end - Date.now()) / 1000);
        left.textContent = seconds > 0 ? `${seconds} s` : "";
        link.ariaDisabled = seconds > 0;
        if (seconds > 0) setTimeout(tick, 250);
      };
      link.addEventListener("click", (event) => link.ariaDisabled === "true" && event.preventDefault());
      tick();
    }
  },
);
