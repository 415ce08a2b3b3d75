// Spans of a text. Offsets are UTF-16 code units, half open, as JavaScript slices.

/** A span within the text, and whether it had to be brought there. */
function clamped([start, end], length) {
  const from = Math.min(Math.max(Number.isInteger(start) ? start : 0, 0), length);
  const to = Math.min(Math.max(Number.isInteger(end) ? end : from, from), length);
  return { start: from, end: to, outside: from !== start || to !== end };
}

/** The pieces of [start, end) between the cuts, none of them empty. */
function pieces(start, end, cuts) {
  const found = [];
  let from = start;
  for (let i = firstAfter(cuts, start); i < cuts.length && cuts[i] < end; i += 1) {
    found.push([from, cuts[i]]);
    from = cuts[i];
  }
  if (from < end) found.push([from, end]);
  return found;
}

/** The index of the first of some sorted numbers that is greater than `value`. */
function firstAfter(sorted, value) {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] > value) high = middle;
    else low = middle + 1;
  }
  return low;
}

function sortedUnique(numbers) {
  return [...new Set(numbers)].sort((a, b) => a - b);
}

/** Whether a span has something of [start, end); an empty one has the place it stands at. */
function meets(span, start, end) {
  if (span.start === span.end) return span.start >= start && span.start < end;
  return span.start < end && span.end > start;
}

const LONGEST_BLOCK = 8_000;
const MOST_BLOCKS = 2_000;

/**
 * A text cut into blocks [start, end) that can be laid out one by one: its paragraphs. Very many
 * short ones go together; a very long one is cut at a space, or where it must.
 */
function blocksOf(text) {
  const shortest = Math.ceil(text.length / MOST_BLOCKS);
  const blocks = [];
  let start = 0;
  while (start < text.length) {
    const end = blockEnd(text, start, shortest);
    const bare = text.slice(start, end).replace(/^\n+|\n+$/g, "");
    if (bare) {
      const from = text.indexOf(bare, start);
      blocks.push([from, from + bare.length]);
    }
    start = end;
  }
  return blocks;
}

function blockEnd(text, start, shortest) {
  const newline = text.indexOf("\n", start + shortest);
  const end = newline < 0 ? text.length : newline + 1;
  if (end - start <= LONGEST_BLOCK) return end;
  const space = text.lastIndexOf(" ", start + LONGEST_BLOCK);
  if (space > start + LONGEST_BLOCK / 2) return space + 1;
  const cut = start + LONGEST_BLOCK;
  return isLowSurrogate(text, cut) ? cut - 1 : cut;
}
