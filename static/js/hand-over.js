// Pictures that are dropped or pasted on any page travel to the upload page, by way of the browser's own store.
const address = "/add/upload/";

function open(store) {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(store, 1);
    request.onupgradeneeded = () => request.result.createObjectStore("files", { autoIncrement: true });
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

function done(transaction) {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = resolve;
    transaction.onerror = transaction.onabort = () => reject(transaction.error);
  });
}

async function hand(files) {
  const database = await open("hand-over");
  const transaction = database.transaction("files", "readwrite");
  for (const file of files) transaction.objectStore("files").add(file);
  await done(transaction);
  location.assign(address);
}

// What was handed over and not fetched yet; it is given out once. The service worker fills the store "shared".
export async function fetchFiles(store = "hand-over") {
  const database = await open(store);
  const transaction = database.transaction("files", "readwrite");
  const request = transaction.objectStore("files").getAll();
  transaction.objectStore("files").clear();
  await done(transaction);
  return request.result;
}

const pictures = (transfer) => [...(transfer?.files ?? [])].filter((file) => file.type.startsWith("image/"));
const here = () => document.querySelector("drop-zone, reference-drop") || document.body.matches(".plain");

document.addEventListener("images:paste", (event) => {
  if (here()) return;
  event.preventDefault();
  hand(event.detail.files);
});
const show = (isOver) => document.body.classList.toggle("is-dropping", isOver);
document.addEventListener("dragover", (event) => {
  if (here() || !event.dataTransfer.types.includes("Files")) return;
  event.preventDefault();
  show(true);
});
document.addEventListener("dragleave", (event) => event.relatedTarget || show(false));
document.addEventListener("drop", (event) => {
  if (here() || event.defaultPrevented || !event.dataTransfer.types.includes("Files")) return;
  event.preventDefault();
  show(false);
  const files = pictures(event.dataTransfer);
  if (files.length) hand(files);
});
