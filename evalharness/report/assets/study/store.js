// Answers, kept in the browser by study and annotator, and written to files of JSON Lines.

const KEPT = "evalharness-study";

class Answers {
  constructor(study, annotator) {
    this.key = `${KEPT}:${study}:${annotator}`;
    this.last = `${KEPT}:${study}`;
    this.annotator = annotator;
    this.broken = false;
    this.byItem = new Map(Object.entries(this.#read(this.key)?.answers ?? {}));
    this.place = this.#read(this.key)?.place ?? 0;
  }

  /** Who answered last in this browser. */
  static lastAnnotator(study) {
    try {
      return JSON.parse(localStorage.getItem(`${KEPT}:${study}`) ?? "null")?.annotator ?? "";
    } catch {
      return "";
    }
  }

  of(item) {
    if (!this.byItem.has(item)) this.byItem.set(item, { answer: {}, seconds: 0, complete: false });
    return this.byItem.get(item);
  }

  isComplete(item) {
    return this.byItem.get(item)?.complete ?? false;
  }

  /** Keep all in the browser; false where it lets nothing be kept. */
  keep() {
    try {
      const begun = [...this.byItem].filter(([, each]) => Object.keys(each.answer).length || each.seconds);
      localStorage.setItem(this.key, JSON.stringify({ place: this.place, answers: Object.fromEntries(begun) }));
      localStorage.setItem(this.last, JSON.stringify({ annotator: this.annotator }));
      this.broken = false;
    } catch {
      this.broken = true;
    }
    return !this.broken;
  }

  #read(key) {
    try {
      return JSON.parse(localStorage.getItem(key) ?? "null");
    } catch {
      return null;
    }
  }
}

/** What an answer is in a file: offsets as Python counts them. */
function answerForFile(protocol, answer, article, text) {
  const span = ([start, end], of) => ({ start: characters(of, start), end: characters(of, end) });
  const note = answer.note ? { note: answer.note } : {};
  if (protocol === "ratings") return { ratings: answer.ratings ?? {}, ...note };
  if (protocol === "pairs") return { preferred: answer.preferred ?? null, reason: answer.reason ?? "" };
  if (protocol === "spans") {
    return {
      label: answer.spans?.length ? 0 : answer.clean ? 1 : null,
      spans: (answer.spans ?? []).map((mark) => ({
        ...span([mark.start, mark.end], text), type: mark.kind, severity: mark.severity,
        evidence: mark.evidence.map((n) => span(article.sentences[n], article.text)),
      })),
      ...note,
    };
  }
  return { label: { yes: 1, no: 0 }[answer.label] ?? null, verdicts: answer.verdicts, ...note };
}

/** Flags with what was said of them, for a file. */
function verdictsForFile(flags, verdicts, article, text) {
  return flags.map(([start, end, kind, message, evidence], n) => ({
    start: characters(text, start), end: characters(text, end), kind, message,
    evidence: (evidence ?? []).map(([from, to]) => (
      { start: characters(article.text, from), end: characters(article.text, to) })),
    verdict: verdicts?.[n] ?? null,
  })).filter(({ verdict }) => verdict);
}

/** An answer of a file as the page has it: the way back. */
function answerFromFile(protocol, answer, article, text, flags) {
  if (protocol === "spans") {
    return {
      clean: answer.label === 1, note: answer.note,
      spans: answer.spans.map((mark) => ({
        start: codeUnits(text, mark.start), end: codeUnits(text, mark.end), kind: mark.type,
        severity: mark.severity,
        evidence: mark.evidence.map(({ start }) => {
          const at = codeUnits(article.text, start);
          return article.sentences.findIndex(([from]) => from === at);
        }).filter((n) => n >= 0),
      })),
    };
  }
  if (protocol !== "flags") return answer;
  const verdicts = {};
  for (const each of answer.verdicts) {
    const n = flags.findIndex(([start, end, kind]) => characters(text, start) === each.start
      && characters(text, end) === each.end && kind === each.kind);
    if (n >= 0) verdicts[n] = each.verdict;
  }
  return { label: { 1: "yes", 0: "no" }[answer.label] ?? "unsure", verdicts, note: answer.note };
}

/** Offer a text as a file to save. */
function download(name, text) {
  const address = URL.createObjectURL(new Blob([text], { type: "application/x-ndjson" }));
  const link = make("a", { download: name });
  link.href = address;
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
