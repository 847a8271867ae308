// 网格巡查: signs in with oidc-client-ts (code flow, PKCE), keeps tokens in this tab only, renews them by refresh token.
import { UserManager, WebStorageStateStore } from "oidc-client-ts";

const ROUNDS = ["独居老人走访 · 3 组", "出租房登记核对", "河道巡查 · 柳溪段", "消防通道检查", "反诈宣传入户 5 户"];
const SECTIONS = ["waiting", "visitor", "problem", "work"];
const element = (id) => document.getElementById(id);

function show(section) {
  for (const name of SECTIONS) element(name).hidden = name !== section;
  element("sign-out").hidden = section !== "work";
}

function visitor(manager) {
  element("sign-in").onclick = () => attempt(manager, () => manager.signinRedirect());
  show("visitor");
}

// What is ticked stays on this device for the day, apart for each person.
function ticked(user) {
  const key = `rounds:${user.profile.sub}`;
  const today = new Date().toDateString();
  const kept = JSON.parse(localStorage.getItem(key) || "{}");
  const done = new Set(kept.day === today ? kept.done : []);
  return { done, keep: () => localStorage.setItem(key, JSON.stringify({ day: today, done: [...done] })) };
}

function list(user) {
  const { done, keep } = ticked(user);
  const count = () => { element("count").textContent = `已完成 ${done.size} / ${ROUNDS.length}`; };
  element("rounds").replaceChildren(...ROUNDS.map((text) => {
    const [item, label] = [document.createElement("li"), document.createElement("label")];
    const box = Object.assign(document.createElement("input"), { type: "checkbox", checked: done.has(text) });
    box.onchange = () => {
      done[box.checked ? "add" : "delete"](text);
      keep();
      count();
    };
    label.append(box, text);
    item.append(label);
    return item;
  }));
  count();
}

function work(user, manager) {
  const { name, sub, posts = [] } = user.profile;
  element("who").textContent = name || sub;
  element("greeting").textContent = `${name || sub}，您好`;
  element("posts").textContent = posts.map((post) => `${post.organization_name} ${post.title}`).join("、");
  element("sign-out").onclick = () => attempt(manager, () => manager.signoutRedirect());
  list(user);
  show("work");
}

function problem(error, manager) {
  element("who").textContent = "";
  element("problem-code").textContent = error.error || "";
  element("problem-text").textContent = error.error_description || error.message || String(error);
  element("again").onclick = () => (manager ? attempt(manager, () => manager.signinRedirect()) : location.assign("/login"));
  show("problem");
}

async function attempt(manager, act) {
  try {
    await act();
  } catch (error) {
    problem(error, manager);
  }
}

async function open() {
  const answer = await fetch("/config.json");
  if (!answer.ok) throw new Error(`config.json: ${answer.status}`);
  const config = await answer.json();
  const manager = new UserManager({
    authority: config.issuer,
    client_id: config.client_id,
    redirect_uri: config.redirect_uri,
    post_logout_redirect_uri: `${config.home}/`,
    scope: "openid profile organization",
    response_type: "code",
    automaticSilentRenew: true,
    userStore: new WebStorageStateStore({ store: sessionStorage }),
  });
  // The tokens are over and were not renewed: the person was signed out elsewhere, disabled, or too long away.
  manager.events.addSilentRenewError((error) => problem(error, manager));
  return [manager, config];
}

// A tab that slept past the end of its access token still holds a refresh token. There is no frame to fall back to.
async function current(manager) {
  const user = await manager.getUser();
  if (!user || !user.expired) return user;
  if (user.refresh_token) return manager.signinSilent();
  await manager.removeUser();
  return null;
}

// RFC 9207 §2.4: oidc-client-ts does not look at who answers.
function refuseOthers(config) {
  const from = new URLSearchParams(location.search).get("iss");
  if (from !== config.issuer) throw new Error("mismatching_issuer");
}

async function enter(manager, config) {
  if (location.pathname === "/callback") {
    refuseOthers(config);
    await manager.signinRedirectCallback();
  }
  const user = await current(manager);
  if (!user && location.pathname === "/login") {
    await manager.signinRedirect();
    return;
  }
  // Codes and states do not stay in the address bar or the history.
  history.replaceState(null, "", "/");
  if (user) work(user, manager);
  else visitor(manager);
}

async function start() {
  let manager, config;
  try {
    [manager, config] = await open();
    await enter(manager, config);
  } catch (error) {
    // A code that was tried once is over, and so are tokens that could not be renewed.
    history.replaceState(null, "", "/");
    if (manager) await manager.removeUser();
    problem(error, manager);
  }
}

start();
