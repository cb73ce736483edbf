// Texts for people in the language of the page. The server sends what differs from the English of the scripts.
const words = JSON.parse(document.getElementById("words")?.textContent ?? "{}");

export const gettext = (text, values = {}) =>
  (words[text] ?? text).replace(/\{(\w+)\}/g, (all, name) => values[name] ?? all);

export const figure = (number) => number.toLocaleString(document.documentElement.lang);
