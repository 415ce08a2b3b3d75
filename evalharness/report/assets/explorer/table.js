// The index: which articles there are, which fit a search and filters, and in what order.

const ANY_FLAG = "*";
const NO_FLAG = "-"; // in no summary of the article, of the systems that are asked for
const NEW_ERROR = ">"; // of two runs: a likely error of the second that the first does not have
const GONE_ERROR = "<";

class Table {
  constructor(index) {
    this.index = index;
    this.size = index.articles.id.length;
    this.systems = index.systems;
    this.texts = new Array(this.size); // lower-cased text to search, of the chunks that are loaded
    this.names = index.articles.id.map((id, i) =>
      `${id}\n${index.articles.title?.[i] ?? ""}`.toLowerCase());
    // Colour and form of the underline, by the kind of flag.
    this.looks = new Map(index.kinds.map((kind, n) => [kind, index.looks[n]]));
    this.soft = new Set(index.soft ?? []); // kinds that name no likely error: new wording
    this.flags = index.systems.map((_, s) => this.#flagsOf(s));
  }

  // For each article, the flags that all checks found in a system's summary: kind -> count, or null.
  #flagsOf(system) {
    const sum = new Array(this.size).fill(null);
    for (const found of Object.values(this.index.outcomes.flags ?? {})) {
      found[system]?.forEach((kinds, i) => {
        for (const [kind, n] of Object.entries(kinds ?? {})) {
          sum[i] ??= new Map(); // no object: a kind may be called __proto__
          sum[i].set(kind, (sum[i].get(kind) ?? 0) + n);
        }
      });
    }
    return sum;
  }

  /** How many likely errors a summary has, and how many flags of all kinds. */
  errorCount(system, i) {
    let sum = 0;
    for (const [kind, n] of this.flags[system][i] ?? []) if (!this.soft.has(kind)) sum += n;
    return sum;
  }

  flagCount(system, i) {
    let sum = 0;
    for (const n of this.flags[system][i]?.values() ?? []) sum += n;
    return sum;
  }

  hasErrors() {
    return this.flags.some((system) => system.some((kinds) =>
      [...(kinds?.keys() ?? [])].some((kind) => !this.soft.has(kind))));
  }

  /** What the chips offer: [choice, how many articles of the other filters meet it], none that none meets. */
  flagChoices(view) {
    const hard = this.index.kinds.filter((kind) => !this.soft.has(kind));
    const some = [ANY_FLAG, ...(this.index.outcomes.changes ? [NEW_ERROR, GONE_ERROR] : [])];
    const counted = (choices) => choices.map((flag) =>
      [flag, this.select({ ...view, flag, sort: "run" }).length]).filter(([flag, n]) => n || flag === view.flag);
    return [...counted(some), ...counted(hard).sort((a, b) => b[1] - a[1]), ...counted([NO_FLAG])];
  }

  /** A weight to sort by: likely errors before all other flags. */
  flagWeight(system, i) {
    return this.errorCount(system, i) + this.flagCount(system, i) / 1e6;
  }

  /** How many summaries a check flagged. */
  flagsBy(check) {
    const systems = this.index.outcomes.flags?.[check] ?? [];
    return systems.reduce((sum, column) => sum + (column ?? []).filter(Boolean).length, 0);
  }

  title(i) {
    return this.index.articles.title?.[i] || this.index.articles.id[i] || "(no id)";
  }

  /** What a list shows of an article: its title, or else how it begins. */
  line(i) {
    const { title, opening } = this.index.articles;
    return title?.[i] || (opening?.[i] ? `${opening[i]}…` : this.title(i));
  }

  value(key, system, i) {
    return this.index.values[key]?.[system]?.[i] ?? null;
  }

  bands() {
    const seen = new Set();
    for (const systems of Object.values(this.index.outcomes.band ?? {})) {
      for (const column of systems ?? []) for (const band of column ?? []) seen.add(band);
    }
    return [...seen].filter(Boolean).sort();
  }

  finishes() {
    const seen = new Set((this.index.outcomes.finish ?? []).flatMap((column) => column ?? []));
    return [...seen].filter(Boolean).sort();
  }

