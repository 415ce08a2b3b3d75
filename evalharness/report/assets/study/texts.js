// Texts of a study: an article by sentences, a summary by words or flags; offsets are code units.

/** How many characters, as Python counts them, a text has before an offset. */
function characters(text, offset) {
  let n = 0;
  for (const _ of text.slice(0, offset)) n += 1;
  return n;
}

/** The offset of the n-th character of a text, counted as Python does. */
function codeUnits(text, n) {
  let at = 0;
  let left = n;
  for (const letter of text) {
    if (left === 0) break;
    at += letter.length;
    left -= 1;
  }
  return at;
}

/** The article: paragraphs of sentences, each of which knows its number. */
function drawArticle(pane, article) {
  const { text, sentences } = article;
  let next = 0;
  pane.replaceChildren(...blocksOf(text).map(([start, end]) => {
    const paragraph = make("div", { class: "paragraph", dir: "auto" });
    let at = start;
    while (next < sentences.length && sentences[next][1] <= start) next += 1;
    for (let n = next; n < sentences.length && sentences[n][0] < end; n += 1) {
      const from = Math.max(sentences[n][0], at);
      const to = Math.min(sentences[n][1], end);
      if (to <= from) continue;
      if (from > at) paragraph.append(visible(text.slice(at, from)));
      paragraph.append(make("span", { class: "sentence", "data-n": n }, visible(text.slice(from, to))));
      at = to;
    }
    if (at < end) paragraph.append(visible(text.slice(at, end)));
    return paragraph;
  }));
  pane.scrollTop = 0;
}

/** Light up the sentences of the article that have something of some spans. */
function lightUp(pane, article, spans, scroll = true) {
  const numbers = new Set(article.sentences.flatMap(([start, end], n) =>
    (spans.some(([from, to]) => from < end && to > start) ? [n] : [])));
  let first = null;
  for (const element of pane.querySelectorAll(".sentence")) {
    const lit = numbers.has(Number(element.dataset.n));
    element.classList.toggle("lit", lit);
    if (lit) first ??= element;
  }
  if (first && scroll) {
    const top = first.getBoundingClientRect().top - pane.getBoundingClientRect().top;
    pane.scrollTop += top - pane.clientHeight / 3;
  }
}

/** A summary whose flagged words are elements, with the numbers of their flags. */
function flaggedText(text, flags, looks) {
  const box = make("p", { class: "summary", dir: "auto" });
  const cuts = sortedUnique(flags.flatMap(([start, end]) => [start, end]));
  for (const [from, to] of pieces(0, text.length, cuts)) {
    const numbers = flags.flatMap(([start, end], n) => (start < to && end > from ? [n] : []));
    const words = visible(text.slice(from, to));
    if (!numbers.length) box.append(words);
    else {
      const kind = flags[numbers[0]][2];
      const look = Object.hasOwn(looks, kind) ? looks[kind] : "other";
      box.append(make("span", { class: `flag k-${look}`, "data-flags": numbers.join(" ") }, words));
    }
  }
  return box;
}

/** Words and marks of punctuation, [start, end), which are the least that one can mark. */
function tokensOf(text) {
  if (Intl.Segmenter) {
    const words = new Intl.Segmenter(undefined, { granularity: "word" });
    return [...words.segment(text)].filter(({ segment }) => segment.trim())
      .map(({ index, segment }) => [index, index + segment.length]);
  }
  return [...text.matchAll(/[\p{L}\p{N}\p{M}]+|\S/gu)].map(({ index, 0: word }) => [index, index + word.length]);
}

/** How many characters of an element stand before a point in it; null for one outside. */
function offsetIn(element, node, offset) {
  if (!element.contains(node)) return null;
  const before = document.createRange();
  before.setStart(element, 0);
  before.setEnd(node, offset);
  return before.toString().length;
}
