// The connection goes and comes: a message stays as long, and forms that are sent wait for it.
const list = document.getElementById("toasts");
const message = Object.assign(document.createElement("p"), { className: "toast", textContent: list.dataset.offline });
const waiting = new Map(); // form → the button that sends it

// A server on this device, or in this house, answers also without the internet.
const answers = () => fetch("/health/live", { method: "HEAD" }).then(Boolean, () => false);

async function look() {
  // The connection may have come back while the server was asked.
  if (navigator.onLine || (await answers()) || navigator.onLine) return back();
  list.append(message);
}

function back() {
  message.remove();
  const forms = [...waiting];
  waiting.clear();
  for (const [form, button] of forms) if (form.isConnected) form.requestSubmit(button?.isConnected ? button : null);
}

addEventListener("offline", look);
addEventListener("online", look);
if (!navigator.onLine) look();

document.addEventListener(
  "submit",
  (event) => {
    if (!message.isConnected || event.target.method === "dialog") return;
    event.preventDefault();
    event.stopImmediatePropagation();
    waiting.set(event.target, event.submitter);
  },
  true,
);