  /** Take in the articles of a chunk, so that their text can be searched. */
  learn(number, articles) {
    const { chunk, at } = this.index.articles;
    for (let i = 0; i < this.size; i += 1) {
      if (chunk[i] !== number || this.texts[i] !== undefined) continue;
      const { text, references = [], summaries = [] } = articles[at[i]] ?? { text: "" };
      const all = [text, ...references, ...summaries.map((summary) => summary?.text ?? "")];
      this.texts[i] = all.join("\n").toLowerCase();
    }
  }

  /** The position of an article by its id; -1 where this page does not have it. */
  find(id, position) {
    const ids = this.index.articles.id;
    if (position in ids && (id === "" || wellFormed(ids[position]) === id)) return position;
    return ids.findIndex((other) => wellFormed(other) === id);
  }

  /** The articles one of whose summaries meets all that is asked, in the order asked for. */
  select(view) {
    const asked = this.#systems(view.system);
    const words = view.q.toLowerCase().split(/\s+/).filter(Boolean);
    const found = [];
    for (let i = 0; i < this.size; i += 1) {
      if (this.#source(view, i) && this.#says(words, i)
        && (view.flag !== NO_FLAG || asked.every((s) => !this.errorCount(s, i)))
        && asked.some((s) => this.#summaryFits(view, s, i))) found.push(i);
    }
    return this.#ordered(found, view, asked);
  }

  #systems(name) {
    const system = this.systems.indexOf(name);
    return system < 0 ? this.systems.map((_, s) => s) : [system];
  }

  #source(view, i) {
    return !view.source || this.index.sources[this.index.articles.source[i]] === view.source;
  }

  #says(words, i) {
    return words.every((word) => this.names[i].includes(word) || this.texts[i]?.includes(word));
  }

  #summaryFits(view, s, i) {
    const outcomes = this.index.outcomes;
    if (view.flag === NEW_ERROR || view.flag === GONE_ERROR) {
      if (!outcomes.changes?.[view.flag === NEW_ERROR ? "new" : "gone"][i]) return false;
    } else if (view.flag === ANY_FLAG) {
      if (!this.errorCount(s, i)) return false;
    } else if (view.flag && view.flag !== NO_FLAG && !this.flags[s][i]?.has(view.flag)) return false;
    if (view.finish && outcomes.finish?.[s]?.[i] !== view.finish) return false;
    if (view.cut && !outcomes.truncated?.[s]?.[i]) return false;
    return !view.band
      || Object.values(outcomes.band ?? {}).some((systems) => systems?.[s]?.[i] === view.band);
  }

  #ordered(found, view, asked) {
    const weigh = this.#weight(view, asked);
    if (!weigh) return found;
    const weights = new Float64Array(this.size);
    for (const i of found) weights[i] = weigh(i) ?? Infinity; // what has no value comes last
    return found.sort((a, b) => (weights[a] === weights[b] ? a - b : weights[a] < weights[b] ? -1 : 1));
  }

  // What to sort by, smallest first.
  #weight({ sort, by, vs }, asked) {
    const values = (systems, i) =>
      systems.map((s) => this.value(by, s, i)).filter((value) => value !== null);
    const orders = {
      low: (i) => least(values(asked, i)),
      high: (i) => negative(greatest(values(asked, i))),
      gap: (i) => negative(widest(values(asked, i), values(this.#systems(vs), i))),
      flags: (i) => -Math.max(...asked.map((s) => this.flagWeight(s, i))),
      long: (i) => -(this.index.articles.words[i] ?? 0),
      short: (i) => this.index.articles.words[i] ?? null,
    };
    return orders[sort];
  }
}

const least = (values) => (values.length ? Math.min(...values) : null);
const greatest = (values) => (values.length ? Math.max(...values) : null);
const negative = (value) => (value === null ? null : -value);

/** How far a value of one group lies from a value of another, at the most. */
function widest(ones, others) {
  if (!ones.length || !others.length) return null;
  return Math.max(greatest(ones) - least(others), greatest(others) - least(ones));
}

/** A text without lone surrogates, which no address can hold. */
function wellFormed(text) {
  return text.toWellFormed?.() ?? text.replace(/\p{Surrogate}/gu, "\ufffd");
}
