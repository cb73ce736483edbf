// Pictures that are dropped or pasted on any page travel to the upload page, by way of the browser's own store.
const address = "/add/upload/";

function open() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open("hand-over", 1);
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
  const database = await open();
  const transaction = database.transaction("files", "readwrite");
  for (const file of files) transaction.objectStore("files").add(file);
  await done(transaction);
  location.assign(address);
}

// What was handed over and not fetched yet; it is given out once.
export async function fetchFiles() {
  const database = await open();
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
document.addEventListener("dragover", (event) => {
  if (!here() && event.dataTransfer.types.includes("Files")) event.preventDefault();
});
document.addEventListener("drop", (event) => {
  if (here() || event.defaultPrevented || !event.dataTransfer.types.includes("Files")) return;
  event.preventDefault();
  const files = pictures(event.dataTransfer);
  if (files.length) hand(files);
});
