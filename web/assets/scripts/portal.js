// On pages behind the sign-in: htmx, the instant search, and secrets that hide themselves.
import "htmx.org";

function attachFinder(input) {
  const tiles = [...document.querySelectorAll("[data-find]")];
  const nothing = document.querySelector("[data-finds-nothing]");
  const find = () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    let found = 0;
    for (const tile of tiles) {
      tile.hidden = !words.every((word) => tile.dataset.find.includes(word));
      if (!tile.hidden) found += 1;
    }
    for (const group of document.querySelectorAll("[data-group]")) {
      group.hidden = !group.querySelector("[data-find]:not([hidden])");
    }
    for (const aside of document.querySelectorAll("[data-unless-finding]")) aside.hidden = words.length > 0;
    nothing.hidden = found > 0;
  };
  input.addEventListener("input", find);
  input.form.addEventListener("submit", (event) => {
    event.preventDefault();
    const first = tiles.find((tile) => !tile.hidden && tile.querySelector("button.open-button:not([disabled])"));
    if (first) first.querySelector("button.open-button").focus();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.target.closest("input, textarea, select")) return;
    event.preventDefault();
    input.focus();
  });
  if (input.value) find();
}

function attachSecret(holder) {
  const countdown = holder.querySelector("[data-countdown]");
  let left = Number(holder.dataset.secret);
  const hide = () => {
    clearInterval(timer);
    holder.remove();
  };
  const timer = setInterval(() => {
    left -= 1;
    countdown.textContent = String(left);
    if (left <= 0) hide();
  }, 1000);
  holder.querySelector("[data-hide]").addEventListener("click", hide);
  document.addEventListener("visibilitychange", () => document.hidden && hide());
  addEventListener("pagehide", hide);
}

function enliven(root) {
  const within = (selector) => [...(root.matches?.(selector) ? [root] : []), ...root.querySelectorAll(selector)];
  within("[data-secret]").forEach(attachSecret);
}

// A phone has no room for tabs of its own: the system opens in this one.
if (matchMedia("(max-width: 36rem)").matches) {
  for (const form of document.querySelectorAll('form.open[target="_blank"]')) form.removeAttribute("target");
}

const finder = document.querySelector("[data-finder]");
if (finder) attachFinder(finder);
enliven(document);
// What was typed to prove who is there is not left behind.
document.addEventListener("htmx:after:request", (event) => {
  const form = event.target.closest?.("form");
  for (const field of form?.querySelectorAll("input[type=password], input[name=code]") ?? []) field.value = "";
});
document.addEventListener("htmx:after:swap", (event) => {
  const target = event.detail?.ctx?.target ?? event.target;
  const root = target.isConnected ? target : document;
  root.dispatchEvent(new CustomEvent("yimen:added", { bubbles: true }));
  enliven(root);
});
