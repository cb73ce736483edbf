// Copies the pinned third-party files into static/vendor and builds the icon sprite.
// Run it after `npm ci --ignore-scripts` in this folder: `npm run vendor`. The result is committed.
import crypto from "node:crypto";
import fs from "node:fs";
import path from "node:path";

const here = import.meta.dirname;
const packages = path.join(here, "node_modules");
const target = path.join(here, "../../static/vendor");

const FILES = {
  "htmx.org": { folder: "htmx", files: ["dist/htmx.min.js", "LICENSE"] },
  "@fontsource-variable/inter": { folder: "inter", files: ["files/inter-latin-wght-normal.woff2", "LICENSE"] },
  "@fontsource-variable/newsreader": {
    folder: "newsreader",
    files: ["files/newsreader-latin-wght-normal.woff2", "LICENSE"],
  },
  "lucide-static": { folder: "lucide", files: ["LICENSE"] },
};

const manifest = {};

function record(name, bytes, details) {
  const file = path.join(target, name);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, bytes);
  const sha256 = crypto.createHash("sha256").update(bytes).digest("hex");
  manifest[name] = { version: details.version, license: details.license, sha256 };
}

function details(name) {
  return JSON.parse(fs.readFileSync(path.join(packages, name, "package.json"), "utf8"));
}

// A comment that names a source map which is not there breaks the manifest storage.
function withoutSourceMap(bytes, file) {
  if (!/\.(js|css)$/.test(file)) return bytes;
  return Buffer.from(bytes.toString("utf8").replace(/\n?\/[/*]# sourceMappingURL=[^\n]*/g, ""));
}

function copy(name, { folder, files }) {
  for (const file of files) {
    const bytes = fs.readFileSync(path.join(packages, name, file));
    record(`${folder}/${path.basename(file)}`, withoutSourceMap(bytes, file), details(name));
  }
}

function symbol(icon) {
  const svg = fs.readFileSync(path.join(packages, "lucide-static/icons", `${icon}.svg`), "utf8");
  const shapes = svg.replace(/<!--.*?-->/gs, "").replace(/<\/?svg[^>]*>/gs, "").replace(/\s+/g, " ").trim();
  return `<symbol id="${icon}" viewBox="0 0 24 24">${shapes}</symbol>`;
}

function sprite() {
  const names = fs.readFileSync(path.join(here, "icons.txt"), "utf8").split("\n").filter(Boolean);
  return `<svg xmlns="http://www.w3.org/2000/svg">\n${names.map(symbol).join("\n")}\n</svg>\n`;
}

fs.rmSync(target, { recursive: true, force: true });
for (const [name, wanted] of Object.entries(FILES)) copy(name, wanted);
record("lucide/icons.svg", sprite(), details("lucide-static"));
fs.writeFileSync(path.join(target, "manifest.json"), JSON.stringify(manifest, null, 2) + "\n");
