// How tags are written and drawn, for the tag input and the search box alike.
import { figure, gettext } from "words";

const icons = { character: "drama", look: "palette", persona: "id-card", chat: "messages-square", tag: "tag" };
export const classes = { character: "k-char", look: "k-char", persona: "k-pers", chat: "k-chat" };

export const split = (text) => (text.match(/(?:"[^"]*"|[^,"\n])+/g) ?? []).map((part) => part.trim()).filter(Boolean);

export function read(spec) {
  const [, kind = "tag", name] = spec.match(/^(?:(character|look|persona|chat|tag):)?\s*(.*)$/is);
  return { kind: kind.toLowerCase(), name: name.replace(/^"(.*)"$/s, "$1").trim() };
}

export function write({ kind, name }) {
  if (kind === "tag" && !/[,:"]/.test(name)) return name;
  return /[\s,:]/.test(name) ? `${kind}:"${name}"` : `${kind}:${name}`;
}

export async function suggest(address, text, signal) {
  const answer = await fetch(`${address}?${new URLSearchParams({ q: text })}`, { signal });
  return answer.ok ? (await answer.json()).items : [];
}

export function icon(sprite, name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "i i--s");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `${sprite}#${icons[name] ?? name}`);
  svg.append(use);
  return svg;
}

// The inside of a suggestion: icon, name, and how many pictures carry it.
export function row(sprite, option) {
  const name = Object.assign(document.createElement("span"), { className: "trunc" });
  name.textContent = option.isNew ? gettext("Create {kind} “{name}”", { ...option, kind: gettext(option.kind) }) : option.name;
  const right = Object.assign(document.createElement("span"), { className: "r" });
  if (!option.isNew) right.textContent = (option.alias ? `${option.alias} · ` : "") + figure(option.count);
  return [icon(sprite, option.isNew ? "plus" : option.kind), name, right];
}
