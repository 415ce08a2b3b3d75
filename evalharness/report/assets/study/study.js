// The study: who answers, which item is shown, time, and what is kept.

const part = (name) => document.getElementById(`study-${name}`);
// Seconds without a key, a click or a movement after which the time of an item stands still.
const IDLE = 120;
const KEYS = [["j, k", "Next item, previous item"], ["o", "Next item without an answer"],
  ["s", "Save to a file"]];

class Study {
  constructor(index) {
    Object.assign(this, index);
    this.Form = FORMS[this.protocol];
    this.form = null;
    this.touched = performance.now();
    this.#listen();
    const keys = [...this.Form.keys, ...KEYS];
    part("keys").append(...keys.flatMap(([key, does]) => [make("dt", {}, key), make("dd", {}, does)]));
    part("again").append(...[...part("instructions").children].map((each) => each.cloneNode(true)));
    part("who").hidden = false;
    part("annotator").value = Answers.lastAnnotator(this.study);
    part("keep").hidden = !globalThis.showSaveFilePicker;
  }

  /** Begin, or go on, as an annotator. */
  async begin(annotator) {
    this.answers = new Answers(this.study, annotator);
    // A name may be one that every object knows: constructor.
    const named = Object.hasOwn(this.annotators, annotator);
    this.own = named ? this.annotators[annotator].map((n) => this.items[n]) : this.items;
    if (!this.own.length) {
      this.#warn("There is nothing to answer for you: there are more annotators than items.");
      this.answers = null;
      return;
    }
    if (!this.answers.keep()) this.#warn("This browser keeps nothing: save to a file before you close the page.");
    part("start").hidden = true;
    part("work").hidden = part("nav").hidden = false;
    part("bar").max = this.own.length;
    await this.show(Math.min(this.answers.place, this.own.length - 1));
  }

