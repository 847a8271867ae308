// Builds the page of 网格巡查 into spa/built/.
import { copyFile, mkdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";

import esbuild from "esbuild";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
await mkdir(here("built"), { recursive: true });
await esbuild.build({
  entryPoints: [here("patrol.js")],
  bundle: true,
  minify: true,
  format: "esm",
  target: ["chrome86", "safari15", "firefox90"],
  legalComments: "none",
  outfile: here("built/patrol.js"),
});
await copyFile(here("patrol.css"), here("built/patrol.css"));
await copyFile(here("index.html"), here("built/index.html"));
