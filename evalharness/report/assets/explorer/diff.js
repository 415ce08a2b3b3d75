// What differs between two texts, word by word.

const MOST_WORDS = 1_500; // of each text: the table below has their product of cells

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
 * by the longest common subsequence of their words. A lone word in common between two changes is
 * no help to a reader and counts as changed.
 */
function wordDiff(before, after) {
  const a = wordsOf(before);
  const b = wordsOf(after);
  return { runs: joined(aligned(a.words, b.words)), cut: a.cut || b.cut };
}

// Each word as {kind, before, after}: as either text has it; "same" words have both.
function aligned(a, b) {
  const lengths = commonLengths(a, b);
  const width = b.length + 1;
  const steps = [];
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    if (i < a.length && a[i].text === b[j]?.text) {
      steps.push({ kind: "same", before: a[i], after: b[j] });
      i += 1;
      j += 1;
    } else if (j >= b.length
      || (i < a.length && lengths[(i + 1) * width + j] >= lengths[i * width + j + 1])) {
      steps.push({ kind: "removed", before: a[i] });
      i += 1;
    } else {
      steps.push({ kind: "added", after: b[j] });
      j += 1;
    }
  }
  return steps;
}

function joined(steps) {
  const runs = [];
  let removed = "";
  let added = "";
  const flush = () => {
    if (removed) runs.push({ kind: "removed", text: removed });
    if (added) runs.push({ kind: "added", text: added });
    removed = added = "";
  };
  const whole = (word) => (word ? word.text + word.after : "");
  for (let at = 0; at < steps.length;) {
    let end = at;
    while (steps[end]?.kind === "same") end += 1;
    const same = steps.slice(at, end);
    const lone = same.filter(({ after }) => /[\p{L}\p{N}]/u.test(after.text)).length < 2;
    if (same.length && !(lone && (removed || added) && end < steps.length)) {
      flush();
      const text = same.map(({ before, after }) => after.text + (after.after || before.after));
      runs.push({ kind: "same", text: text.join("") });
      at = end;
      continue;
    }
    for (const step of same.length ? same : [steps[at]]) {
      removed += whole(step.before);
      added += whole(step.after);
      at += 1;
    }
  }
  flush();
  return runs;
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
