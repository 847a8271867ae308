// Fills a legacy login page: the user name, and a dummy for the password. The real password is never here.
// What to do stands in the script's own data attribute; see connectors/gateway/pages/documents.py.
(() => {
  "use strict";
  const own = document.currentScript;
  if (!own || !own.dataset.yimen) return;
  const told = JSON.parse(own.dataset.yimen);
  own.remove();

  // A page on a slow line may take its time; the dummy lasts ten minutes.
  const WAIT_MS = 600000;
  const PRESS_MS = 5000;
  const LOOK_MS = 250;
  const SETTLED_MS = 1500;
  const OPEN_MS = 500;
  const QUIET_MS = 300;
  const RESTLESS_MS = 2500;
  const UNSENT_MS = 6000;
  const MISSING_MS = 5000;
  const STILL_MS = 1000;
  const FILLED_SECONDS = 600;
  const PASSWORD_WORDS = /密码|口令|password|passwd|pwd/i;
  const BUTTON_WORDS = /登\s*[录陆入錄]|进入|log\s*[io]n|sign\s*in/i;
  const BUTTON_EXACT = /^\W*(立即|马上|用户|安全|确认|点击)?\s*(登\s*[录陆入錄](系统|平台)?|log\s*[io]n|sign\s*in)\W*$/i;
  const BUTTON_NAMES = /log[-_]?[io]n|sign[-_]?in|denglu|\bdl\b|submit/i;
  const OPENER = /^(用户|账号|账户|用户名|密码|账号密码|帐号|请)?登\s*[录陆入錄]$|^(log\s*[io]n|sign\s*in|password\s*login)$/i;
  const NEXT = /^(下一步|继续|确\s*定|登\s*[录陆入]|next|continue|log\s*in|sign\s*in)$/i;
  const USER_WORDS = /用户|账\s*[号户]|帐\s*[号户]|工号|手机号|user|account|login|e-?mail/i;
  const NOT_BUTTON = /注册|忘记|短信|扫码|register|forgot|sign\s*up/i;
  const OTHER_SECRET = /确认|再次|重复|新密码|旧密码|原密码|安全码|confirm|repeat|re-?enter|re-?type|\bnew|\bold\b|cvv|cvc|\bcsc\b/i;
  const CODE_WORDS = /验证码|校验码|captcha|verify|code|yzm|sms|otp/i;
  const setValue = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set;

  // Everything on the page that fits, in open shadow trees too.
  const everywhere = (selector, root = document) => {
    const found = [...root.querySelectorAll(selector)];
    for (const element of root.querySelectorAll("*")) {
      if (element.shadowRoot) found.push(...everywhere(selector, element.shadowRoot));
    }
    return found;
  };
  // The property knows that `type=username` is a text field; the attribute does not.
  const isText = (field) => /^(text|email|tel|number)$/.test(field.type);
  const around = (field) => field.form || field.getRootNode();

  const visible = (element) => {
    if (!element.isConnected || element.type === "hidden") return false;
    const style = getComputedStyle(element);
    return style.visibility !== "hidden" && style.display !== "none" && element.getClientRects().length > 0;
  };
  const wordsOf = (element) => {
    const label = element.labels && element.labels[0] ? element.labels[0].textContent : "";
    return [element.name, element.id, element.placeholder, element.title, element.getAttribute("aria-label"), label]
      .filter(Boolean).join(" ");
  };

  // A selector first; else everything that is given must hold.
  const locate = (place) => {
    if (!place) return null;
    if (place.selector) {
      try {
        const found = everywhere(place.selector).filter(visible);
        if (found.length) return found[0];
      } catch { /* a selector this browser does not know finds nothing */ }
    }
    if (!place.name && !place.placeholder && !place.label) return null;
    return everywhere("input, select, textarea, button").find((element) => visible(element)
      && (!place.name || element.name === place.name)
      && (!place.placeholder || (element.placeholder || "").includes(place.placeholder))
      && (!place.label || wordsOf(element).includes(place.label))) || null;
  };

  // The smallest part of the page around the field that has something to press.
  const partAround = (field) => {
    if (field.form) return field.form;
    let part = field.parentElement;
    while (part && !pressable(part, BUTTONS).length) part = part.parentElement;
    return part || field.getRootNode();
  };
  // A field that appears by itself takes the password only where it is asked for it: not a new one, not one of two, not
  // a card's code. A page that says new-password to keep browsers away is believed unless its button signs in.
  const isAsked = (field) => {
    if (!visible(field) || /^(cc-|one-time-code)/.test(field.autocomplete) || OTHER_SECRET.test(wordsOf(field))) return false;
    const part = partAround(field);
    if ([...part.querySelectorAll("input[type=password]")].filter(visible).length > 1) return false;
    return field.autocomplete !== "new-password"
      || pressable(part, BUTTONS).some((element) => BUTTON_EXACT.test(said(element)));
  };

  // A page may draw another field over the one that stands in its HTML: where that stays unseen, the only one seen is it.
  const began = Date.now();
  const hasSettled = () => Date.now() - began > SETTLED_MS;
  const onlyPassword = () => {
    const seen = everywhere("input[type=password]").filter(visible);
    return seen.length === 1 && isAsked(seen[0]) ? seen[0] : null;
  };
  const isAny = () => !told.password || (told.password.selector === 'input[type="password"]' && !told.password.name);
  const passwordField = () => (isAny() ? null : locate(told.password))
    || (told.waits ? everywhere("input[type=password]").find(isAsked) : hasSettled() && onlyPassword()) || null;

  const usernameField = (password) => {
    const located = locate(told.username);
    if (located && located !== password) return located;
    if (told.username && !told.waits && locate(told.password) === password) return null;
    const scope = around(password);
    const fields = [...scope.querySelectorAll("input")].filter((field) => visible(field) && isText(field)
      && !CODE_WORDS.test(wordsOf(field)));
    const before = fields.filter((field) => field.compareDocumentPosition(password) & Node.DOCUMENT_POSITION_FOLLOWING);
    return before.pop() || fields[0] || null;
  };

  const personFields = (password) => {
    const located = (told.person || []).map(locate).filter(Boolean);
    if (located.length || !told.waits) return located;
    const scope = around(password);
    return [...scope.querySelectorAll("input")].filter((field) => field !== password && visible(field)
      && field.type !== "checkbox" && CODE_WORDS.test(wordsOf(field)) && !PASSWORD_WORDS.test(wordsOf(field)));
  };

  const BUTTONS = "button, input[type=submit], input[type=image], input[type=button], [role=button]";
  const leadsAway = (element) => element.tagName === "A" && !element.hasAttribute("onclick")
    && !/^(#|javascript:|$)/.test(element.getAttribute("href") || "");
  const pressable = (root, selector = `${BUTTONS}, a, [onclick]`) => [...root.querySelectorAll(selector)]
    .filter((element) => visible(element) && !leadsAway(element));
  const buttonsAround = (field) => pressable(around(field));
  const sayings = ({ textContent, value, title, alt }) => [textContent, value, title, alt].map((one) => `${one || ""}`.trim());
  const said = (element) => sayings(element).join(" ").trim();

  // Whatever says that it signs in and looks pressed with a pointer, however it is made; the innermost.
  const drawn = (root) => [...root.querySelectorAll("div, span, li, td, p, img, label, i, b")].filter((element) =>
    BUTTON_EXACT.test(said(element)) && visible(element) && getComputedStyle(element).cursor === "pointer").pop();

  // A picture without a word beside a form without a button.
  const nameless = (field) => {
    const seen = pressable(document, "[onclick], input[type=image], img").filter((element) => !NOT_BUTTON.test(said(element))
      && (element.hasAttribute("onclick") || getComputedStyle(element).cursor === "pointer"));
    const named = seen.filter((element) => BUTTON_NAMES.test([...element.attributes].map((one) => one.value).join(" ")));
    return named[0] || (seen.length === 1 && field.form ? seen[0] : null);
  };

  const button = (password) => {
    const located = locate(told.submit);
    if (located) return located;
    const near = buttonsAround(password).filter((element) => !NOT_BUTTON.test(said(element)));
    const signsIn = (element) => BUTTON_WORDS.test(said(element));
    const root = password.getRootNode();
    const plain = near.filter((element) => element.matches(BUTTONS));
    return near.find(signsIn) || near.find((element) => element.type === "submit") || drawn(around(password))
      || pressable(root).find((element) => BUTTON_EXACT.test(said(element))) || drawn(root)
      || (plain.length === 1 ? plain[0] : null);
  };

  const type = (field, value) => {
    field.removeAttribute("readonly");
    field.focus({ preventScroll: true });
    if (field instanceof HTMLInputElement) setValue.call(field, value);
    else field.value = value;
    for (const name of ["keydown", "keypress", "input", "keyup", "change"]) {
      const Kind = name.startsWith("key") ? KeyboardEvent : name === "input" ? InputEvent : Event;
      field.dispatchEvent(new Kind(name, { bubbles: true, composed: true }));
    }
    field.dispatchEvent(new FocusEvent("blur"));
  };

  const key = (field, name, code) => {
    for (const kind of ["keydown", "keypress", "keyup"]) {
      const init = { key: name, code: name, keyCode: code, which: code, bubbles: true, cancelable: true, composed: true };
      field.dispatchEvent(new KeyboardEvent(kind, init));
    }
  };

  let noted = null;
  let filled = false;
  const note = (text, link) => {
    if (window !== window.top && window.innerHeight < 120) return;
    if (noted) noted.remove();
    const host = document.createElement("div");
    noted = host;
    host.style.cssText = "all:initial;position:fixed;right:12px;bottom:12px;z-index:2147483647;max-width:calc(100vw - 24px)";
    const root = host.attachShadow({ mode: "open" });
    const box = document.createElement("div");
    box.setAttribute("role", "status");
    box.style.cssText = "font:14px/1.6 system-ui,sans-serif;color:#fff;background:#0d6470;padding:10px 16px;"
      + "border-radius:12px;box-shadow:0 6px 20px rgba(0,0,0,.25);display:flex;gap:12px;align-items:center";
    const words = document.createElement("span");
    words.textContent = text;
    box.append(words);
    if (link) {
      const anchor = document.createElement("a");
      anchor.href = link.address;
      anchor.target = "_top";
      anchor.textContent = link.label;
      anchor.style.cssText = "color:#0d6470;background:#fff;border-radius:8px;padding:4px 12px;text-decoration:none;white-space:nowrap";
      box.append(anchor);
    }
    root.append(box);
    document.documentElement.append(host);
    if (!link) setTimeout(() => host.remove(), 8000);
  };

  // Nothing has changed in the page, and nothing has been fetched, for a moment.
  const whenQuiet = (act) => {
    const started = Date.now();
    let last = started;
    const stir = () => { last = Date.now(); };
    const changes = new MutationObserver(stir);
    changes.observe(document.documentElement, { childList: true, subtree: true });
    const loads = new PerformanceObserver(stir);
    loads.observe({ type: "resource" });
    const waiting = setInterval(() => {
      if (Date.now() - last < QUIET_MS && Date.now() - started < RESTLESS_MS) return;
      clearInterval(waiting);
      changes.disconnect();
      loads.disconnect();
      act();
    }, 50);
  };

  // Whether the page has begun to send something since; what is on its way is in no list of the browser's.
  let begun = 0;
  const count = (holder, name) => {
    const original = holder[name];
    if (typeof original !== "function") return;
    holder[name] = function counted(...given) {
      begun += 1;
      return original.apply(this, given);
    };
  };
  const watchSending = () => {
    count(window, "fetch");
    count(XMLHttpRequest.prototype, "send");
    count(navigator, "sendBeacon");
    count(WebSocket.prototype, "send");
    count(HTMLFormElement.prototype, "submit");
    addEventListener("submit", (event) => { if (!event.defaultPrevented) begun += 1; });
    addEventListener("pagehide", () => { begun += 1; });
  };

  // A page may take over late, and throw away what was typed and pressed before anything was sent.
  let anew = false;
  const pressAnew = (pressed, before) => {
    const started = Date.now();
    const waiting = setInterval(() => {
      const fresh = pressed.isConnected ? null : passwordField();
      if (fresh && !anew && !fresh.value && begun === before) {
        anew = true;
        whenQuiet(() => pressWhole(fresh));
      }
      if (fresh || Date.now() - started > UNSENT_MS) clearInterval(waiting);
    }, 100);
  };

  // A page that was drawn anew since has lost what was typed; one that still asks who it is would send half of it.
  const pressWhole = (password) => {
    const now = password.isConnected ? password : passwordField() || password;
    const username = usernameField(now);
    if (username && told.login) type(username, told.login);
    type(now, told.dummy);
    if (username && told.login && !username.value) {
      note(told.texts.filled);
      return;
    }
    // The page's rules of form are for what people choose, not for the dummy.
    if (now.form) now.form.noValidate = true;
    const before = begun;
    press(now);
    pressAnew(now, before);
    // It is pressed once. Where nothing came of it, the person is told, and does what the page wants.
    setTimeout(() => {
      if (stopped) return;
      if (begun === before) note(told.texts.unsent || told.texts.filled);
      else if (now.isConnected && visible(now) && now.value === told.dummy) note(told.texts.filled);
    }, UNSENT_MS);
  };

  // A wrapper is pressed through the button in it; what only looks like one, through its innermost part. What listens
  // may stand anywhere above.
  const inmost = (target) => {
    if (target.matches("button, input")) return target;
    const inside = (target.shadowRoot || target).querySelector("button, input[type=submit], input[type=button], input[type=image]");
    if (inside && visible(inside)) return inside;
    let part = target;
    while (part.children.length === 1 && part.tagName !== "A" && visible(part.firstElementChild)) part = part.firstElementChild;
    return part;
  };
  const pressAsPerson = (element) => {
    const box = element.getBoundingClientRect();
    const init = { bubbles: true, cancelable: true, composed: true, view: window, button: 0, detail: 1,
      clientX: box.left + box.width / 2, clientY: box.top + box.height / 2 };
    for (const [Kind, name] of [[PointerEvent, "pointerdown"], [MouseEvent, "mousedown"], [PointerEvent, "pointerup"], [MouseEvent, "mouseup"]]) {
      element.dispatchEvent(new Kind(name, { ...init, pointerId: 1, isPrimary: true, pointerType: "mouse" }));
    }
    if (element.isConnected) element.click();
  };

  // A button that its page enables only after a while is waited for.
  const press = (field, find = button, since = Date.now()) => {
    const target = find(field);
    if (target && target.disabled && Date.now() - since < PRESS_MS) setTimeout(() => press(field, find, since), 100);
    else if (target) pressAsPerson(inmost(target));
    else if (nameless(field)) pressAsPerson(nameless(field));
    else if (field.form) field.form.requestSubmit();
    else key(field, "Enter", 13);
  };

  const nextButton = (field) => buttonsAround(field)
    .find((element) => NEXT.test((element.textContent || element.value || "").trim())) || null;

  // The one field of a page that asks for the user name before the password.
  const stepField = () => {
    const fields = everywhere("input").filter((field) => visible(field) && !field.readOnly && isText(field));
    if (fields.length !== 1 || CODE_WORDS.test(wordsOf(fields[0]))) return null;
    const asksWho = told.steps || USER_WORDS.test(`${wordsOf(fields[0])} ${fields[0].autocomplete}`);
    return asksWho && nextButton(fields[0]) ? fields[0] : null;
  };

  const FILLED = "yimen-filled";
  const REFUSED = "yimen-refused";
  const TYPED = "yimen-typed";
  const OFFER = "yimen-offer";
  const keep = (name, value, seconds) => {
    const secure = location.protocol === "https:" ? "; Secure" : "";
    try {
      document.cookie = `${name}=${value}; Path=/; Max-Age=${seconds}; SameSite=Lax${secure}`;
    } catch { /* a sandboxed frame has no cookies */ }
  };
  const kept = (name) => {
    try {
      return (document.cookie.split("; ").find((one) => one.startsWith(`${name}=`)) || "").slice(name.length + 1);
    } catch {
      return "";
    }
  };

  // Until somebody types over it or leaves, what this page sends as a password is made of the dummy.
  const remember = (password) => {
    keep(FILLED, told.fill, FILLED_SECONDS);
    document.addEventListener("input", (event) => {
      const field = event.composedPath()[0];
      if (event.isTrusted && (field === password || field.type === "password")) keep(FILLED, "", 0);
    }, true);
    addEventListener("pagehide", () => keep(FILLED, "", 0));
  };

  // A script that sends the sign-in itself often hides why it failed.
  let stopped = false;
  const refuse = (code) => {
    if (stopped) return;
    stopped = true;
    note(`${told.texts.refusals[code] || ""} (${code})`, { address: told.portal, label: told.texts.portal });
  };
  // The gateway ends a socket over which a sign-in may not go, and says the code; scripts open another and say nothing.
  const watchSockets = () => {
    const watched = new WeakSet();
    const send = WebSocket.prototype.send;
    WebSocket.prototype.send = function watchedSend(...given) {
      if (!watched.has(this)) {
        watched.add(this);
        this.addEventListener("close", (event) => { if (event.reason in told.texts.refusals) refuse(event.reason); });
      }
      return send.apply(this, given);
    };
  };
  const watch = () => {
    keep(REFUSED, "", 0);
    const watching = setInterval(() => {
      const code = kept(REFUSED);
      if (!code) return;
      clearInterval(watching);
      keep(REFUSED, "", 0);
      refuse(code);
    }, LOOK_MS);
    setTimeout(() => clearInterval(watching), FILLED_SECONDS * 1000);
  };

  const fill = (password) => {
    filled = true;
    const username = usernameField(password);
    if (username && told.login) type(username, told.login);
    type(password, told.dummy);
    remember(password);
    watch();
    const mine = personFields(password);
    if (mine.length) {
      mine[0].focus();
      mine[0].scrollIntoView({ block: "center" });
      note(told.texts.person);
    } else if (told.presses) {
      note(told.texts.presses);
      // The page's own script needs its turn to notice what was typed, and its late parts theirs to come.
      whenQuiet(() => pressWhole(password));
    } else {
      note(told.texts.filled);
    }
  };

  // What a field stands in has not changed for a moment. Whatever else still loads is not waited for: a picture or a
  // script may never answer.
  const standing = { field: null, size: 0, since: 0 };
  const isStill = (field) => {
    if (document.readyState === "complete") return true;
    const size = (field.form || field.parentElement || document).querySelectorAll("*").length;
    if (standing.field !== field || standing.size !== size) Object.assign(standing, { field, size, since: Date.now() });
    return Date.now() - standing.since >= STILL_MS;
  };

  const whenThere = (find, act) => {
    const started = Date.now();
    let done = false;
    const look = () => {
      if (done) return;
      const found = find();
      const isOver = Date.now() - started > WAIT_MS;
      if (!isOver && !(found && isStill(found))) return;
      done = true;
      observer.disconnect();
      clearInterval(looking);
      removeEventListener("load", soon);
      if (!isOver) setTimeout(() => act(find() || found), 50);
    };
    // After the page's own load handlers, which wire up its login.
    const soon = () => setTimeout(look, 0);
    const observer = new MutationObserver(look);
    observer.observe(document.documentElement, { childList: true, subtree: true, attributes: true });
    // What changes inside a shadow tree, no observer of the document sees.
    const looking = setInterval(look, LOOK_MS);
    addEventListener("load", soon);
    look();
  };

  const step = (field) => {
    filled = true;
    type(field, told.login);
    note(told.presses ? told.texts.presses : told.texts.filled);
    if (told.presses) setTimeout(() => press(field, nextButton), 150);
    whenThere(passwordField, fill);
  };

  // A login that its page shows only when asked to.
  let opened = false;
  const open = () => {
    if (opened || !told.opener || !told.presses || Date.now() - began < OPEN_MS) return;
    opened = true;
    const opener = pressable(document).find((element) => sayings(element).some((one) => OPENER.test(one)));
    if (opener) opener.click();
  };

  // Where the person types their own account: how long it was, and whether it can be kept.
  const watchTyping = () => {
    keep(TYPED, "", 0);
    document.addEventListener("input", (event) => {
      const field = event.composedPath()[0];
      if (field.type === "password") keep(TYPED, field.value.length, FILLED_SECONDS);
    }, true);
    setInterval(() => {
      const id = kept(OFFER);
      if (!id) return;
      keep(OFFER, "", 0);
      note(told.offer.text, { ...told.offer, address: told.offer.address + id });
    }, LOOK_MS);
  };

  // A hint in place of the password gives way to it when it gets the focus.
  let revealed = false;
  const reveal = () => {
    if (revealed || !told.password || !told.password.hint) return;
    const hint = locate({ selector: told.password.hint });
    if (!hint || !isStill(hint)) return;
    revealed = true;
    hint.focus({ preventScroll: true });
    if (!locate(told.password)) {
      hint.dispatchEvent(new FocusEvent("focus"));
      hint.dispatchEvent(new FocusEvent("focusin", { bubbles: true }));
      if (visible(hint)) hint.click();
    }
  };

  const begin = () => {
    if (told.notice) note(told.notice.text, told.notice);
    if (told.offer) watchTyping();
    if (!told.dummy) return;
    watchSending();
    watchSockets();
    const mayStep = () => told.steps || (told.waits && told.presses && hasSettled());
    const find = () => {
      let password = passwordField();
      if (!password) {
        reveal();
        open();
        password = passwordField();
      }
      return password || (mayStep() ? stepField() : null);
    };
    whenThere(find,
      (field) => (field === passwordField() ? fill(field) : step(field)));
    setTimeout(() => { if (!filled && told.texts.missing) note(told.texts.missing); }, MISSING_MS);
  };

  // The page's body need not be there when this runs.
  if (document.body) begin();
  else {
    const body = new MutationObserver(() => {
      if (!document.body) return;
      body.disconnect();
      begin();
    });
    body.observe(document.documentElement, { childList: true });
  }
})();
