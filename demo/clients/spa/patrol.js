// 网格巡查: signs in with oidc-client-ts (code flow, PKCE), keeps tokens in this tab only, renews them by refresh token.
import { UserManager, WebStorageStateStore } from "oidc-client-ts";

const ROUNDS = ["独居老人走访 · 3 组", "出租房登记核对", "河道巡查 · 柳溪段", "消防通道检查", "反诈宣传入户 5 户"];
const element = (id) => document.getElementById(id);

function show(section) {
  for (const name of ["visitor", "problem", "work"]) element(name).hidden = name !== section;
}

function work(user, manager) {
  element("who").textContent = user.profile.name;
  element("greeting").textContent = `${user.profile.name}，您好`;
  element("posts").textContent = (user.profile.posts || []).map((post) => `${post.organization_name} ${post.title}`).join("、");
  const rounds = element("rounds");
  rounds.replaceChildren(...ROUNDS.map((text) => {
    const item = document.createElement("li");
    const label = document.createElement("label");
    const box = Object.assign(document.createElement("input"), { type: "checkbox" });
    label.append(box, text);
    item.append(label);
    return item;
  }));
  const count = () => { element("count").textContent = `已完成 ${rounds.querySelectorAll(":checked").length} / ${ROUNDS.length}`; };
  rounds.addEventListener("change", count);
  count();
  element("sign-out").hidden = false;
  element("sign-out").onclick = () => manager.signoutRedirect();
  show("work");
}

function problem(error, manager) {
  element("problem-text").textContent = error.error_description || error.message || String(error);
  element("again").onclick = () => manager.signinRedirect();
  show("problem");
}

async function start() {
  const config = await (await fetch("/config.json")).json();
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
  try {
    if (location.pathname === "/callback") {
      await manager.signinRedirectCallback();
      history.replaceState(null, "", "/");
    }
    const user = await manager.getUser();
    if (user && !user.expired) work(user, manager);
    else if (location.pathname === "/login") await manager.signinRedirect();
    else {
      element("sign-in").onclick = () => manager.signinRedirect();
      show("visitor");
    }
  } catch (error) {
    problem(error, manager);
  }
}

start();
