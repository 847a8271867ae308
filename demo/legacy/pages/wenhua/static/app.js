"use strict";
// What the build of the real system does with a framework, in little: state, two-way fields, pages made by script.

var state = { username: "", password: "" };
var TOKEN = "Admin-Token";

function element(tag, props, children) {
  var node = document.createElement(tag);
  Object.keys(props || {}).forEach(function (key) {
    if (key.slice(0, 2) === "on") node.addEventListener(key.slice(2), props[key]);
    else node[key] = props[key];
  });
  (children || []).forEach(function (child) { node.append(child); });
  return node;
}

// The field's text counts only when an `input` event brought it here, as with `v-model`.
function model(key, type, placeholder) {
  var composing = false;
  var field = element("input", {
    className: "el-input__inner", type: type, placeholder: placeholder, autocomplete: "off", value: state[key],
    oninput: function (event) { if (!composing) state[key] = event.target.value; },
    oncompositionstart: function () { composing = true; },
    oncompositionend: function (event) { composing = false; state[key] = event.target.value; },
    onkeyup: function (event) { if (event.key === "Enter") signIn(); }
  });
  return element("div", { className: "el-input" }, [field]);
}

function api(method, path, body) {
  var headers = { "Content-Type": "application/json;charset=utf-8" };
  if (sessionStorage.getItem(TOKEN)) headers.Authorization = "Bearer " + sessionStorage.getItem(TOKEN);
  return fetch("/api" + path, { method: method, headers: headers, body: body && JSON.stringify(body) })
    .then(function (answer) { return answer.json(); })
    .then(function (answer) {
      if (answer.code === 401) leave();
      if (answer.code !== 200) throw new Error(answer.msg);
      return answer.data;
    });
}

function show() {
  var app = document.getElementById("app");
  app.replaceChildren.apply(app, Array.prototype.slice.call(arguments));
}

function loginPage() {
  var submit = element("button", { className: "el-button", type: "button", textContent: "登 录", onclick: signIn });
  show(element("div", { className: "login-bg" }, [
    element("div", { className: "login-card" }, [
      element("h3", { textContent: "农村文化礼堂管理平台" }),
      model("username", "text", "账号"),
      model("password", "password", "密码"),
      submit,
      element("div", { className: "el-message" })
    ])
  ]));
}

function signIn() {
  var submit = document.querySelector(".el-button");
  var message = document.querySelector(".el-message");
  if (submit.disabled) return;
  if (!state.username || !state.password) { message.textContent = "请输入您的账号和密码"; return; }
  message.textContent = "";
  submit.disabled = true;
  submit.textContent = "登 录 中...";
  api("POST", "/login", { username: state.username, password: state.password }).then(function (data) {
    sessionStorage.setItem(TOKEN, data.token);
    state.password = "";
    location.hash = "#/index";
  }).catch(function (error) {
    message.textContent = error.message;
    submit.disabled = false;
    submit.textContent = "登 录";
  });
}

function homePage() {
  Promise.all([api("GET", "/getInfo"), api("GET", "/activities")]).then(function (answers) {
    var person = answers[0];
    show(
      element("div", { className: "navbar" }, [
        element("strong", { textContent: "文化礼堂" }),
        element("span", { textContent: person.name }),
        element("a", { textContent: "退出登录", href: "#/login", onclick: signOut })
      ]),
      element("div", { className: "app-main" }, [
        element("div", { className: "welcome" }, [
          "欢迎您," + person.name,
          element("small", { textContent: person.town + "近期活动 " + answers[1].total + " 场" })
        ]),
        element("div", { className: "activities" }, answers[1].rows.map(activity))
      ])
    );
  }).catch(function () { /* signed out: the login page is shown already */ });
}

function activity(row) {
  return element("div", { className: "activity" }, [
    element("h4", { textContent: row.title }),
    element("p", { textContent: row.hall }),
    element("p", {}, [row.date + "　预计 ", element("em", { textContent: row.people }), " 人"])
  ]);
}

function signOut(event) {
  event.preventDefault();
  api("POST", "/logout").then(leave, leave);
}

function leave() {
  sessionStorage.removeItem(TOKEN);
  location.hash = "#/login";
}

function route() {
  var token = sessionStorage.getItem(TOKEN);
  if (!token && location.hash !== "#/login") { location.replace("#/login"); return; }
  if (token && location.hash !== "#/index") { location.replace("#/index"); return; }
  if (token) homePage(); else loginPage();
}

window.addEventListener("hashchange", route);
setTimeout(route, 0);
