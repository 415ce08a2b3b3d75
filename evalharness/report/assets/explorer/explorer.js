// The articles of the page: what is shown is in the address, so that a view can be linked.

const EMPTY_VIEW = {
  article: "", n: "", q: "", flag: "", band: "", finish: "", source: "", system: "", cut: "",
  sort: "", by: "", vs: "", check: "", diff: "", tab: "", table: "",
};
const FILTERS = ["q", "flag", "band", "finish", "source", "system", "cut", "sort", "by", "vs"];

const part = (name) => document.getElementById(`explorer-${name}`);

class Explorer {
  constructor(index) {
    this.table = new Table(index);
    this.list = new ArticleList(this.table, part("list"), part("head"), (i) => this.#open(i));
    this.reading = new Reading(this.table, {
      title: part("title"), about: part("about"), pane: part("pane"), paneNote: part("pane-note"), page: part("page"),
      summaries: part("summaries"), cards: part("cards"), diff: part("diff"), tip: part("tip"),
      told: part("told"), check: part("check"), diffOf: part("diff-of"), diffTo: part("diff-to"),
      changes: part("changes"),
    }, (change) => this.#change(change));
    this.defaults = { by: this.#defaultBy(), sort: this.table.hasErrors() ? "flags" : "run" };
    this.#fillControls();
    this.#listen();
    this.#follow();
  }

  #fillControls() {
    const { systems, scores, kinds, sources } = this.table.index;
    const named = (names) => names.map((name) => [name, name]);
    const some = (name, first, options) => {
      fillSelect(part(name), [["", first], ...options]);
      part(name).closest("label").hidden = options.length < 2;
    };
    some("system", "any", named(systems));
    some("vs", "any other", named(systems));
    some("source", "any", named(sources.filter(Boolean)));
    some("band", "any", named(this.table.bands()));
    some("finish", "any", named(this.table.finishes()));
    const changed = this.table.index.outcomes.changes ? [[NEW_ERROR, "new errors"], [GONE_ERROR, "errors gone"]] : [];
    fillSelect(part("flag"), [["", "any or none"], [ANY_FLAG, "a likely error"],
      [NO_FLAG, systems.length > 1 ? "no likely error in any summary" : "no likely error"],
      ...changed, ...named(kinds)]);
    part("more").open = innerWidth > 800;
    part("flag").closest("label").hidden = kinds.length === 0;
    fillSelect(part("by"), scores.map(({ key, label, of }) =>
      [key, label === of ? label : `${of} ${label}`]));
    part("cut").closest("label").hidden =
      !(this.table.index.outcomes.truncated ?? []).some((column) => column?.some(Boolean));
  }

  #listen() {
    part("find").addEventListener("input", (event) => {
      const { name } = event.target;
      const value = event.target.type === "checkbox" ? (event.target.checked ? "1" : "") : event.target.value;
      this.#change({ [name]: value });
      if (name === "q") this.#loadTexts();
    });
    part("find").addEventListener("submit", (event) => event.preventDefault());
    part("chips").addEventListener("click", (event) => {
      const chip = event.target.closest("button");
      if (chip) this.#change({ flag: chip.value === this.view.flag ? "" : chip.value });
    });
    part("clear").addEventListener("click", () => {
      this.#change(Object.fromEntries(FILTERS.map((name) => [name, ""])));
      part("q").focus();
    });
    part("load").addEventListener("click", () => this.#loadTexts(true));
    part("back").addEventListener("click", () => this.#close());
    part("previous").addEventListener("click", () => this.#step(-1));
    part("next").addEventListener("click", () => this.#step(1));
    addEventListener("keydown", (event) => this.#key(event));
    addEventListener("hashchange", () => this.#follow());
    addEventListener("popstate", () => this.#follow());
  }

  // What the address says, without the choices that this page does not have.
  #view() {
    const view = { ...EMPTY_VIEW };
    for (const [name, value] of new URLSearchParams(location.hash.slice(1))) {
      if (!Object.hasOwn(view, name)) continue;
      const options = FILTERS.includes(name) && part(name).options;
      view[name] = !options ? value
        : [...options].find((option) => wellFormed(option.value) === value)?.value ?? "";
    }
    for (const [name, value] of Object.entries(this.defaults)) view[name] ||= value;
    return view;
  }

  /** The address of the present view with some of it changed. */
  #address(change) {
    const entries = Object.entries({ ...this.view, ...change });
    const kept = entries.filter(([name, value]) => value && value !== this.defaults[name]);
    return `#${kept.map(([name, value]) => `${name}=${encodeURIComponent(wellFormed(value))}`).join("&")}`;
  }

  // The check that found most, else the first.
  #defaultBy() {
    const { scores } = this.table.index;
    const checks = scores.filter(({ kind }) => kind === "check");
    const found = checks.map(({ of }) => this.table.flagsBy(of));
    return (checks[found.indexOf(Math.max(...found))] ?? scores[0])?.key ?? "";
  }

  #change(change) {
    history.replaceState(null, "", this.#address(change));
    this.#follow();
  }

  #open(i) {
    const id = this.table.index.articles.id[i];
    const plain = wellFormed(id) === id && id !== "";
    location.hash = this.#address({ article: wellFormed(id), n: plain ? "" : String(i), diff: this.view.diff });
  }

  #close() {
    location.hash = this.#address({ article: "", n: "" });
  }

  #step(by) {
    const next = this.list.found[this.list.found.indexOf(this.at) + by];
    if (next !== undefined) this.#open(next);
  }

  // Show what the address asks for.
  #follow() {
    if (this.hash === location.hash) return; // two events tell of one step back
    this.hash = location.hash;
    const before = this.view;
    if (before && location.hash.length > 1 && !location.hash.includes("=")) return; // a place on the page
    this.view = this.#view();
    if (!before || FILTERS.some((name) => before[name] !== this.view[name])) this.#filter();
    const opened = this.view.article !== "" || this.view.n !== "";
    part("browse").hidden = opened;
    part("reading").hidden = !opened;
    if (opened) this.#read(before);
    else if (before?.article || before?.n) this.#returned();
  }

  #filter() {
    const { view } = this;
    for (const name of FILTERS) {
      const control = part(name);
      if (control.type === "checkbox") control.checked = view[name] === "1";
      else if (control.value !== view[name]) control.value = view[name];
    }
    this.#drawChips();
    part("vs").closest("label").hidden = view.sort !== "gap" || this.table.systems.length < 2;
    const found = this.table.select(view);
    this.list.show(found, view);
    const all = plural(this.table.size, "article");
    const some = found.length === this.table.size ? all : `${count.format(found.length)} of ${all}`;
    part("count").textContent = found.length ? some : this.#noneFits(all);
    part("clear").hidden = !FILTERS.some((name) => view[name] && view[name] !== this.defaults[name]);
    this.#drawPlace();
  }

