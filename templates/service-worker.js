// Keeps two pages, for when a page cannot be had. What is private, pages and pictures, is never kept here, and
// what is under /static/ is kept by the browser's own store, for its names say what is in it.
const kept = "pages-{{ version }}";
const pages = ["/offline/", "/away/"];
const own = /^\/(static|media|api|admin|downloads)\/|\/original\/$/; // never by way of here

addEventListener("install", (event) => {
  event.addRoutes?.([{ condition: { urlPattern: "/(static|media)/*" }, source: "network" }])?.catch(() => {});
  event.waitUntil(caches.open(kept).then((cache) => cache.addAll(pages)).then(() => skipWaiting()));
});

addEventListener("activate", (event) => {
  const old = caches.keys().then((names) => Promise.all(names.filter((name) => name !== kept).map((name) => caches.delete(name))));
  event.waitUntil(old.then(() => clients.claim()));
});

addEventListener("fetch", (event) => {
  const { mode, method, url } = event.request;
  const { pathname } = new URL(url);
  if (mode !== "navigate" || own.test(pathname)) return;
  if (method === "GET") event.respondWith(fetch(event.request).catch(instead));
  if (method === "POST" && pathname === "{% url 'share' %}") event.respondWith(receive(event.request));
});

async function instead() {
  const page = await caches.match(navigator.onLine ? "/away/" : "/offline/");
  return page ? new Response(page.body, { status: 503, headers: page.headers }) : Response.error();
}

// Shared pictures wait in the browser's own store until the upload page has asked whether to add them.
async function receive(request) {
  const files = (await request.formData()).getAll("file").filter((file) => file.type?.startsWith("image/"));
  const store = await open();
  const transaction = store.transaction("files", "readwrite");
  for (const file of files.slice(0, 100)) transaction.objectStore("files").add(file);
  await new Promise((resolve, reject) => {
    transaction.oncomplete = resolve;
    transaction.onerror = transaction.onabort = reject;
  });
  store.close();
  return Response.redirect("{% url 'add-upload' %}", 303);
}

function open() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open("shared", 1);
    request.onupgradeneeded = () => request.result.createObjectStore("files", { autoIncrement: true });
    request.onsuccess = () => resolve(request.result);
    request.onerror = reject;
  });
}
