// Light and dark, copy buttons, and what a printed page shows.
(() => {
  const root = document.documentElement;
  const theme = document.getElementById("theme");
  const prefersDark = matchMedia("(prefers-color-scheme: dark)");
  const dark = () => (root.dataset.theme ? root.dataset.theme === "dark" : prefersDark.matches);
  const label = () => {
    theme.textContent = dark() ? "Light" : "Dark";
    theme.setAttribute("aria-label", dark() ? "Light colours" : "Dark colours");
  };
  theme.hidden = false;
  theme.addEventListener("click", () => {
    root.dataset.theme = dark() ? "light" : "dark";
    label();
  });
  prefersDark.addEventListener("change", label);
  label();

  const told = document.getElementById("told");
  const copied = async (text) => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // A page from disk has no clipboard in some browsers: by a selection instead.
      const area = document.createElement("textarea");
      area.value = text;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
  };
  for (const button of document.querySelectorAll("button[data-copy]")) {
    button.hidden = false;
    const name = button.textContent;
    button.addEventListener("click", async () => {
      await copied(document.getElementById(button.dataset.copy).textContent);
      button.textContent = "Copied";
      told.textContent = "Copied";
      setTimeout(() => {
        button.textContent = name;
        told.textContent = "";
      }, 1500);
    });
  }

  // The address keeps what is chosen beside the articles: a tab, and what the table is sorted by.
  const chosen = () => {
    const hash = location.hash.slice(1);
    return new URLSearchParams(hash.includes("=") ? hash : "");
  };
  const choose = (name, value) => {
    const kept = [...chosen()].filter(([key]) => key !== name);
    if (value) kept.push([name, value]);
    history.replaceState(null, "", `#${kept.map((pair) => pair.map(encodeURIComponent).join("=")).join("&")}`);
    dispatchEvent(new HashChangeEvent("hashchange"));
  };
  const target = () => {
    try {
      return document.getElementById(decodeURIComponent(location.hash.slice(1)));
    } catch {
      return document.getElementById(location.hash.slice(1));
    }
  };

  // Tabs: of the sections at the end, one is open; a link to a place in another opens that one.
  const tabs = [...document.querySelectorAll("#tablist [role=tab]")];
  const panels = tabs.map((tab) => document.getElementById(tab.getAttribute("aria-controls")));
  const openTab = (n) => {
    tabs.forEach((tab, i) => {
      tab.setAttribute("aria-selected", String(i === n));
      tab.tabIndex = i === n ? 0 : -1;
      if (i === n) panels[i].removeAttribute("hidden");
      else panels[i].setAttribute("hidden", "until-found");
    });
  };
  const followTab = () => {
    const named = panels.findIndex(({ id }) => id === chosen().get("tab"));
    if (named >= 0) openTab(named);
    const place = location.hash.includes("=") ? null : target();
    const at = panels.findIndex((panel) => panel.contains(place));
    if (at < 0) return;
    openTab(at);
    place.scrollIntoView({ behavior: "instant" });
    if (place.matches(".glossary > *")) place.focus({ preventScroll: true });
  };
  const steps = { ArrowRight: (i) => i + 1, ArrowLeft: (i) => i - 1, Home: () => 0, End: () => -1 };
  tabs.forEach((tab, i) => {
    panels[i].setAttribute("role", "tabpanel");
    panels[i].setAttribute("aria-labelledby", tab.id);
    panels[i].addEventListener("beforematch", () => openTab(i));
    tab.addEventListener("click", () => {
      openTab(i);
      choose("tab", panels[i].id);
    });
    tab.addEventListener("keydown", (event) => {
      const step = steps[event.key];
      if (!step) return;
      event.preventDefault();
      const next = tabs.at(step(i) % tabs.length);
      next.focus();
      next.click();
    });
  });
  if (tabs.length) {
    document.getElementById("tablist").hidden = false;
    openTab(0);
    addEventListener("hashchange", followTab);
    followTab();
  }

  // The table of systems: sorted by the heading that is clicked, columns that say nothing folded.
  const table = document.getElementById("scores");
  const headings = [...(table?.querySelectorAll("th[data-key]") ?? [])];
  const sortTable = (heading, ascending) => {
    for (const each of headings) each.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", ascending ? "ascending" : "descending");
    const sign = ascending ? 1 : -1;
    const value = (row) => row.cells[heading.cellIndex].dataset.value;
    for (const body of table.tBodies) {
      const weighed = [...body.rows].map((row) =>
        [value(row) === undefined ? Infinity : sign * Number(value(row)), row]);
      body.append(...weighed.sort(([a], [b]) => (a === b ? 0 : a - b)).map(([, row]) => row));
    }
  };
  const first = headings.find((heading) => heading.hasAttribute("aria-sort"));
  const followTable = () => {
    const key = chosen().get("table") ?? "";
    const heading = headings.find(({ dataset }) => dataset.key === key.replace(/^-/, "")) ?? first;
    const better = heading.dataset.less === "1";
    sortTable(heading, key.startsWith("-") ? !better : better);
  };
  if (first) {
    for (const heading of headings) {
      const name = heading.querySelector(".name");
      const button = document.createElement("button");
      button.type = "button";
      button.className = "sort";
      name.replaceWith(button);
      button.append(name);
      button.addEventListener("click", () => {
        const { key, less } = heading.dataset;
        const best = heading.getAttribute("aria-sort") === (less === "1" ? "ascending" : "descending");
        choose("table", best ? `-${key}` : key);
        told.textContent = `Sorted by ${name.textContent}, ${best ? "worst" : "best"} first`;
      });
    }
    addEventListener("hashchange", followTable);
    followTable();
  }
  const unfold = document.getElementById("unfold");
  if (unfold) {
    const fold = (folded) => {
      table.classList.toggle("folded", folded);
      unfold.setAttribute("aria-expanded", String(!folded));
      unfold.textContent = folded ? "Show these columns" : "Hide these columns";
    };
    unfold.hidden = false;
    unfold.addEventListener("click", () => fold(!table.classList.contains("folded")));
    fold(true);
  }

  // Terms: what the glossary says, beside the word that is pointed at or has the focus.
  const tip = document.getElementById("term-tip");
  const hideTip = () => {
    if (!tip || tip.hidden) return; // the page of a study has none
    tip.hidden = true;
    document.querySelector("[aria-describedby=term-tip]")?.removeAttribute("aria-describedby");
  };
  const showTip = (term) => {
    const meaning = document.getElementById(term.hash.slice(1))?.querySelector("dd");
    if (!meaning) return;
    hideTip();
    tip.textContent = meaning.textContent;
    tip.hidden = false;
    term.setAttribute("aria-describedby", "term-tip");
    const { left, top, bottom } = term.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = tip;
    tip.style.left = `${Math.max(8, Math.min(left, document.documentElement.clientWidth - width - 8))}px`;
    tip.style.top = `${bottom + 6 + height > innerHeight ? Math.max(8, top - height - 6) : bottom + 6}px`;
  };
  for (const term of document.querySelectorAll("a.term")) {
    term.addEventListener("pointerenter", () => showTip(term));
    term.addEventListener("pointerleave", () => document.activeElement !== term && hideTip());
    term.addEventListener("focus", () => showTip(term));
    term.addEventListener("blur", hideTip);
    term.addEventListener("click", (event) => {
      if (event.pointerType === "touch" && tip.dataset.of !== term.hash) event.preventDefault();
      tip.dataset.of = term.hash;
    });
  }
  addEventListener("keydown", (event) => event.key === "Escape" && hideTip());
  addEventListener("scroll", hideTip, { passive: true });

  // Paper cannot be clicked.
  const opened = [];
  addEventListener("beforeprint", () => {
    for (const each of document.querySelectorAll("details:not([open])")) {
      each.open = true;
      opened.push(each);
    }
  });
  addEventListener("afterprint", () => {
    for (const each of opened.splice(0)) each.open = false;
  });
})();
