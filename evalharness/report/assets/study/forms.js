// The forms of the four protocols. Each draws itself from an answer and changes that answer.

/** A choice of one: a field set of radio buttons. */
function choice(name, legend, options, value, chosen, hint = "") {
  const box = make("fieldset", { "data-name": name }, make("legend", {}, legend));
  if (hint) box.append(make("p", {}, hint));
  box.append(make("div", { class: "options" }, ...options.map(([key, label]) => {
    const input = make("input", { type: "radio", name });
    input.value = key;
    input.checked = key === String(value ?? "");
    input.addEventListener("change", () => chosen(key));
    return make("label", {}, input, make("span", {}, label));
  })));
  return box;
}

function noteField(label, value, typed) {
  const area = make("textarea", { maxlength: 2_000, dir: "auto" });
  area.value = value ?? "";
  area.addEventListener("input", () => typed(area.value));
  return make("label", { class: "note-field" }, label, area);
}

function summaryBox(heading, ...children) {
  return make("div", { class: "summary-box" }, make("h4", {}, heading), ...children);
}

/** Pick an option of a field set as a click does; false where it is not there. */
function pick(fieldset, value) {
  const input = [...fieldset?.querySelectorAll("input") ?? []].find((each) => each.value === value);
  if (!input) return false;
  input.checked = true;
  input.focus();
  input.dispatchEvent(new Event("change", { bubbles: true }));
  return true;
}

/** What all forms have: the study around them, and the answer. */
class Form {
  constructor(around, item, answer) {
    Object.assign(this, around, { item, answer });
  }

  changed() {
    this.onChange();
  }

  /** Show which field set the keys of one letter are for. */
  markCurrent(fieldset) {
    for (const each of this.box.querySelectorAll("fieldset.current")) each.classList.remove("current");
    fieldset?.classList.add("current");
    this.current = fieldset ?? null;
  }

  followFocus() {
    this.box.addEventListener("focusin", (event) => {
      const fieldset = event.target.closest("fieldset");
      if (fieldset) this.focused(fieldset);
    });
  }

  focused(fieldset) {
    this.markCurrent(fieldset);
  }

  /** The first field set that has no answer; null where all have. */
  firstMissing() {
    return [...this.box.querySelectorAll("fieldset[data-name]")]
      .find((each) => !each.querySelector("input:checked")) ?? null;
  }

  key() {
    return false;
  }
}

class FlagsForm extends Form {
  static keys = [["a", "The current flag is right: it is an error"], ["r", "Nothing is wrong there"],
    ["u", "Not sure"], ["y, n", "The whole summary: true to the article, or not"]];

  draw(box) {
    this.box = box;
    this.answer.verdicts ??= {};
    this.text = flaggedText(this.item.texts[0], this.item.flags, this.looks);
    const flags = this.item.flags.map(([start, end, kind, message], n) => {
      const words = clipped(visible(this.item.texts[0].slice(start, end)), 80);
      return choice(`flag-${n}`, `${n + 1}. “${words}”`,
        [["error", "An error"], ["fine", "Nothing wrong"], ["unsure", "Not sure"]],
        this.answer.verdicts[n], (value) => this.#judge(n, value),
        `${visible(kind)}: ${clipped(visible(message), 300)}`);
    });
    box.replaceChildren(summaryBox("Summary", this.text), ...flags,
      choice("label", "Is the summary as a whole true to the article?",
        [["yes", "Yes"], ["no", "No"], ["unsure", "Not sure"]], this.answer.label,
        (value) => { this.answer.label = value; this.changed(); }),
      noteField("Remark", this.answer.note, (note) => { this.answer.note = note; this.changed(); }));
    this.text.addEventListener("click", (event) => {
      const flag = event.target.closest(".flag");
      if (flag) this.#go(box.querySelector(`[data-name="flag-${flag.dataset.flags.split(" ")[0]}"]`));
    });
    this.followFocus();
    this.focused(this.firstMissing() ?? box.querySelector("fieldset"));
  }

  #judge(n, value) {
    this.answer.verdicts[n] = value;
    this.changed();
  }

  #go(fieldset) {
    (fieldset?.querySelector("input:checked") ?? fieldset?.querySelector("input"))?.focus();
  }

  focused(fieldset) {
    this.markCurrent(fieldset);
    const n = fieldset.dataset.name?.startsWith("flag-") ? Number(fieldset.dataset.name.slice(5)) : -1;
    for (const each of this.text.querySelectorAll(".flag")) {
      each.classList.toggle("current", each.dataset.flags.split(" ").includes(String(n)));
    }
    lightUp(this.pane, this.item.article, this.item.flags[n]?.[4] ?? []);
  }

  key(key) {
    const label = this.box.querySelector('[data-name="label"]');
    if (key === "y" || key === "n") return pick(label, key === "y" ? "yes" : "no");
    const value = { a: "error", r: "fine", u: "unsure" }[key];
    if (!value || !pick(this.current, value)) return false;
    this.#go(this.firstMissing() ?? this.current);
    return true;
  }
}

