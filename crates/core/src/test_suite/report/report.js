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
    tests: dir.tests.map(([file, name, verdict, millis, start, more]) => ({
      dir, file: dir.files[file], name, verdict, seconds: millis / 1000, start: start / 1000, more: more || {},
      bad: data.verdicts[verdict][2],
    })),
  }));
  const all = dirs.flatMap((dir) => dir.tests);
  for (const test of all) {
    test.id = test.name ? test.file + "::" + test.name : test.file;
    test.key = (test.id + "\n" + (test.more.message || "")).toLowerCase();
  }
  const wanted = new Set();
  let words = [];
  let cachedOnly = false;
  const isCached = (test) => test.more.cached === true;
  const matches = (test) => (!wanted.size || wanted.has(test.verdict)) && (!cachedOnly || isCached(test))
    && words.every((word) => test.key.includes(word));

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
    if (isCached(test)) facts.push("cached");
    body.append(el("p", "", facts.join(" · ")), el("p", "", el("code", "", "wharf test " + quoted(test.id))));
    if (more.trace) body.append(trace(more.trace));
    else if (more.message) body.append(el("pre", "", more.message));
    for (const [title, text] of more.sections || []) body.append(el("h3", "", title), el("pre", "", text));
    if (more.cut) body.append(el("p", "", "The full text is in the log."));
    if (test.dir.log) {
      const link = el("a", "", "log of " + test.dir.path);
      // Where a browser knows text fragments, the log opens at the test's own part.
      const place = test.bad && test.name ? "#:~:text=" + encodeURIComponent(test.name.replaceAll("::", ".")).replaceAll("-", "%2D") : "";
      link.href = test.dir.log + place;
      body.append(el("p", "", link));
    }
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
    const [word, kind] = data.verdicts[test.verdict];
    const what = el("div", "what", name(test));
    if (kind !== "passed") what.append(el("span", "word t-" + kind, word));
    if (isCached(test)) what.append(el("span", "word quiet", "cached"));
    if (test.more.message) what.append(el("span", "message", test.more.message));
    const parts = [dot(test), what, el("span", "time", time(test.seconds))];
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
    const filtered = wanted.size > 0 || words.length > 0 || cachedOnly;
    const found = filtered ? all.filter(matches) : all;
    const bad = found.filter((test) => test.bad);
    byId("found").hidden = !filtered;
    byId("found").textContent = found.length ? `${found.length} of ${all.length} tests` : "Nothing matches.";
    byId("failures").replaceChildren();
    if (bad.length) inChunks(byId("failures"), bad, 50, failure);
    const lists = dirs.map((dir) => [dir, filtered ? dir.tests.filter(matches) : dir.tests]).filter(([, tests]) => tests.length);
    byId("dirs").replaceChildren(...lists.map(([dir, tests]) => group(dir, tests, filtered && found.length > bad.length)));
    if (!filtered && bad.length === 1) byId("failures").querySelector("details").open = true;
  };

  const clear = () => {
    byId("search").value = "";
    words = [];
    cachedOnly = false;
    wanted.clear();
    for (const button of document.querySelectorAll("[aria-pressed]")) button.setAttribute("aria-pressed", "false");
  };
  const look = () => {
    words = byId("search").value.toLowerCase().split(/\s+/).filter(Boolean);
    render();
  };
  let timer;
  byId("search").addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(look, 120);
  });
  for (const button of document.querySelectorAll("[data-verdict]")) {
    button.addEventListener("click", () => {
      const verdict = Number(button.dataset.verdict);
      if (!wanted.delete(verdict)) wanted.add(verdict);
      button.setAttribute("aria-pressed", String(wanted.has(verdict)));
      render();
    });
  }
  const cachedButton = byId("cached");
  if (cachedButton) {
    cachedButton.addEventListener("click", () => {
      cachedOnly = !cachedOnly;
      cachedButton.setAttribute("aria-pressed", String(cachedOnly));
      render();
    });
  }
  // The next or previous thing that can be opened, from the one that has the focus.
  const step = (by) => {
    const all = [...byId("tests").querySelectorAll("summary")];
    const at = all.indexOf(document.activeElement);
    const next = all[at < 0 ? (by > 0 ? 0 : all.length - 1) : at + by];
    if (next) {
      next.focus();
      next.scrollIntoView({ block: "nearest" });
    }
  };
  document.addEventListener("keydown", (event) => {
    const search = byId("search");
    const typing = document.activeElement === search;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "/" && !typing) {
      event.preventDefault();
      search.focus();
    } else if (event.key === "Escape" && (words.length || wanted.size || cachedOnly || search.value)) {
      clear();
      render();
    } else if (!typing && (event.key === "j" || event.key === "k")) {
      step(event.key === "j" ? 1 : -1);
    }
  });

  // The timeline: each test as a block; those that ran at once, in rows of their own.
  const DEEPEST = 8;
  const placed = (tests) => {
    const ends = [];
    for (const test of [...tests].sort((a, b) => a.start - b.start)) {
      if (isCached(test) || !test.seconds && !test.start) continue;
      // Starts are known as well as the pipe is quick.
      let row = ends.findIndex((end) => end <= test.start + 0.05);
      if (row < 0) row = ends.length < DEEPEST ? ends.length : ends.indexOf(Math.min(...ends));
      ends[row] = test.start + test.seconds;
      test.row = row;
    }
    return Math.max(ends.length, 1);
  };
  const draw = () => {
    const end = Number(document.querySelector(".lanes").dataset.end);
    const style = getComputedStyle(document.documentElement);
    const colours = data.verdicts.map(([, kind]) => style.getPropertyValue("--" + kind));
    for (const track of document.querySelectorAll(".track")) {
      const { tests } = dirs[Number(track.dataset.dir)];
      const rows = track.rows || (track.rows = placed(tests));
      track.style.height = Math.max(16, rows * 8) + "px";
      const canvas = track.querySelector("canvas");
      const scale = window.devicePixelRatio || 1;
      const [width, height] = [track.clientWidth, track.clientHeight];
      [canvas.width, canvas.height] = [width * scale, height * scale];
      const paint = canvas.getContext("2d");
      paint.scale(scale, scale);
      // What is bad last, so that nothing covers it.
      for (const bad of [false, true]) {
        for (const test of tests) {
          if (test.row === undefined || test.bad !== bad) continue;
          paint.fillStyle = colours[test.verdict];
          const wide = Math.max(test.seconds / end * width - 0.5, 1);
          paint.fillRect(test.start / end * width, test.row * height / rows + 1, wide, height / rows - 2);
        }
      }
    }
  };
  const at = (track, event) => {
    const box = track.getBoundingClientRect();
    const end = Number(document.querySelector(".lanes").dataset.end);
    const second = (event.clientX - box.left) / box.width * end;
    const row = Math.floor((event.clientY - box.top) / box.height * track.rows);
    const slack = 2 / box.width * end;
    const near = dirs[Number(track.dataset.dir)].tests.filter((test) => test.row === row
      && test.start - slack <= second && second <= test.start + test.seconds + slack);
    return near.find((test) => test.bad) || near[0];
  };
  if (byId("timeline")) {
    // After the first paint, which need not wait for it.
    requestAnimationFrame(() => setTimeout(draw, 0));
    let redraw;
    window.addEventListener("resize", () => {
      clearTimeout(redraw);
      redraw = setTimeout(draw, 100);
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
    for (const track of document.querySelectorAll(".track")) {
      const words = track.title;
      track.addEventListener("mousemove", (event) => {
        const test = at(track, event);
        track.title = test ? `${test.id}: ${data.verdicts[test.verdict][0]}, ${time(test.seconds)}` : words;
        track.style.cursor = test ? "pointer" : "";
      });
      track.addEventListener("click", (event) => {
        const test = at(track, event);
        if (!test) return;
        clear();
        byId("search").value = test.id;
        look();
        const first = byId("tests").querySelector("#failures details") || byId("tests").querySelector("#dirs details");
        first.open = true;
        byId("tests").scrollIntoView();
        first.querySelector("summary").focus({ preventScroll: true });
      });
    }
  }
  render();
})();