  #warn(message) {
    part("trouble").hidden = false;
    part("trouble").textContent = message;
    if (!part("start").hidden) return;
    part("work").prepend(part("trouble"));
  }

  /** An item with its texts: article, summaries, flags. */
  async texts(item) {
    const article = (await chunkOf(item.at[0]))[item.at[1]];
    const summaries = item.systems.map((system) => article.summaries[system]);
    if (item.strange) {
      const [chunk, at, system] = item.strange;
      summaries[item.systems.length > 1 ? item.replaced : 0] = (await chunkOf(chunk))[at].summaries[system];
    }
    return { ...item, article, texts: summaries.map(({ text }) => text),
      // Flags of a summary of another article point into that one: they show no evidence here.
      flags: (summaries[0].flags ?? []).map((flag) => (item.strange ? [...flag.slice(0, 4), []] : flag)) };
  }

  async show(place) {
    this.#stopClock();
    this.form?.leave?.();
    this.place = this.answers.place = place;
    const item = await this.texts(this.own[place]);
    const kept = this.answers.of(item.name);
    const { article } = item;
    part("place").textContent = `Item ${place + 1} of ${this.own.length}`;
    part("article-title").textContent = visible(article.title ?? "Article");
    drawArticle(part("article"), article);
    part("previous").disabled = place === 0;
    part("next").disabled = part("on").disabled = place === this.own.length - 1;
    this.form = new this.Form({
      pane: part("article"), looks: this.looks, kinds: this.kinds, dimensions: this.dimensions,
      onChange: () => this.#changed(), tell: (text) => this.tell(text),
    }, item, kept.answer);
    part("form").replaceChildren();
    this.form.draw(part("form"));
    this.#progress();
    this.answers.keep();
    this.begun = performance.now();
    part("place").focus({ preventScroll: true });
    scrollTo({ top: 0, behavior: "instant" });
    document.body.dataset.place = place;
  }

  tell(text) {
    document.getElementById("told").textContent = clipped(visible(text), 500);
  }

  #changed() {
    const item = this.own[this.place];
    const kept = this.answers.of(item.name);
    kept.complete = this.form.firstMissing() === null;
    kept.at = new Date().toISOString();
    this.#stopClock();
    this.#progress();
    if (!this.answers.keep()) this.#warn("This browser could not keep the last answer: save to a file now.");
    this.unsaved = true;
    clearTimeout(this.writing);
    if (this.handle) this.writing = setTimeout(() => this.#writeOn(), 400);
  }

  #progress() {
    const done = this.own.filter(({ name }) => this.answers.isComplete(name)).length;
    part("bar").value = done;
    part("progress").textContent = `${done} of ${this.own.length} answered`;
    part("open").disabled = done === this.own.length;
    part("done").hidden = done < this.own.length;
  }

  // Time counts while the page is seen and somebody is there.
  #stopClock() {
    if (this.begun === undefined || !this.own) return;
    const now = performance.now();
    const end = Math.min(now, this.touched + IDLE * 1000);
    if (!document.hidden && end > this.begun) {
      const kept = this.answers.of(this.own[this.place].name);
      kept.seconds = Math.round(kept.seconds * 1000 + end - this.begun) / 1000;
    }
    this.begun = now;
  }

  async step(by) {
    const place = this.place + by;
    const missing = by > 0 && this.form.firstMissing();
    if (place < 0 || place >= this.own.length) {
      this.tell(missing ? "This item is not answered yet" : by > 0 ? "This is the last item" : "This is the first item");
      return;
    }
    await this.show(place);
    if (missing) this.tell("The item before this one is not answered yet");
  }

  async nextOpen() {
    const order = this.own.map((_, n) => (this.place + 1 + n) % this.own.length);
    const open = order.find((n) => !this.answers.isComplete(this.own[n].name));
    if (open === undefined) this.tell("All items are answered");
    else await this.show(open);
  }

  /** Everything that was answered, a line an item. */
  async lines() {
    this.#stopClock();
    const lines = [];
    for (const each of this.own) {
      const kept = this.answers.byItem.get(each.name);
      if (!kept || !Object.keys(kept.answer).length) continue;
      const item = await this.texts(each);
      const { article, texts, flags } = item;
      const verdicts = verdictsForFile(flags, kept.answer.verdicts, article, texts[0]);
      lines.push(JSON.stringify({
        format: this.format, study: this.study, protocol: this.protocol, item: each.name,
        annotator: this.answers.annotator, complete: kept.complete, seconds: kept.seconds, at: kept.at ?? null,
        article_id: article.id, source: article.source, systems: this.#systemsOf(each), expected: each.expected ?? "",
        answer: answerForFile(this.protocol, { ...kept.answer, verdicts }, article, texts[0]),
        article: article.text, references: article.references ?? [], summaries: texts,
      }));
    }
    return lines.map((line) => `${line}\n`).join("");
  }

  #systemsOf(item) {
    return item.systems.map((system) => this.systems[system]);
  }

  get fileName() {
    const who = this.answers.annotator.replace(/[^\p{L}\p{N}_-]+/gu, "-").slice(0, 40) || "labels";
    return `labels-${who}.jsonl`;
  }

  async save() {
    download(this.fileName, await this.lines());
    this.unsaved = false;
    this.tell(`Saved as ${this.fileName}`);
  }

  async keepFile() {
    try {
      this.handle = await showSaveFilePicker({ suggestedName: this.fileName });
      await this.#writeOn();
    } catch {
      this.tell("No file was chosen");
    }
  }

  async #writeOn() {
    try {
      const stream = await this.handle.createWritable();
      await stream.write(await this.lines());
      await stream.close();
      this.unsaved = false;
      part("keep").setAttribute("aria-pressed", "true");
    } catch (error) {
      this.handle = null;
      part("keep").setAttribute("aria-pressed", "false");
      this.#warn(`The file could not be written (${visible(error.message)}): save again.`);
    }
  }

  /** Take in answers that were saved to a file, of this study. */
  async load(file) {
    const rows = (await file.text()).split("\n").filter((line) => line.trim());
    const byName = new Map(this.items.map((item) => [item.name, item]));
    let annotator = "";
    let n = 0;
    let answers = null;
    for (const line of rows) {
      let row;
      try {
        row = JSON.parse(line);
      } catch {
        continue;
      }
      const item = byName.get(row?.item);
      if (row?.study !== this.study || !item || (annotator && row.annotator !== annotator)) continue;
      annotator = String(row.annotator);
      answers ??= new Answers(this.study, annotator);
      const { article, texts, flags } = await this.texts(item);
      Object.assign(answers.of(row.item), { complete: row.complete === true, seconds: Number(row.seconds) || 0,
        at: String(row.at ?? ""), answer: answerFromFile(this.protocol, row.answer, article, texts[0], flags) });
      n += 1;
    }
    if (!answers) {
      this.#warn("The file has no answers to this study.");
      return;
    }
    answers.keep();
    part("annotator").value = annotator;
    this.tell(`${plural(n, "answer")} of ${annotator}`);
    await this.begin(annotator);
  }

  #listen() {
    const on = (name, does) => part(name).addEventListener("click", does);
    part("who").addEventListener("submit", (event) => {
      event.preventDefault();
      const name = part("annotator").value.trim();
      if (name) this.begin(name);
    });
    part("load").addEventListener("change", (event) => event.target.files[0] && this.load(event.target.files[0]));
    part("form").addEventListener("submit", (event) => event.preventDefault());
    on("previous", () => this.step(-1));
    on("next", () => this.step(1));
    on("on", () => this.step(1));
    on("open", () => this.nextOpen());
    on("save", () => this.save());
    on("finish", () => this.save());
    on("keep", () => this.keepFile());
    on("help", () => {
      const shown = part("manual").hidden;
      part("manual").hidden = !shown;
      part("help").setAttribute("aria-expanded", String(shown));
    });
    addEventListener("keydown", (event) => this.#key(event));
    for (const name of ["pointerdown", "pointermove", "keydown", "scroll"]) {
      addEventListener(name, () => this.#active(), { passive: true, capture: true });
    }
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) return;
      this.begun &&= performance.now();
      this.touched = performance.now();
    });
    addEventListener("pagehide", () => {
      this.#stopClock();
      this.answers?.keep();
    });
    addEventListener("beforeunload", (event) => {
      if (this.answers?.broken && this.unsaved) event.preventDefault();
    });
  }

  #active() {
    const now = performance.now();
    if (now - this.touched > IDLE * 1000 && this.begun !== undefined) {
      this.#stopClock();
      this.begun = now;
    }
    this.touched = now;
  }

  #key(event) {
    if (!this.answers || !part("letters").checked || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.matches("textarea, select, input:not([type=radio], [type=checkbox])")) return;
    if (this.form.key(event.key)) event.preventDefault();
    else if (event.key === "j") this.step(1);
    else if (event.key === "k") this.step(-1);
    else if (event.key === "o") this.nextOpen();
    else if (event.key === "s") this.save();
  }
}

async function begin() {
  globalThis.evalharnessReady = new Study(await unpacked(block("index").textContent));
}

begin();
