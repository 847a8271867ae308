"""A hostile page's view: everything that script in a page can get hold of, written down."""

import base64
import html
import json
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

from playwright.async_api import BrowserContext

# Wraps what carries values out of a page and reads what stands in it, as a hostile script on the page would.
_SPY = """
(() => {
  const tell = (what) => { try { window.__spy(String(what)); } catch { /* the page is going */ } };
  const value = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value");
  Object.defineProperty(HTMLInputElement.prototype, "value", {
    ...value,
    get() { const read = value.get.call(this); tell(read); return read; },
    set(given) { tell(given); value.set.call(this, given); },
  });
  const fetched = window.fetch;
  window.fetch = async (...given) => {
    tell(given[0] && given[0].url || given[0]);
    if (given[1] && given[1].body) tell(given[1].body);
    const answer = await fetched(...given);
    answer.clone().text().then(tell, () => {});
    return answer;
  };
  const send = XMLHttpRequest.prototype.send;
  XMLHttpRequest.prototype.send = function (body) {
    tell(body);
    this.addEventListener("load", () => { try { tell(this.responseText); } catch { /* not text */ } });
    return send.call(this, body);
  };
  const Socket = window.WebSocket;
  window.WebSocket = class extends Socket {
    constructor(...given) { super(...given); this.addEventListener("message", (event) => tell(event.data)); }
    send(data) { tell(data); super.send(data); }
  };
  const snapshot = () => {
    tell(document.documentElement && document.documentElement.outerHTML);
    for (const input of document.querySelectorAll("input")) tell(value.get.call(input));
    for (const form of document.forms) for (const [name, given] of new FormData(form)) tell(name + "=" + given);
    for (const store of [localStorage, sessionStorage]) for (const key of Object.keys(store)) tell(store.getItem(key));
    tell(document.cookie);
    tell(location.href);
  };
  new MutationObserver(snapshot).observe(document, { childList: true, subtree: true, attributes: true });
  for (const event of ["submit", "input", "change", "pagehide"]) addEventListener(event, snapshot, true);
  const submit = HTMLFormElement.prototype.submit;
  HTMLFormElement.prototype.submit = function () { snapshot(); return submit.call(this); };
})();
"""


async def spy_on(context: BrowserContext) -> list[str]:
    """From now on, everything that pages of this context can read. Answers as the browser gets them are in the HAR."""
    seen: list[str] = []

    def note(_source: object, text: str) -> None:
        seen.append(text)

    await context.expose_binding("__spy", note)
    await context.add_init_script(_SPY)
    return seen


def ways_of_writing(password: str) -> Iterator[str]:
    yield password
    yield quote(password, safe="")
    yield quote_plus(password)
    yield html.escape(password)
    yield json.dumps(password)[1:-1]
    for before in range(3):
        # What stands before it moves it within the groups of base64; the digits at its ends belong to neighbours.
        yield base64.b64encode(b"x" * before + password.encode())[4 * bool(before) : -4].decode()
    yield password.encode().hex()
