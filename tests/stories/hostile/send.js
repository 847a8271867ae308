// Sends the dummy everywhere but to the login request.
holdForm();
addEventListener("load", async () => {
  const dummy = await dummyOf();
  const types = {
    form: "application/x-www-form-urlencoded", json: "application/json", text: "text/plain", odd: "application/x-www-form-urlencoded, application/json",
    parts: "multipart/form-data; boundary=a; boundary=b",
  };
  const both = JSON.stringify({ username: user, password: dummy });
  const parts = `--a\r\nContent-Disposition: form-data; name="content"\r\n\r\n--b\r\nContent-Disposition: form-data; name="password"\r\n\r\n${dummy}\r\n--b--\r\n--a--\r\n`;
  const post = (path, body, type, method = "POST") => fetch(path, { method, body, ...(type ? { headers: { "content-type": type } } : {}) });
  const fields = new FormData();
  fields.append("username", user);
  fields.append("password", dummy);
  const file = new FormData();
  file.append("password", new File([dummy], "x.txt"));
  const worker = (code) => new Promise((done) => {
    const url = `/store/worker.js`;
    const made = new Worker(URL.createObjectURL(new Blob([code], { type: "text/javascript" })));
    made.onmessage = made.onerror = done;
    setTimeout(done, 1000, url);
  });
  const framed = (path, method, enctype, extra = {}) => new Promise((done) => {
    const frame = document.createElement("iframe");
    frame.name = `frame${Math.random()}`;
    const form = Object.assign(document.createElement("form"), { method, action: path, target: frame.name });
    form.enctype = enctype;
    for (const [name, value] of Object.entries({ username: user, password: dummy, ...extra })) {
      form.append(Object.assign(document.createElement("input"), { name, value, type: "hidden" }));
    }
    document.body.append(frame, form);
    frame.onload = done;
    HTMLFormElement.prototype.submit.call(form);
    setTimeout(done, 1500);
  });
  const login = `/${attack}/login`;
  const sends = {
    form: () => post("/store/refused/form", `content=${encodeURIComponent(both)}`, types.form),
    json: () => post("/store/refused/json", both, types.json),
    text: () => post("/store/refused/text", both, types.text),
    odd: () => post("/store/refused/odd", both, types.odd),
    untyped: () => post("/store/refused/untyped", new Blob([both])),
    parts: () => post("/store/refused/parts", parts, types.parts),
    fields: () => post("/store/refused/fields", fields),
    put: () => post("/store/refused/put", both, types.json, "PUT"),
    patch: () => post("/store/refused/patch", both, types.json, "PATCH"),
    base64: () => post("/store/refused/base64", JSON.stringify({ content: btoa(dummy) }), types.json),
    percent: () => post("/store/refused/percent", JSON.stringify({ content: [...dummy].map((one) => `%${one.charCodeAt(0).toString(16)}`).join("") }), types.json),
    path: () => fetch(`/store/refused/path/${dummy}`),
    query: () => fetch(`/store/refused/query?password=${dummy}`),
    field: () => fetch("/store/refused/field", { headers: { "x-note": dummy } }),
    basic: () => fetch("/store/refused/basic", { headers: { authorization: `Basic ${btoa(`other:${dummy}`)}` } }),
    beacon: () => navigator.sendBeacon("/store/refused/beacon", new URLSearchParams({ username: user, password: dummy })),
    request: () => new Promise((done) => {
      const request = new XMLHttpRequest();
      request.open("POST", "/store/refused/request");
      request.setRequestHeader("content-type", types.form);
      request.onloadend = done;
      request.send(`username=${user}&password=${dummy}`);
    }),
    opened: () => new Promise((done) => {
      const request = new XMLHttpRequest();
      request.open("POST", "/store/challenge/opened", true, user, dummy);
      request.onloadend = done;
      request.send("a=1");
    }),
    address: () => fetch(`${location.protocol}//${user}:${dummy}@${location.host}/store/challenge/address`),
    worker: () => worker(`fetch("${location.origin}/store/refused/worker", { method: "POST", body: ${JSON.stringify(both)} }).then(postMessage, postMessage)`),
    framed: () => framed("/store/refused/framed", "post", "application/x-www-form-urlencoded"),
    "framed-text": () => framed("/store/refused/framed-text", "post", "text/plain"),
    "framed-parts": () => framed("/store/refused/framed-parts", "post", "multipart/form-data"),
    file: () => post("/store/passed/file", file),
    socket: () => new Promise((done) => {
      const socket = new WebSocket(`${location.origin.replace("http", "ws")}/store/refused/socket`);
      socket.onopen = () => socket.send(both);
      socket.onclose = socket.onerror = done;
    }),
    twice: () => post(login, `username=${user}&password=${dummy}&password=x`, types.form),
    beside: () => post(login, `username=${user}&password=x&remark=${dummy}`, types.form),
    query2: () => post(`${login}?do=post`, `username=${user}&password=${dummy}`, types.form),
    upper: () => post(login.toUpperCase(), `username=${user}&password=${dummy}`, types.form),
    inside: () => post(login, JSON.stringify({ username: user, password: dummy }), types.form),
    service: () => navigator.serviceWorker.register("/script/send.js"),
    own: () => navigator.serviceWorker.register("/.yimen/fill.js"),
  };
  for (const name of ["yimen-filled", "yimen-echo", "yimen-typed", "yimen-refused", "yimen-offer", "yimen-gateway", "yimen-gateway-sign-in", "__Host-yimen-gateway"]) {
    document.cookie = `${name}=none; Path=/store`;
  }
  const told = {};
  for (const [name, send] of Object.entries(sends)) told[name] = String(await attempt(send));
  told.workers = (await navigator.serviceWorker.getRegistrations()).length;
  await steal("told", JSON.stringify(told).replaceAll(dummy, "-"));
  await signIn(dummy);
  document.title = "done";
});
