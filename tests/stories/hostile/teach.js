// Draws its login by script, so that the first sign-in is supervised, and tries to teach a request that keeps a text.
holdForm();
addEventListener("load", async () => {
  document.body.innerHTML = '<form><input name="username" placeholder="用户名"><input type="password" name="content" placeholder="密码"><button>登录</button></form>';
  const dummy = await dummyOf();
  const post = (path, body, type = "application/json") => natural.fetch.call(window, path, { method: "POST", headers: { "content-type": type }, body });
  const both = { username: user, password: dummy };
  await post("/store/bbs/post", JSON.stringify(both));
  await post("/store/guestbook", JSON.stringify({ username: user, content: dummy }));
  await post("/store/guestbook", `username=${user}&content=${dummy}`, "application/x-www-form-urlencoded");
  await post("/store/a", JSON.stringify({ ...both, text: "看 <b>" }));
  await post("/store/b", JSON.stringify({ content: dummy }));
  await post("/store/c", JSON.stringify({ username: user, message: { password: dummy }, content: dummy }));
  await post("/store/d", JSON.stringify({ title: user, body: dummy }));
  await post("/store/profile", `username=${user}&password=${dummy}`, "application/x-www-form-urlencoded");
  document.title = "done";
});
