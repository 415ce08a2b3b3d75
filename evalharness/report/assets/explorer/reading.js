// One article: its text, the summaries beside it, and what joins them.

class Reading {
  /** `table` is the index, `parts` the elements of the view by name. */
  constructor(table, parts, change) {
    Object.assign(this, { table, parts, change });
    this.pane = new ArticlePane(parts.pane, parts.paneNote);
    this.tip = new Tip(parts.tip);
    this.pinned = null;
    this.#listen();
  }

  show(i, article, view) {
    Object.assign(this, { i, view, article: { ...article, text: visible(article.text) } });
    this.pinned = null;
    this.tip.hide();
    const { articles, sources } = this.table.index;
    this.parts.title.replaceChildren(said("bdi", "", clipped(this.table.title(i), 300)));
    const source = sources[articles.source[i]];
    this.parts.about.replaceChildren(
      ...(articles.title?.[i] ? [said("bdi", "id", clipped(articles.id[i], 120))] : []),
      ...(source ? [said("bdi", "source", clipped(source, 60))] : []),
      make("span", {}, plural(articles.words[i] ?? 0, "word")));
    this.#fillControls();
    this.checks = view.check && this.#checks().includes(view.check) ? [view.check] : this.#checks();
    this.pane.show(this.article.text, this.#cuts());
    showPage(this.parts.page, article.page, article.profile);
    this.#read(this.#firstReader());
    this.parts.cards.replaceChildren(
      ...this.#order().map((s) => this.#card(s)), ...this.#references());
    this.#markReader();
    this.#drawChanges();
    this.#drawDiff();
  }

  #checks() {
    const all = this.table.index.scores.filter(({ kind }) => kind === "check").map(({ of }) => of);
    return [...new Set(all)];
  }

  #label = (check) => this.table.index.scores.find(({ of }) => of === check)?.of ?? check;

  #fillControls() {
    const checks = this.#checks();
    this.parts.check.closest("label").hidden = checks.length < 2;
    fillSelect(this.parts.check, [["", "all"], ...checks.map((check) => [check, this.#label(check)])]);
    this.parts.check.value = checks.includes(this.view.check) ? this.view.check : "";
    const systems = this.table.systems.map((name, s) => [String(s), name]);
    const references = (this.article.references ?? []).map((_, r, all) =>
      [`r${r}`, all.length > 1 ? `reference ${r + 1}` : "the reference"]);
    fillSelect(this.parts.diffOf, systems);
    fillSelect(this.parts.diffTo, [["", "–"], ...references, ...systems]);
    const [of, to] = (this.view.diff || "").split(",");
    this.parts.diffOf.value = systems.some(([s]) => s === of) ? of : "0";
    this.parts.diffTo.value = [...systems, ...references].some(([s]) => s === to) ? to : "";
    this.parts.diffOf.closest("label").hidden = systems.length + references.length < 2;
    this.parts.diffTo.closest("label").hidden = systems.length + references.length < 2;
  }

  // Every offset of the article at which something may begin or end.
  #cuts() {
    const { length } = this.article.text;
    const cuts = [];
    for (const summary of this.article.summaries) {
      if (!summary) continue;
      cuts.push(...this.#gaps(summary).flat());
      for (const check of this.checks) {
        const score = summary.scores?.[check];
        for (const [, , , spans] of score?.sentences ?? []) cuts.push(...(spans ?? []).flat());
        for (const [, , , , spans] of score?.flags ?? []) cuts.push(...(spans ?? []).flat());
        cuts.push(...(score?.left_out ?? []).flat());
      }
    }
    return sortedUnique(cuts.filter((cut) => cut > 0 && cut < length));
  }

  #unread(s) {
    return this.#gaps(this.article.summaries[s]).length > 0;
  }

  // What was not read, from the end of a word on: tokens end in the middle of words.
  #gaps(summary) {
    const { text } = this.article;
    return (summary?.unread ?? []).map(([start, end]) => {
      const rest = /^\S{0,40}(?=\s)/.exec(text.slice(start, end));
      const within = start > 0 && /\S/.test(text[start - 1]);
      return [within && rest ? start + rest[0].length : start, end];
    });
  }

  #firstReader() {
    const chosen = this.table.systems.indexOf(this.view.system);
    if (chosen >= 0 && this.#unread(chosen)) return chosen;
    // One that a limit kept from the end, and not one that takes no more than the beginning.
    const { truncated } = this.table.index.outcomes;
    return this.table.systems.findIndex((_, s) => truncated?.[s]?.[this.i] && this.#unread(s));
  }

  // The chosen system first; else the one by which the article stands where it does in the list.
  #order() {
    const { view, i, table } = this;
    const all = table.systems.map((_, s) => s);
    const chosen = table.systems.indexOf(view.system);
    if (chosen >= 0) return [chosen, ...all.filter((s) => s !== chosen)];
    const weights = {
      low: (s) => table.value(view.by, s, i) ?? Infinity,
      high: (s) => -(table.value(view.by, s, i) ?? -Infinity),
      flags: (s) => -table.flagWeight(s, i),
    };
    const weigh = weights[view.sort] ?? (() => 0);
    return all.sort((a, b) => (weigh(a) === weigh(b) ? a - b : weigh(a) - weigh(b)));
  }

  #read(s) {
    this.reader = s;
    const name = this.table.systems[s] ?? "";
    this.pane.grey(this.#gaps(this.article.summaries[s]), name);
  }

  #card(s) {
    const summary = this.article.summaries[s];
    const name = said("h4", `s${s % 8}`, clipped(this.table.systems[s], 120));
    const card = make("article", { class: "card", "data-system": s });
    if (!summary) {
      card.append(name, make("p", { class: "empty" }, "There is no summary by this system."));
      return card;
    }
    const shown = { ...summary, text: visible(summary.text) };
    const length = this.article.text.length;
    const flags = flagsOf(shown, this.checks, this.table, length);
    card.append(name, this.#facts(s, shown));
    card.append(shown.text.trim()
      ? summaryText(shown, flags, this.checks, this.#label, length)
      : make("p", { class: "empty" }, "The summary is empty."));
    card.append(sayIfCut(shown.text) ?? "");
    if (summary.note) card.append(said("p", "note", clipped(summary.note, 500)));
    if (flags.length) {
      card.append(...flagLists(shown, flags, this.article.text, this.#label, this.checks.length > 1));
    }
    card.append(leftOutList(summary, this.checks, this.article.text));
    card.append(...reasonLists(summary, this.checks, this.#label));
    card.append(this.#scores(s, summary));
    return card;
  }

  #facts(s, summary) {
    const words = this.table.index.outcomes.words?.[s]?.[this.i];
    const facts = make("p", { class: "facts" });
    const add = (text, bad = false) => facts.append(make("span", { class: bad ? "bad" : null }, text));
    if (words != null) add(plural(words, "word"));
    if (summary.tokens != null) add(plural(summary.tokens, "token"));
    const finishes = { length: "cut off at the most tokens", empty: "nothing was written", error: "failed" };
    if (summary.finish && summary.finish !== "stop") add(finishes[summary.finish] ?? visible(summary.finish), true);
    for (const defect of summary.defects ?? []) add(clipped(visible(defect), 80), true);
    for (const check of this.checks) {
      const band = summary.scores?.[check]?.band;
      if (band) facts.append(said("span", "band", `${this.#label(check)}: ${band}`));
    }
    if (this.#unread(s)) {
      const unread = (summary.unread ?? []).reduce((sum, [start, end]) => sum + end - start, 0);
      const share = Math.floor((1 - unread / this.article.text.length) * 100);
      facts.append(make("button", { type: "button", class: "reader", "aria-pressed": "false" },
        `read ${share} % of the article`));
    }
    return facts;
  }

  #scores(s, summary) {
    const list = make("dl", { class: "figures" });
    for (const score of this.table.index.scores) {
      const value = this.table.value(score.key, s, this.i);
      const note = value === null ? summary.scores?.[score.of]?.note : "";
      const said_ = make("dd", {}, figure(value, score));
      if (note) said_.append(said("span", "note", clipped(note, 200)));
      list.append(make("div", {}, said("dt", "", clipped(score.label, 60)), said_));
    }
    return list;
  }

  #references() {
    const all = this.article.references ?? [];
    return all.map((text, n) => make("article", { class: "card reference" },
      make("h4", {}, all.length > 1 ? `Reference ${n + 1}` : "Reference"),
      said("p", "summary-text", text.slice(0, LONGEST_SUMMARY)), sayIfCut(text)));
  }

  // Of two systems: both texts side by side, what only one has marked, and which likely errors are
  // gone and which are new, by their kind and words.
  #drawChanges() {
    const { changes } = this.parts;
    const [before, after] = this.article.summaries;
    changes.hidden = this.table.systems.length !== 2 || !before || !after;
    if (changes.hidden) return;
    const names = this.table.systems.map((name) => clipped(name, 60));
    const { runs, cut } = wordDiff(visible(before.text), visible(after.text));
    const side = (name, tag, mine) => make("div", {}, said("h5", "", name),
      make("p", { class: "summary-text", dir: "auto" }, ...runs.filter(({ kind }) => kind === "same" || kind === mine)
        .map(({ kind, text }) => (kind === "same" ? text : make(tag, {}, text)))));
    const [gone, fresh] = this.#changedErrors(before, after);
    const long = (kind) => runs.reduce((sum, run) => sum + (run.kind === kind ? run.text.length : 0), 0);
    changes.classList.toggle("unlike", long("same") <= Math.max(long("removed"), long("added")) / 2);
    changes.replaceChildren(
      make("h4", {}, "From ", said("bdi", "", names[0]), " to ", said("bdi", "", names[1])),
      make("div", { class: "beside" }, side(names[0], "del", "removed"), side(names[1], "ins", "added")),
      this.#errorList("Likely errors gone", gone), this.#errorList("Likely errors new", fresh),
      cut ? make("p", { class: "note" }, `Only the first ${count.format(MOST_WORDS)} words of each.`) : "");
  }

  #changedErrors(before, after) {
    const [one, other] = [before, after].map((summary) => {
      const text = visible(summary.text);
      const errors = flagsOf({ ...summary, text }, this.checks, this.table, this.article.text.length)
        .filter(({ soft }) => !soft);
      return new Map(errors.map((flag) =>
        [JSON.stringify([flag.kind, text.slice(flag.start, flag.end)]), { ...flag, words: text.slice(flag.start, flag.end) }]));
    });
    const without = (these, those) => [...these].filter(([key]) => !those.has(key)).map(([, flag]) => flag);
    return [without(one, other), without(other, one)];
  }

  #errorList(title, flags) {
    return make("p", { class: "changed" }, make("strong", {}, `${title}: `),
      ...(flags.length ? flags.flatMap((flag, n) => [n ? ", " : "", kindMark(flag), " ", quote("quoted", clipped(flag.words, 80))])
        : ["none"]));
  }

  #drawDiff() {
    const { diffOf, diffTo, diff } = this.parts;
    diff.hidden = diffTo.value === "";
    if (diff.hidden) return;
    const before = this.#textOf(diffTo.value);
    const after = this.#textOf(diffOf.value);
    const { runs, cut } = wordDiff(before, after);
    const tags = { same: "span", removed: "del", added: "ins" };
    const text = make("p", { class: "summary-text", dir: "auto" },
      ...runs.map(({ kind, text: words }) => make(tags[kind], {}, words)));
    const same = runs.every(({ kind }) => kind === "same");
    diff.replaceChildren(
      make("h4", {}, "Word by word: ", make("ins", {}, said("bdi", "", this.#nameOf(diffOf.value))),
        " against ", make("del", {}, said("bdi", "", this.#nameOf(diffTo.value)))),
      same ? make("p", { class: "note" }, "They are the same.") : "", text,
      cut ? make("p", { class: "note" }, `Only the first ${count.format(MOST_WORDS)} words of each.`) : "");
  }

  #textOf(choice) {
    const text = choice.startsWith("r")
      ? this.article.references[Number(choice.slice(1))]
      : this.article.summaries[Number(choice)]?.text;
    return visible(text ?? "");
  }

  #nameOf(choice) {
    if (!choice.startsWith("r")) return clipped(this.table.systems[Number(choice)], 60);
    return this.article.references.length > 1 ? `reference ${Number(choice.slice(1)) + 1}` : "the reference";
  }

  #markReader() {
    for (const button of this.parts.cards.querySelectorAll(".reader")) {
      const on = Number(button.closest(".card").dataset.system) === this.reader;
      button.setAttribute("aria-pressed", String(on));
    }
  }

  #listen() {
    const { cards, check, diffOf, diffTo, tip } = this.parts;
    cards.addEventListener("pointerover", (event) => {
      if (event.pointerType !== "touch") this.#point(meant(event.target), false);
    });
    cards.addEventListener("pointerleave", () => this.#point(null, false));
    tip.addEventListener("pointerenter", () => this.tip.stay());
    tip.addEventListener("pointerleave", () => this.tip.hideSoon());
    cards.addEventListener("focusin", (event) => this.#point(meant(event.target), true));
    cards.addEventListener("click", (event) => {
      const reader = event.target.closest(".reader");
      if (reader) this.#toggleReader(Number(reader.closest(".card").dataset.system));
      else this.#point(meant(event.target), true);
    });
    cards.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      if (event.target.matches(".flag, .sentence")) {
        event.preventDefault();
        this.#point(event.target, true);
      }
    });
    check.addEventListener("change", () => this.change({ check: check.value }));
    const diff = () => this.change({ diff: diffTo.value ? `${diffOf.value},${diffTo.value}` : "" });
    diffOf.addEventListener("change", diff);
    diffTo.addEventListener("change", diff);
    this.parts.summaries.addEventListener("scroll", () => this.tip.follow(), { passive: true });
    addEventListener("scroll", () => this.tip.follow(), { passive: true });
  }

  #toggleReader(s) {
    this.#read(this.reader === s ? -1 : s);
    this.#markReader();
  }

  // Light up what an element stands for. What was focused or clicked stays lit when the pointer goes.
  #point(element, pin) {
    if (pin && element) this.pinned = element;
    const shown = element ?? this.pinned;
    if (shown === this.pointed && !pin) return;
    this.pointed = shown;
    this.parts.cards.querySelector(".pointing")?.classList.remove("pointing");
    const meaning = shown && meanings.get(shown);
    if (!meaning) {
      this.pane.light([]);
      this.tip.hideSoon();
      return;
    }
    shown.classList.add("pointing");
    const evidence = this.#evidence(shown, meaning);
    this.pane.light(evidence);
    const narrow = matchMedia("(max-width: 50rem)").matches;
    const quoted = narrow ? evidence.slice(0, 2).map((span) => this.#sentenceAround(span)) : [];
    if (element && (meaning.flags.length || (narrow && pin))) {
      this.tip.show(shown, meaning.flags, this.#label, narrow ? { quoted, label: meaning.label } : null);
    } else if (!narrow) this.tip.hideSoon();
    if (pin) this.#tell(meaning, evidence);
  }

  #sentenceAround({ start, end }) {
    const [from] = (this.article.sentences ?? []).findLast(([at]) => at <= start) ?? [start];
    const [, to] = (this.article.sentences ?? []).find(([, at]) => at >= end) ?? [start, end];
    return this.article.text.slice(Math.min(from, start), Math.max(to, end));
  }

  // A flag without evidence of its own has its sentence's.
  #evidence(element, meaning) {
    if (meaning.evidence.length || !meaning.flags.length) return meaning.evidence;
    const sentence = element.closest(".sentence");
    return (sentence && meanings.get(sentence)?.evidence) ?? [];
  }