class RatingsForm extends Form {
  static keys = [["1 – 5", "Rate the current question, and go on to the next"]];

  draw(box) {
    this.box = box;
    this.answer.ratings ??= {};
    box.replaceChildren(
      summaryBox("Summary", said("p", "summary", this.item.texts[0])),
      ...this.dimensions.map(([name, question]) => {
        const field = choice(`rate-${name}`, visible(name), [1, 2, 3, 4, 5].map((n) => [String(n), String(n)]),
          this.answer.ratings[name], (value) => { this.answer.ratings[name] = Number(value); this.changed(); },
          visible(question));
        field.append(make("p", { class: "ends", "aria-hidden": "true" },
          make("span", {}, "1 very poor"), make("span", {}, "5 very good")));
        return field;
      }),
      noteField("Remark", this.answer.note, (note) => { this.answer.note = note; this.changed(); }));
    this.followFocus();
    this.markCurrent(this.firstMissing() ?? box.querySelector("fieldset"));
  }

  key(key) {
    if (!/^[1-5]$/.test(key) || !pick(this.current, key)) return false;
    const next = this.firstMissing();
    if (next) next.querySelector("input").focus();
    return true;
  }
}

class PairsForm extends Form {
  static keys = [["a, b", "Summary A, or B, is better"], ["t", "Neither is better"]];

  draw(box) {
    this.box = box;
    box.replaceChildren(
      make("div", { class: "pairs" }, ...this.item.texts.map((text, n) =>
        summaryBox(`Summary ${"AB"[n]}`, said("p", "summary", text)))),
      choice("preferred", "Which summary is better?",
        [["a", "A is better"], ["tie", "Neither is better"], ["b", "B is better"]],
        this.answer.preferred, (value) => { this.answer.preferred = value; this.changed(); }),
      noteField("Why? (not required)", this.answer.reason, (reason) => {
        this.answer.reason = reason;
        this.changed();
      }));
    this.followFocus();
    this.markCurrent(box.querySelector("fieldset"));
  }

  key(key) {
    const value = { a: "a", b: "b", t: "tie" }[key];
    return value ? pick(this.current ?? this.box.querySelector("fieldset"), value) : false;
  }
}

class SpansForm extends Form {
  static keys = [["← →", "In the summary: from word to word; with Shift, choose several"],
    ["Enter", "In the summary: mark what is chosen; in the article: take the sentence as evidence"],
    ["Delete", "In the summary: remove the mark at this word"],
    ["m", "Go to the summary"], ["e", "Choose evidence for the last mark"], ["c", "Nothing (else) is wrong"]];

  draw(box) {
    this.box = box;
    this.answer.spans ??= [];
    this.tokens = tokensOf(this.item.texts[0]);
    this.cursor = this.anchor = 0;
    this.picking = -1;
    this.summary = make("p", { class: "summary", id: "study-summary", tabindex: 0, dir: "auto", role: "group",
      "aria-label": `Summary: ${clipped(visible(this.item.texts[0]), 2_000)}`, "aria-describedby": "study-how" });
    this.markButton = make("button", { type: "button", id: "study-mark" }, "Mark the chosen words");
    this.markButton.addEventListener("click", () => this.#mark());
    this.list = make("div", { id: "study-marks" });
    const clean = make("input", { type: "checkbox", id: "study-clean" });
    clean.checked = Boolean(this.answer.clean);
    clean.addEventListener("change", () => { this.answer.clean = clean.checked; this.changed(); });
    box.replaceChildren(
      summaryBox("Summary", this.summary,
        make("p", { class: "hint", id: "study-how" },
          "Drag over the wrong words; by finger, choose them and press the button. By keyboard: arrow keys, "
          + "Shift to choose several, Enter to mark."),
        make("div", { class: "row" }, this.markButton)),
      this.list,
      make("label", { class: "tick" }, clean, "I have read it all, and nothing (else) is wrong"),
      noteField("Remark", this.answer.note, (note) => { this.answer.note = note; this.changed(); }));
    this.#drawSummary();
    this.#drawMarks();
    this.#listen();
  }

  firstMissing() {
    return this.answer.spans.length || this.answer.clean ? null : this.summary;
  }

  #chosen() {
    const [from, to] = [this.anchor, this.cursor].sort((a, b) => a - b);
    return this.tokens.length ? [this.tokens[from][0], this.tokens[to][1]] : null;
  }

