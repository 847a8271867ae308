// Builds what browsers load: one purged style sheet, small scripts, the icons that pages name, each under a hashed name.
// Output: web/static/built/ with manifest.json ({"app.css": "app.3f2a….css", …}) and icons.json, both read by web/templating.py.
import { createHash } from "node:crypto";
import { mkdir, readFile, readdir, rename, rm, writeFile } from "node:fs/promises";
import { basename, extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

import esbuild from "esbuild";
import postcss from "postcss";
import { PurgeCSS } from "purgecss";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const WEB = join(ROOT, "web");
const BUILT = join(WEB, "static", "built");
const OUT = `${BUILT}.next`;
const SCRIPTS = ["app.js", "portal.js", "audit.js", "submit.js"];
// Office computers in the counties run Chromium 86–108 under other names, and iPads of 2016.
const TARGET = ["chrome86", "safari15", "firefox90"];

const manifest = {};

async function put(name, content) {
  const bytes = Buffer.from(content);
  const hash = createHash("sha256").update(bytes).digest("hex").slice(0, 12);
  const extension = extname(name);
  const hashed = `${basename(name, extension)}.${hash}${extension}`;
  await writeFile(join(OUT, hashed), bytes);
  if (extension !== ".png") await writeFile(join(OUT, `${hashed}.gz`), gzipSync(bytes, { level: 9 }));
  manifest[name] = hashed;
}

async function sources(folder, extensions) {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && extensions.includes(extname(entry.name)))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
}

// `[data-bs-theme=dark]` is the choice of the person; `auto` follows the device, with no script.
function followDevice(css) {
  const root = postcss.parse(css);
  const media = postcss.atRule({ name: "media", params: "(prefers-color-scheme: dark)" });
  const dark = /\[data-bs-theme=["']?dark["']?\]/g;
  root.walkRules((rule) => {
    if (rule.parent.type === "atrule" && rule.parent.name !== "media") return;
    const selectors = rule.selectors.filter((selector) => dark.test(selector) && !/theme=["']?light/.test(selector));
    dark.lastIndex = 0;
    if (!selectors.length) return;
    const copy = rule.clone({ selectors: selectors.map((selector) => selector.replaceAll(dark, "[data-bs-theme=auto]")) });
    if (rule.parent.type === "root") media.append(copy);
    else rule.parent.after(postcss.atRule({ name: "media", params: `${rule.parent.params} and (prefers-color-scheme: dark)` }).append(copy));
  });
  root.append(media);
  return root.toString();
}

async function style() {
  const content = [...(await sources(join(WEB, "templates"), [".html"])), ...(await sources(join(WEB, "assets", "scripts"), [".js"]))];
  const files = [join(ROOT, "node_modules/@tabler/core/dist/css/tabler.css"), join(WEB, "assets", "app.css")];
  const purged = await new PurgeCSS().purge({
    content,
    css: files,
    variables: true,
    keyframes: true,
    fontFace: true,
    // What templates put together from a name, and the colours that audit.js asks for.
    safelist: { greedy: [/data-bs-theme/], standard: [/^tone-/, /^notice-/, /^sign-/], variables: [/^--(accent|bad|line|quiet|warn)$/] },
  });
  const css = purged.map((sheet) => sheet.css).join("\n").replaceAll('@charset "UTF-8";', "");
  const { code } = await esbuild.transform(followDevice(css), { loader: "css", minify: true, target: TARGET, legalComments: "none" });
  await put("app.css", code);
}

async function scripts() {
  const result = await esbuild.build({
    entryPoints: SCRIPTS.map((name) => join(WEB, "assets", "scripts", name)),
    bundle: true,
    minify: true,
    format: "iife",
    target: TARGET,
    legalComments: "none",
    write: false,
    outdir: OUT,
  });
  for (const file of result.outputFiles) await put(basename(file.path), file.contents);
}

// Pages name icons as icon("lock") or nothing("lock", …), the main menu as icon="lock".
async function icons() {
  const named = new Set();
  for (const file of [...(await sources(join(WEB, "templates"), [".html"])), ...(await sources(join(WEB, "pages"), [".py"]))]) {
    const text = await readFile(file, "utf8");
    for (const match of text.matchAll(/\b(?:icon(?:\(|=)|nothing\()\s*["']([a-z0-9-]+)["']/g)) named.add(match[1]);
  }
  const drawn = {};
  for (const name of [...named].sort()) {
    const [folder, file] = name.endsWith("-filled") ? ["filled", name.slice(0, -"-filled".length)] : ["outline", name];
    const svg = await readFile(join(ROOT, "node_modules/@tabler/icons/icons", folder, `${file}.svg`), "utf8");
    drawn[name] = svg.replace(/<!--[\s\S]*?-->/g, "").replace(/^[\s\S]*?<svg[^>]*>/, "").replace("</svg>", "").replace(/\s*\n\s*/g, "");
  }
  await writeFile(join(OUT, "icons.json"), JSON.stringify(drawn));
}

async function images() {
  for (const file of await sources(join(WEB, "assets", "images"), [".svg", ".png"])) await put(basename(file), await readFile(file));
}

await rm(OUT, { recursive: true, force: true });
await mkdir(OUT, { recursive: true });
await Promise.all([style(), scripts(), icons(), images()]);
await writeFile(join(OUT, "manifest.json"), JSON.stringify(manifest, null, 1));
await rm(BUILT, { recursive: true, force: true });
await rename(OUT, BUILT);