  #tell(meaning, evidence) {
    const quoted = evidence.slice(0, 2).map(({ start, end }) =>
      clipped(this.article.text.slice(start, end), 300));
    this.parts.told.textContent = quoted.length
      ? `${meaning.label}. The article says: ${quoted.join(" … ")}`
      : `${meaning.label}. No passage of the article was found for it.`;
  }

  /** Put out the light and the tip; whether there was any. */
  dismiss() {
    const was = this.pinned !== null || !this.parts.tip.hidden;
    this.pinned = null;
    this.pointed = undefined;
    this.#point(null, false);
    this.tip.hide();
    return was;
  }
}

function meant(target) {
  return target.closest?.(".flag, .sentence, .quotation") ?? null;
}

/** The words on a flag, beside it: what is wrong, and what the article has. */
class Tip {
  constructor(box) {
    this.box = box;
  }

  /** `sheet`: on a phone, the evidence in the article's words, which stands out of sight there. */
  show(element, flags, labels, sheet = null) {
    this.stay();
    this.box.replaceChildren(...flags.slice(0, 6).map((flag) => make("p", {}, kindMark(flag),
      message(flag.message, 300),
      said("span", "by", `(${labels(flag.check)})`))), ...(sheet ? this.#sheet(sheet) : []));
    this.box.classList.toggle("sheet", sheet !== null);
    this.box.hidden = false;
    this.described?.removeAttribute("aria-describedby");
    this.described = element;
    element.setAttribute("aria-describedby", this.box.id);
    this.#place(element);
  }

  #sheet({ quoted, label }) {
    const close = make("button", { type: "button", class: "close", "aria-label": "Close" }, "×");
    close.addEventListener("click", () => this.hide());
    const words = quoted.map((text) => make("blockquote", {},
      make("span", { class: "by" }, "The article: "), quote("quoted", clipped(text.replace(/\s+/g, " ").trim(), 300))));
    return [...(words.length ? words : [make("p", { class: "by" }, `${label}: no passage of the article was found for it.`)]), close];
  }

  #place(element) {
    if (this.box.classList.contains("sheet")) {
      this.box.style.left = this.box.style.top = "";
      return;
    }
    const at = element.getClientRects()[0] ?? element.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = this.box;
    const left = Math.min(Math.max(at.left, 8), document.documentElement.clientWidth - width - 8);
    const below = at.bottom + 6;
    const top = below + height > innerHeight ? at.top - height - 6 : below;
    this.box.style.left = `${Math.max(left, 8)}px`;
    this.box.style.top = `${Math.max(top, 8)}px`;
  }

  /** After scrolling: beside what has the focus still, which may have scrolled the page, else hidden. */
  follow() {
    if (this.box.classList.contains("sheet")) return;
    if (this.box.hidden || document.activeElement !== this.described) this.hide();
    else this.#place(this.described);
  }

  /** Hide it, but leave the time to move the pointer onto it. */
  hideSoon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.hide(), 150);
  }

  stay() {
    clearTimeout(this.timer);
  }

  hide() {
    this.stay();
    if (this.box.hidden) return;
    this.box.hidden = true;
    this.described?.removeAttribute("aria-describedby");
  }
}