  // A chip for each choice that some article meets: the kinds of likely errors, the most frequent first.
  #drawChips() {
    const { view, table } = this;
    const focused = part("chips").contains(document.activeElement) ? document.activeElement.value : null;
    const counted = table.flagChoices(view);
    const label = new Map([...part("flag").options].map(({ value, textContent }) => [value, textContent]));
    if (view.system) label.set(NO_FLAG, "no likely error");
    part("chips").hidden = counted.length < 2;
    part("chips").replaceChildren(said("span", "hint", "Articles with"), ...counted.map(([value, n]) => {
      const chip = make("button", {
        type: "button", class: `chip k-${table.looks.get(value) ?? "other"}`, "aria-pressed": String(view.flag === value),
      }, said("bdi", "", clipped(visible(label.get(value) ?? value), 40)), make("span", { class: "n" }, count.format(n)));
      chip.value = value;
      return chip;
    }));
    if (focused !== null) [...part("chips").children].find(({ value }) => value === focused)?.focus();
  }

  #noneFits(all) {
    const unsearched = this.view.q && !part("load").hidden;
    return unsearched ? `None of ${all} fits by id or title; their texts were not searched.`
      : `None of ${all} fits. Clear the search and filters to see them.`;
  }

  async #read(before) {
    const view = this.view;
    const same = before?.article === view.article && before?.n === view.n;
    const i = this.table.find(view.article, view.n === "" ? undefined : Number(view.n));
    part("missing").hidden = i >= 0;
    part("opened").hidden = i < 0;
    if (i < 0) {
      part("missing").textContent = `This page does not have the article “${clipped(visible(view.article), 200)}”.`;
      this.at = undefined;
      this.#drawPlace();
      return;
    }
    const { chunk, at } = this.table.index.articles;
    this.at = i;
    this.#drawPlace();
    try {
      const articles = await chunkOf(chunk[i]);
      this.table.learn(chunk[i], articles);
      if (this.view !== view) return; // another was asked for meanwhile
      this.reading.show(i, articles[at[i]], view);
      part("opened").dataset.at = i;
    } catch (error) {
      part("opened").hidden = true;
      part("missing").hidden = false;
      part("missing").textContent = `The text could not be read: ${visible(error.message)}.`;
      return;
    }
    if (same) return;
    part("reading").scrollIntoView({ block: "start", behavior: "instant" });
    part("title").focus({ preventScroll: true });
  }

  #returned() {
    part("find").scrollIntoView({ block: "nearest", behavior: "instant" });
    this.list.reveal(this.at);
    part("list").focus({ preventScroll: true });
  }

  #drawPlace() {
    const place = this.list.found.indexOf(this.at);
    part("place").textContent = place < 0 ? "" : `${count.format(place + 1)} of ${count.format(this.list.found.length)}`;
    part("previous").disabled = place <= 0;
    part("next").disabled = place < 0 ? !this.list.found.length : place + 1 >= this.list.found.length;
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || part("reading").hidden) return;
    const steps = { j: 1, n: 1, k: -1, p: -1 };
    if (event.key === "Escape") {
      if (!part("reading").contains(event.target) && event.target !== document.body) return;
      if (!this.reading.dismiss()) this.#close();
    } else if (event.target.matches("select, input, textarea")) return;
    else if (event.key in steps) this.#step(steps[event.key]);
    else return;
    event.preventDefault();
  }

  // The text of all chunks, so that it can be searched: at once where the page holds them, on
  // request where they lie in files.
  async #loadTexts(files = false) {
    if (this.loading) return;
    const numbers = [...new Set(this.table.index.articles.chunk)];
    const there = numbers.filter((number) => files || block(`chunk-${number}`));
    part("load").hidden = files || there.length === numbers.length;
    this.loading = true;
    for (const number of there) {
      try {
        this.table.learn(number, await chunkOf(number));
      } catch (error) {
        part("count").textContent = `The text could not be read: ${visible(error.message)}.`;
        this.loading = false;
        return;
      }
      await new Promise((resolve) => { setTimeout(resolve); }); // the keyboard goes first
    }
    this.loading = files || there.length === numbers.length;
    if (this.view.q) this.#filter();
  }
}

// A place on the page has moved since the browser found it: what is above it was not there yet.
function land(hash) {
  let name = hash.slice(1);
  try {
    name = decodeURIComponent(name);
  } catch {
    // A sign of per cent that encodes nothing stands for itself.
  }
  const target = name && document.getElementById(name);
  if (target) target.scrollIntoView({ behavior: "instant" });
}

async function begin() {
  const packed = block("index");
  if (!packed || !part("browse")) return;
  const index = await unpacked(packed.textContent);
  document.getElementById("explorer").hidden = false;
  globalThis.evalharnessReady = new Explorer(index) && true;
  if (!location.hash.includes("=")) land(location.hash);
}

begin();
