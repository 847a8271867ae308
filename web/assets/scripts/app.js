// On every page: times in the viewer's zone, menus that close, a look at the typed password, no double sending.
// Nothing here is needed to sign in.

const STYLES = {
  date: { dateStyle: "medium" },
  minute: { year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hourCycle: "h23" },
  second: {
    year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23",
  },
};

function localiseTimes(root) {
  for (const element of root.querySelectorAll("time[data-local]")) {
    const at = new Date(element.dateTime);
    element.textContent = new Intl.DateTimeFormat(document.documentElement.lang, STYLES[element.dataset.local]).format(at);
    element.title = at.toISOString();
  }
}

// Days and times typed into a filter are the viewer's: the zone travels with the form, and is said beside it.
function tellZone(root) {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  for (const field of root.querySelectorAll("input[data-zone]")) field.value = zone;
  for (const element of root.querySelectorAll("[data-zone-name]")) element.textContent = zone;
}

function addPeeks(root) {
  for (const holder of root.querySelectorAll("[data-peek]")) {
    const input = holder.querySelector("input");
    const button = holder.querySelector("button");
    button.hidden = false;
    button.addEventListener("click", () => {
      const shown = input.type === "password";
      input.type = shown ? "text" : "password";
      button.setAttribute("aria-pressed", String(shown));
      input.focus();
    });
    input.form.addEventListener("submit", () => (input.type = "password"));
  }
}

// A link into an application may end in a fragment, which only the browser knows: it goes on through the sign-in.
function carryFragment() {
  const { hash } = location;
  if (!hash || document.getElementById(decodeURIComponent(hash.slice(1)))) return;
  for (const form of document.querySelectorAll(".threshold-body form[method=post]")) form.action += hash;
}

function enliven(root) {
  localiseTimes(root);
  tellZone(root);
  addPeeks(root);
}

document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const menu = document.querySelector("details.menu[open]");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.target === "_blank" || form.method === "get" || form.dataset.repeat !== undefined) return;
  const button = event.submitter;
  // Not `disabled`: the button's own value must still be sent.
  if (button) button.setAttribute("aria-busy", "true");
});

// Coming back with the browser's button must not find a dead form.
addEventListener("pageshow", () => {
  for (const button of document.querySelectorAll("[aria-busy]")) button.removeAttribute("aria-busy");
});

enliven(document);
carryFragment();
document.addEventListener("yimen:added", (event) => enliven(event.target));
