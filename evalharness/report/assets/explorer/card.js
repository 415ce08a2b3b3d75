// The summaries' side: a card for each, its sentences and flags able to point into the article.

// What an element of a card stands for: {flags, evidence, label}.
const meanings = new WeakMap();

/** The flags of a summary by the checks that are shown, in the order of the text.
 *  Likely errors are numbered; new wording, of kinds that are soft, is not. */
function flagsOf(summary, checks, { looks, soft }, articleLength) {
  const flags = checks.flatMap((check) =>
    (summary.scores?.[check]?.flags ?? []).map(([start, end, kind, message, evidence]) => {
      const span = clamped([start, end], summary.text.length);
      const spans = (evidence ?? []).map((pair) => clamped(pair, articleLength));
      const outside = span.outside || spans.some((found) => found.outside);
      return { check, kind, look: looks.get(kind), soft: soft.has(kind), message, outside,
        start: span.start, end: span.end, evidence: spans.filter((found) => found.start < found.end) };
    }));
  flags.sort((a, b) => a.start - b.start || a.end - b.end);
  flags.filter((flag) => !flag.soft).forEach((flag, n) => { flag.number = n + 1; });
  return flags;
}

/** What the checks say of a stretch of the summary: their values, and evidence in the article. */
function sayingsOn(summary, checks, start, end, articleLength) {
  const values = [];
  const evidence = [];
  for (const check of checks) {
    for (const [from, to, value, spans] of summary.scores?.[check]?.sentences ?? []) {
      const common = Math.min(to, end) - Math.max(from, start);
      if (common * 2 <= Math.min(to - from, end - start)) continue;
      if (typeof value === "number") values.push({ check, value });
      evidence.push(...(spans ?? []).map((pair) => clamped(pair, articleLength)));
    }
  }
  return { values, evidence: evidence.filter((span) => span.start < span.end) };
}

/** The sentences of a summary and what lies between them, in order and without overlap. */
function partsOf(summary) {
  const { length } = summary.text;
  const parts = [];
  let at = 0;
  const sentences = (summary.sentences ?? []).map((pair) => clamped(pair, length));
  for (const { start, end } of sentences.sort((a, b) => a.start - b.start)) {
    const from = Math.max(start, at);
    if (end <= from) continue;
    if (from > at) parts.push({ start: at, end: from, sentence: false });
    parts.push({ start: from, end, sentence: true });
    at = end;
  }
  if (at < length) parts.push({ start: at, end: length, sentence: sentences.length === 0 });
  return parts;
}

// Of a summary, in characters: one that never came to an end need not be laid out whole.
const LONGEST_SUMMARY = 20_000;

function sayIfCut(text) {
  if (text.length <= LONGEST_SUMMARY) return null;
  return make("p", { class: "note" }, `The first ${count.format(LONGEST_SUMMARY)} of `
    + `${plural(text.length, "character")}; all of them are in samples.jsonl.`);
}

/** The text of a summary, its sentences and flagged words reachable by keyboard. */
function summaryText(whole, flags, checks, labels, articleLength) {
  const summary = { ...whole, text: whole.text.slice(0, LONGEST_SUMMARY) };
  const box = make("p", { class: "summary-text", dir: "auto" });
  const cuts = sortedUnique(flags.flatMap(({ start, end }) => [start, end]));
  const begun = new Set();
  let n = 0;
  for (const part of partsOf(summary)) {
    const children = piecesOf(summary, part, flags, cuts, begun);
    if (part.sentence) {
      n += 1;
      const sayings = sayingsOn(summary, checks, part.start, part.end, articleLength);
      box.append(sentenceElement(children, n, sayings, labels));
    } else box.append(...children);
  }
  const atEnd = flags.filter((flag) => !begun.has(flag) && flag.start <= summary.text.length);
  if (atEnd.length) box.append(flagElement("", atEnd, atEnd, begun));
  return box;
}

function piecesOf(summary, part, flags, cuts, begun) {
  return pieces(part.start, part.end, cuts).flatMap(([from, to]) => {
    const points = flags.filter((flag) => flag.start === flag.end && flag.start === from);
    const covering = flags.filter((flag) => flag.start !== flag.end && meets(flag, from, to));
    const words = summary.text.slice(from, to);
    const ending = covering.filter((flag) => flag.end === to);
    return [
      ...(points.length ? [flagElement("", points, points, begun)] : []),
      covering.length ? flagElement(words, covering, ending, begun) : words,
    ];
  });
}

// A flag that goes on over several pieces is one stop for the keyboard: its first piece.
function flagElement(words, covering, ending, begun) {
  const first = covering.some((flag) => !begun.has(flag));
  covering.forEach((flag) => begun.add(flag));
  const numbers = ending.filter((flag) => flag.number).map((flag) => flag.number).join(",");
  const error = covering.find((flag) => !flag.soft);
  const element = make("span", {
    class: `flag k-${(error ?? covering[0]).look}${error ? "" : " soft"}${words ? "" : " point"}`,
    "data-n": numbers || null,
    tabindex: first ? 0 : null, role: first ? "button" : null,
    "aria-label": first && !words ? `flag ${numbers}: something is missing here` : null,
  }, words);
  meanings.set(element, {
    flags: covering, evidence: covering.flatMap((flag) => flag.evidence),
    label: error ? plural(covering.length, "flag") : NEW_WORDING,
  });
  return element;
}

