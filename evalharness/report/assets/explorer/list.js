// The list of articles: a listbox whose rows exist only while they are in sight.

const OVERSCAN = 6;

class ArticleList {
  /** `open` is called with the position of the article that was chosen. */
  constructor(table, box, head, open) {
    Object.assign(this, { table, box, head, open });
    this.found = [];
    this.active = 0; // index in `found`
    this.rows = make("div", { class: "rows", role: "presentation" });
    box.append(this.rows);
    box.addEventListener("scroll", () => this.#draw());
    box.addEventListener("keydown", (event) => this.#key(event));
    box.addEventListener("click", (event) => this.#click(event));
    new ResizeObserver(() => this.#draw(true)).observe(box);
  }

  /** Show the articles found; `by` is the key of the score that is shown beside them. */
  show(found, view) {
    this.found = found;
    this.view = view;
    const chosen = this.table.systems.indexOf(view.system);
    this.columns = chosen < 0
      ? this.table.systems.map((_, s) => s).slice(0, this.box.clientWidth < 640 ? 4 : 8) : [chosen];
    for (const each of [this.box, this.head]) each.classList.toggle("few", this.columns.length <= 3);
    this.#drawHead();
    this.box.hidden = this.head.hidden = found.length === 0;
    this.rows.style.height = `${found.length * this.#rowHeight()}px`;
    this.box.scrollTop = 0;
    this.active = 0;
    this.#draw(true);
  }

  /** Make an article the active row, in sight. */
  reveal(position) {
    const at = this.found.indexOf(position);
    if (at >= 0) this.#activate(at);
  }

  #rowHeight() {
    return parseFloat(getComputedStyle(this.box).getPropertyValue("--row")) || 56;
  }

  #drawHead() {
    const score = this.table.index.scores.find(({ key }) => key === this.view.by);
    const names = this.columns.map((s) =>
      make("span", { class: `cell s${s % 8}`, title: this.table.systems[s] },
        said("bdi", "", this.table.systems[s])));
    const all = this.table.systems.length;
    const some = !this.view.system && this.columns.length < all
      ? `; ${this.columns.length} of ${all} systems, choose one above` : "";
    const label = score ? `${score.label}${score.percent ? ", × 100" : ""}${some}` : "";
    this.head.replaceChildren(said("span", "shown-score", label), make("span", { class: "cells" }, ...names));
  }

  #draw(anew = false) {
    const height = this.#rowHeight();
    const from = Math.max(Math.floor(this.box.scrollTop / height) - OVERSCAN, 0);
    const sight = Math.ceil((this.box.clientHeight || 600) / height);
    const to = Math.min(from + sight + 2 * OVERSCAN, this.found.length);
    if (!anew && from === this.from && to === this.to) return;
    Object.assign(this, { from, to });
    const rows = [];
    for (let at = from; at < to; at += 1) rows.push(this.#row(at, height));
    this.rows.replaceChildren(...rows);
    const inSight = this.active >= from && this.active < to;
    if (inSight) this.box.setAttribute("aria-activedescendant", `row-${this.active}`);
    else this.box.removeAttribute("aria-activedescendant");
  }

  #row(at, height) {
    const i = this.found[at];
    const { table } = this;
    const active = at === this.active;
    const row = make("div", {
      class: active ? "row active" : "row", id: `row-${at}`, role: "option",
      "aria-selected": String(active), "aria-setsize": this.found.length, "aria-posinset": at + 1,
    }, said("span", "title", clipped(table.line(i), 200)), this.#about(i),
    make("span", { class: "cells" }, ...this.columns.map((s) => this.#cell(s, i))));
    row.style.transform = `translateY(${at * height}px)`;
    return row;
  }

  #about(i) {
    const { table } = this;
    const { articles, sources } = table.index;
    const about = make("span", { class: "about" });
    const source = sources[articles.source[i]];
    if (table.line(i) !== table.title(i) || articles.title?.[i]) about.append(said("bdi", "id", clipped(articles.id[i], 60)));
    if (source) about.append(said("bdi", "source", clipped(source, 40)));
    about.append(make("span", {}, plural(articles.words[i] ?? 0, "word")));
    return about;
  }

  #cell(s, i) {
    const value = this.table.value(this.view.by, s, i);
    const score = this.table.index.scores.find(({ key }) => key === this.view.by);
    const errors = this.table.errorCount(s, i);
    const mark = errors
      ? make("span", { class: "flagged" }, "⚑", make("span", { class: "n" }, String(errors)),
        make("span", { class: "hush" }, errors === 1 ? " likely error" : " likely errors")) : null;
    return make("span", { class: "cell", "data-heat": Math.min(errors, 4) || null },
      make("span", { class: "hush" }, `${clipped(visible(this.table.systems[s]), 40)}: `),
      make("span", { class: "value" }, figure(value, score)), mark);
  }

  #activate(at) {
    this.active = Math.min(Math.max(at, 0), this.found.length - 1);
    const height = this.#rowHeight();
    const top = this.active * height;
    if (top < this.box.scrollTop) this.box.scrollTop = top;
    const under = top + height - this.box.clientHeight;
    if (under > this.box.scrollTop) this.box.scrollTop = under;
    this.#draw(true);
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || !this.found.length) return;
    const page = Math.max(Math.floor(this.box.clientHeight / this.#rowHeight()) - 1, 1);
    const steps = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1, PageDown: page, PageUp: -page,
      Home: -Infinity, End: Infinity };
    if (event.key === "Enter" || event.key === " ") this.open(this.found[this.active]);
    else if (event.key in steps) this.#activate(this.active + steps[event.key]);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  // By the place where the row was drawn anew since the button went down.
  #click(event) {
    const row = event.target.closest(".row");
    const down = event.clientY - this.rows.getBoundingClientRect().top;
    const at = row ? Number(row.id.slice("row-".length)) : Math.floor(down / this.#rowHeight());
    if (at < 0 || at >= this.found.length) return;
    this.active = at;
    this.open(this.found[at]);
  }
}

/** A score as tables have it, rounded as there: a share times 100; a dash where there is none. */
function figure(value, score) {
  if (value === null || value === undefined) return "–";
  const shown = score?.percent ? value * 100 : value;
  const goesDown = (Math.abs(shown) * 4) % 4 === 1; // x.25 is a tie: Python's goes to the even digit
  return (goesDown ? shown - Math.sign(shown) * 0.01 : shown).toFixed(1);
}
