"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const byId = (id) => document.getElementById(id);
  const el = (tag, className, ...children) => {
    const node = document.createElement(tag);
    if (className) node.className = className;
    node.append(...children);
    return node;
  };
  const dot = (test) => el("i", "dot v-" + data.verdicts[test.verdict][1]);
  const time = (s) => (s < 1 ? s.toFixed(2) + "s" : s < 99.95 ? s.toFixed(1) + "s"
    : Math.floor(Math.round(s) / 60) + "m" + String(Math.round(s) % 60).padStart(2, "0") + "s");

  const dirs = data.dirs.map((dir) => ({
    path: dir.path,
    tests: dir.tests.map(([file, name, verdict, seconds, more]) => ({
      dir, file: dir.files[file], name, verdict, seconds, more: more || {}, bad: data.verdicts[verdict][2],
    })),
  }));
  const all = dirs.flatMap((dir) => dir.tests);
  for (const test of all) {
    test.id = test.name ? test.file + "::" + test.name : test.file;
    test.key = (test.id + "\n" + (test.more.message || "")).toLowerCase();
  }
  const wanted = new Set();
  let words = [];
  const matches = (test) => (!wanted.size || wanted.has(test.verdict)) && words.every((word) => test.key.includes(word));

  // Appends the first `size` of `items` to `parent`, and a button that appends the next ones.
  const inChunks = (parent, items, size, make) => {
    let shown = 0;
    const button = el("button", "more");
    button.type = "button";
    const step = () => {
      const next = items.slice(shown, shown + size).map(make);
      shown += next.length;
      button.before(...next);
      button.textContent = `Show ${Math.min(size, items.length - shown)} more of ${items.length - shown}`;
      button.hidden = shown >= items.length;
      return next[0];
    };
    parent.append(button);
    step();
    button.addEventListener("click", () => {
      const first = step();
      const target = first && (first.querySelector("summary") || first);
      if (target) target.focus();
    });
  };

  const trace = (text) => {
    const pre = el("pre");
    pre.tabIndex = 0;
    for (const line of text.split("\n")) {
      const kind = /^E(\s|$)/.test(line) ? "e" : line.startsWith(">") ? "at" : "";
      pre.append(kind ? el("span", kind, line) : line, "\n");
    }
    return pre;
  };
  const quoted = (id) => (/^[\w@%+=:,./-]+$/.test(id) ? id : "'" + id.replaceAll("'", "'\\''") + "'");
  const details = (test) => {
    const { more } = test;
    const body = el("div", "body");
    const facts = [more.line ? test.file + ":" + more.line : test.file];
    if (more.phase && more.phase !== "call") facts.push("in " + more.phase);
    if (more.attempts) facts.push(more.attempts + " attempts");
    body.append(el("p", "", facts.join(" · ")), el("p", "", el("code", "", "wharf test " + quoted(test.id))));
    if (more.trace) body.append(trace(more.trace));
    else if (more.message) body.append(el("pre", "", more.message));
    for (const [title, text] of more.sections || []) body.append(el("h3", "", title), el("pre", "", text));
    if (more.cut) body.append(el("p", "", "The full text is in " + (test.dir.log || "the dir's log") + "."));
    return body;
  };
  const lazily = (node, make) => {
    const fill = () => {
      if (node.open && node.childElementCount === 1) node.append(make());
    };
    node.addEventListener("toggle", fill);
    return node;
  };
  const name = (test) => {
    const cut = test.file.lastIndexOf("/") + 1;
    return el("span", "name", el("span", "", test.file.slice(0, cut)), test.file.slice(cut),
      ...(test.name ? [el("span", "", "::"), test.name] : []));
  };

  const failure = (test) => {
    const [word, kind] = data.verdicts[test.verdict];
    const what = el("div", "what", name(test), el("span", "word t-" + kind, word));
    if (test.more.message) what.append(el("span", "message", test.more.message));
    return lazily(el("details", "failure", el("summary", "", dot(test), what, el("span", "time", time(test.seconds)))),
      () => details(test));
  };
  const row = (test) => {
    const parts = [dot(test), name(test), el("span", "time", time(test.seconds))];
    if (!test.more.message && !test.more.trace) return el("div", "row", ...parts);
    return lazily(el("details", "test", el("summary", "", ...parts)), () => details(test));
  };
  const group = (dir, tests, open) => {
    const bad = tests.filter((test) => test.bad).length;
    const count = tests.length === 1 ? "1 test" : tests.length + " tests";
    const summary = el("summary", "", dir.path, el("span", "", count + (bad ? `, ${bad} not passed` : "")));
    const node = lazily(el("details", "group", summary), () => {
      const list = el("div");
      inChunks(list, tests, 200, row);
      return list;
    });
    node.open = open;
    return node;
  };

  const render = () => {
    const filtered = wanted.size > 0 || words.length > 0;
    const found = filtered ? all.filter(matches) : all;
    const bad = found.filter((test) => test.bad);
    byId("none").hidden = found.length > 0;
    byId("failures").replaceChildren();
    if (bad.length) inChunks(byId("failures"), bad, 50, failure);
    const lists = dirs.map((dir) => [dir, filtered ? dir.tests.filter(matches) : dir.tests]).filter(([, tests]) => tests.length);
    byId("dirs").replaceChildren(...lists.map(([dir, tests]) => group(dir, tests, filtered && found.length > bad.length)));
    if (!filtered && bad.length === 1) byId("failures").querySelector("details").open = true;
  };

  let timer;
  byId("search").addEventListener("input", (event) => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      words = event.target.value.toLowerCase().split(/\s+/).filter(Boolean);
      render();
    }, 120);
  });
  for (const button of document.querySelectorAll("[data-verdict]")) {
    button.addEventListener("click", () => {
      const verdict = Number(button.dataset.verdict);
      if (!wanted.delete(verdict)) wanted.add(verdict);
      button.setAttribute("aria-pressed", String(wanted.has(verdict)));
      render();
    });
  }
  document.addEventListener("keydown", (event) => {
    const search = byId("search");
    if (event.key === "/" && document.activeElement !== search) {
      event.preventDefault();
      search.focus();
    } else if (event.key === "Escape" && (words.length || wanted.size || search.value)) {
      search.value = "";
      words = [];
      wanted.clear();
      for (const button of document.querySelectorAll("[data-verdict]")) button.setAttribute("aria-pressed", "false");
      render();
    }
  });
  render();
})();