  #drawSummary() {
    const text = this.item.texts[0];
    const chosen = this.#chosen();
    const cuts = sortedUnique([...this.tokens.flat(), ...this.answer.spans.flatMap(({ start, end }) => [start, end])]);
    const several = this.anchor !== this.cursor;
    const at = this.tokens[this.cursor];
    this.summary.replaceChildren(...pieces(0, text.length, cuts).map(([from, to]) => {
      const mark = this.answer.spans.findIndex(({ start, end }) => start < to && end > from);
      const classes = ["token"];
      if (mark >= 0) classes.push("mark");
      if (several && from >= chosen[0] && to <= chosen[1]) classes.push("chosen");
      if (at && from >= at[0] && to <= at[1]) classes.push("cursor");
      return make("span", { class: classes.join(" "), "data-mark": mark >= 0 ? mark : null }, visible(text.slice(from, to)));
    }));
  }

  #drawMarks() {
    const text = this.item.texts[0];
    this.list.replaceChildren(...this.answer.spans.map((mark, n) => {
      const words = clipped(visible(text.slice(mark.start, mark.end)), 80);
      const kind = make("select", { "aria-label": `Kind of error ${n + 1}` });
      fillSelect(kind, [...this.kinds.map(([name, meaning]) => [name, `${name}: ${meaning}`]), ["other", "other"]]);
      kind.value = mark.kind;
      kind.addEventListener("change", () => { mark.kind = kind.value; this.changed(); });
      const evidence = make("button", { type: "button", class: "evidence", "aria-pressed": String(this.picking === n) },
        this.#evidenceLabel(mark));
      evidence.addEventListener("click", () => this.#pickFor(this.picking === n ? -1 : n));
      const remove = make("button", { type: "button", class: "remove" }, "Remove");
      remove.addEventListener("click", () => this.#remove(n));
      const field = choice(`mark-${n}`, `Error ${n + 1}: “${words}”`, [["minor", "minor"], ["major", "major"]],
        mark.severity, (value) => { mark.severity = value; this.changed(); });
      field.append(make("div", { class: "row" }, kind, evidence, remove));
      field.addEventListener("focusin", () => {
        lightUp(this.pane, this.item.article, mark.evidence.map((s) => this.item.article.sentences[s]));
      });
      return field;
    }));
  }

  #evidenceLabel({ evidence }) {
    return evidence.length ? `Evidence: ${plural(evidence.length, "sentence")}` : "Show it in the article";
  }

  #mark(span = this.#chosen()) {
    if (!span) return;
    this.answer.spans.push({ start: span[0], end: span[1], kind: "other", severity: "major", evidence: [] });
    this.answer.spans.sort((a, b) => a.start - b.start || a.end - b.end);
    this.anchor = this.cursor;
    this.picking = -1;
    this.#redraw();
    this.tell(`Marked: ${this.item.texts[0].slice(...span)}`);
  }

  #remove(n) {
    this.answer.spans.splice(n, 1);
    this.#pickFor(-1);
    this.#redraw();
    this.summary.focus();
  }

  #redraw() {
    this.#drawSummary();
    this.#drawMarks();
    this.changed();
  }

  // Sentences of the article can be chosen as evidence while a mark waits for it.
  #pickFor(n) {
    this.picking = n;
    this.pane.classList.toggle("picking", n >= 0);
    this.#drawMarks();
    if (n < 0) {
      this.pane.setAttribute("aria-label", "Article");
      return;
    }
    this.at = this.answer.spans[n].evidence[0] ?? 0;
    this.pane.setAttribute("aria-label", "Article: arrow keys go from sentence to sentence, Enter takes one, Escape ends");
    this.pane.focus();
    this.#showSentence();
  }

  #showSentence() {
    const { evidence } = this.answer.spans[this.picking];
    const spans = [...evidence, this.at].map((n) => this.item.article.sentences[n]).filter(Boolean);
    lightUp(this.pane, this.item.article, spans, false);
    this.pane.querySelector(`[data-n="${this.at}"]`)?.scrollIntoView({ block: "nearest" });
    const [start, end] = this.item.article.sentences[this.at] ?? [0, 0];
    this.tell(this.item.article.text.slice(start, end));
  }

  #take(n) {
    const mark = this.answer.spans[this.picking];
    const at = mark.evidence.indexOf(n);
    if (at >= 0) mark.evidence.splice(at, 1);
    else mark.evidence.push(n);
    mark.evidence.sort((a, b) => a - b);
    const picked = this.picking;
    this.#drawMarks();
    this.changed();
    lightUp(this.pane, this.item.article, mark.evidence.map((s) => this.item.article.sentences[s]), false);
    this.tell(this.#evidenceLabel(this.answer.spans[picked]));
  }

  #listen() {
    this.summary.addEventListener("keydown", (event) => this.#keyInSummary(event));
    this.summary.addEventListener("pointerup", (event) => {
      // A finger chooses with the handles of its system; the button marks.
      setTimeout(() => this.#selected(event.pointerType === "mouse"));
    });
    document.addEventListener("selectionchange", this.selection = () => this.#remember());
    this.summary.addEventListener("click", (event) => {
      const mark = event.target.closest("[data-mark]");
      if (mark && getSelection().isCollapsed) this.list.children[mark.dataset.mark]?.querySelector("input").focus();
    });
    this.pane.onclick = (event) => {
      const sentence = event.target.closest(".sentence");
      if (sentence && this.picking >= 0) this.#take(Number(sentence.dataset.n));
    };
    this.pane.onkeydown = (event) => this.#keyInArticle(event);
  }

  leave() {
    document.removeEventListener("selectionchange", this.selection);
    this.pane.onclick = this.pane.onkeydown = null;
    this.pane.classList.remove("picking");
    this.pane.setAttribute("aria-label", "Article");
  }

  /** The words that the browser's selection has something of, as a span; null for none. */
  #selection() {
    const selection = getSelection();
    if (!selection.rangeCount || selection.isCollapsed) return null;
    const range = selection.getRangeAt(0);
    const from = offsetIn(this.summary, range.startContainer, range.startOffset);
    const to = offsetIn(this.summary, range.endContainer, range.endOffset);
    if (from === null || to === null) return null;
    const inside = this.tokens.filter(([start, end]) => start < to && end > from);
    return inside.length ? [this.tokens.indexOf(inside[0]), this.tokens.indexOf(inside.at(-1))] : null;
  }

  #remember() {
    const chosen = this.#selection();
    if (chosen) [this.anchor, this.cursor] = chosen;
  }

  #selected(mark) {
    const chosen = this.#selection();
    if (!chosen) return;
    [this.anchor, this.cursor] = chosen;
    if (!mark) return;
    getSelection().removeAllRanges();
    this.#mark();
  }

  #keyInSummary(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || !this.tokens.length) return;
    const last = this.tokens.length - 1;
    const turned = getComputedStyle(this.summary).direction === "rtl";
    const steps = { ArrowLeft: turned ? 1 : -1, ArrowRight: turned ? -1 : 1, Home: -last, End: last };
    if (event.key in steps) {
      this.cursor = Math.min(Math.max(this.cursor + steps[event.key], 0), last);
      if (!event.shiftKey) this.anchor = this.cursor;
      this.#drawSummary();
      this.tell(this.item.texts[0].slice(...this.#chosen()));
    } else if (event.key === "Enter") this.#mark();
    else if (event.key === "Delete" || event.key === "Backspace") {
      const [start, end] = this.tokens[this.cursor];
      const n = this.answer.spans.findIndex((mark) => mark.start < end && mark.end > start);
      if (n >= 0) this.#remove(n);
    } else if (event.key === "Escape") {
      this.anchor = this.cursor;
      this.#drawSummary();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  #keyInArticle(event) {
    if (this.picking < 0) return;
    const last = this.item.article.sentences.length - 1;
    const steps = { ArrowUp: -1, ArrowDown: 1, ArrowLeft: -1, ArrowRight: 1, Home: -last, End: last };
    if (event.key in steps) {
      this.at = Math.min(Math.max(this.at + steps[event.key], 0), last);
      this.#showSentence();
    } else if (event.key === "Enter" || event.key === " ") this.#take(this.at);
    else if (event.key === "Escape") {
      const n = this.picking;
      this.#pickFor(-1);
      this.list.children[n]?.querySelector(".evidence").focus();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  key(key) {
    if (key === "m") this.summary.focus();
    else if (key === "e" && this.answer.spans.length) this.#pickFor(this.answer.spans.length - 1);
    else if (key === "c") document.getElementById("study-clean").click();
    else return false;
    return true;
  }
}

const FORMS = { flags: FlagsForm, ratings: RatingsForm, pairs: PairsForm, spans: SpansForm };