function sentenceElement(children, n, { values, evidence }, labels) {
  const said = values.map(({ check, value }) => `${labels(check)} ${figure(value, { percent: true })}`);
  const label = [`Sentence ${n}`, ...said].join(", ");
  const element = make("span", {
    class: evidence.length ? "sentence backed" : "sentence",
    tabindex: 0, role: "group", "aria-label": label,
  }, ...children);
  meanings.set(element, { flags: [], evidence, label });
  return element;
}

const NEW_WORDING = "Not found in the article's words";

/** The likely errors of a summary as a list; what is only new wording in one that is folded. */
function flagLists(summary, flags, ...rest) {
  const errors = flags.filter((flag) => !flag.soft);
  const wording = flags.filter((flag) => flag.soft);
  const lists = errors.length ? [flagList(summary, errors, ...rest)] : [];
  if (wording.length) {
    lists.push(make("details", { class: "wording" },
      make("summary", {}, `${NEW_WORDING}: ${plural(wording.length, "place")}`),
      flagList(summary, wording, ...rest)));
  }
  return lists;
}

/** Flags as a list: number, kind, words, message, and the evidence quoted. */
function flagList(summary, flags, article, labels, several) {
  const { text } = summary;
  const quoted = new Map(); // evidence -> number of the flag that quotes it
  return make("ol", { class: "flags" }, ...flags.map((flag) => {
    const words = clipped(text.slice(flag.start, flag.end), 120);
    return make("li", { "data-n": flag.number ?? null },
      kindMark(flag), words ? quote("quoted", words) : null,
      message(flag.message, 500),
      several ? said("span", "by", `(${labels(flag.check)})`) : null,
      flag.outside ? make("span", { class: "by" }, "(it pointed outside the text)") : null,
      flag.evidence.length ? quotation(flag, article, quoted) : null);
  }));
}

/** Words between marks of this page's direction, whichever is theirs. */
function quote(className, words) {
  return make("q", { class: className }, said("bdi", "", words));
}

// It begins with quoted words, whose direction is not its own.
function message(text, length) {
  return make("span", { class: "message", dir: "ltr" }, visible(clipped(String(text ?? ""), length)));
}

function kindMark({ kind, look }) {
  return make("span", { class: `kind k-${look}` }, said("bdi", "", clipped(String(kind), 40)));
}

/** What of the article matters and is not in the summary, as buttons that light it up there. */
function leftOutList(summary, checks, article) {
  const spans = checks.flatMap((check) => summary.scores?.[check]?.left_out ?? [])
    .map((pair) => clamped(pair, article.length)).filter(({ start, end }) => start < end);
  if (!spans.length) return "";
  const buttons = spans.map((span, n) => {
    const words = clipped(article.slice(span.start, span.end).replace(/\s+/g, " ").trim(), 240);
    const button = make("button", { type: "button", class: "quotation", title: "Show it in the article" },
      said("bdi", "", words));
    meanings.set(button, { flags: [], evidence: [span], label: `Left out, ${n + 1} of ${spans.length}` });
    return button;
  });
  return make("section", { class: "left-out" },
    make("h5", {}, "Left out, what matters most first"), ...buttons);
}

// Of a judge's reasons, in characters: what is longer is folded.
const LONGEST_REASONS = 300;
const LONGEST_REASON = 5_000;

/** What judges give as their reasons, in their own words: a list for each, folded where it is long. */
function reasonLists(summary, checks, labels) {
  return checks.flatMap((check) => {
    const reasons = summary.scores?.[check]?.reasons ?? [];
    if (!reasons.length) return [];
    const list = make("ul", {}, ...reasons.map((reason) =>
      said("li", "", clipped(visible(reason), LONGEST_REASON))));
    const head = `Reasons of ${labels(check)}`;
    const long = reasons.reduce((sum, { length }) => sum + length, 0) > LONGEST_REASONS;
    return [long
      ? make("details", { class: "reasons" },
        make("summary", {}, said("bdi", "", `${head}: ${count.format(reasons.length)}`)), list)
      : make("section", { class: "reasons" }, said("h5", "", head), list)];
  });
}

/** The article's words on a flag, as a button that lights them up there. */
function quotation({ number, evidence }, article, quoted) {
  const key = JSON.stringify(evidence);
  const button = make("button", { type: "button", class: "quotation", title: "Show it in the article" });
  if (quoted.has(key)) {
    button.append(quoted.get(key) ? `the same place as for ${quoted.get(key)}` : "the same place");
  } else {
    const [{ start, end }] = evidence;
    const words = clipped(article.slice(start, end).replace(/\s+/g, " ").trim(), 240);
    button.append(make("span", { class: "hush" }, "The article says: "), quote(null, words));
    if (evidence.length > 1) button.append(` and ${plural(evidence.length - 1, "more place")}`);
    quoted.set(key, number);
  }
  meanings.set(button, { flags: [], evidence, label: plural(evidence.length, "place") });
  return button;
}
