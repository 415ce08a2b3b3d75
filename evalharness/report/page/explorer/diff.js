// What differs between two texts, word by word.

const MOST_WORDS = 2_000; // of each text: the table below has their product of cells

/** The words of a text with the blanks that follow them, up to a bound; `cut` where it was met. */
function wordsOf(text) {
  const words = [];
  const found = globalThis.Intl?.Segmenter
    ? new Intl.Segmenter(undefined, { granularity: "word" }).segment(text)
    : Array.from(text.matchAll(/[\p{L}\p{M}\p{N}]+|\s+|./gsu), ([segment]) => ({ segment }));
  for (const { segment } of found) {
    if (words.length === MOST_WORDS) return { words, cut: true };
    if (/^\s+$/.test(segment) && words.length) words[words.length - 1].after += segment;
    else words.push({ text: segment, after: "" });
  }
  return { words, cut: false };
}

/**
 * The runs of words that two texts share or do not: [{kind: "same" | "removed" | "added", text}],
 * by the longest common subsequence of their words.
 */
function wordDiff(before, after) {
  const a = wordsOf(before);
  const b = wordsOf(after);
  const lengths = commonLengths(a.words, b.words);
  const runs = [];
  const add = (kind, word) => {
    const last = runs[runs.length - 1];
    if (last?.kind === kind) last.text += word.text + word.after;
    else runs.push({ kind, text: word.text + word.after });
  };
  let i = 0;
  let j = 0;
  const width = b.words.length + 1;
  while (i < a.words.length || j < b.words.length) {
    const same = i < a.words.length && a.words[i].text === b.words[j]?.text;
    if (same) {
      add("same", b.words[j]);
      i += 1;
      j += 1;
    } else if (j >= b.words.length
      || (i < a.words.length && lengths[(i + 1) * width + j] >= lengths[i * width + j + 1])) {
      add("removed", a.words[i]);
      i += 1;
    } else {
      add("added", b.words[j]);
      j += 1;
    }
  }
  return { runs, cut: a.cut || b.cut };
}

// Cell (i, j): how many words a[i:] and b[j:] have in common, in order.
function commonLengths(a, b) {
  const width = b.length + 1;
  const cells = new Uint16Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      cells[i * width + j] = a[i].text === b[j].text
        ? cells[(i + 1) * width + j + 1] + 1
        : Math.max(cells[(i + 1) * width + j], cells[i * width + j + 1]);
    }
  }
  return cells;
}
