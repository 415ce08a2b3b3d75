// The article's side: its text in pieces, so that evidence can light up and the unread be greyed.

class ArticlePane {
  constructor(pane, note) {
    Object.assign(this, { pane, note, starts: [], ends: [], nodes: [], lit: [] });
  }

  /** Show a text that can be lit up and greyed between the given offsets. */
  show(text, cuts) {
    this.text = visible(text);
    this.starts = [];
    this.ends = [];
    this.nodes = [];
    this.lit = [];
    this.pane.replaceChildren(...blocksOf(this.text).map(([start, end]) => this.#block(start, end, cuts)));
    if (!this.nodes.length) this.pane.append(make("p", { class: "empty" }, "The article is empty."));
    this.pane.scrollTop = 0;
  }

  #block(start, end, cuts) {
    const block = make("p", { dir: "auto" });
    for (const [from, to] of pieces(start, end, cuts)) {
      const piece = make("span", {}, this.text.slice(from, to));
      this.starts.push(from);
      this.ends.push(to);
      this.nodes.push(piece);
      block.append(piece);
    }
    return block;
  }

  /** Grey what was not read: pairs of offsets, in order. */
  grey(unread, reader) {
    const within = (n) => n >= 0 && unread.some(([start, end]) => this.starts[n] >= start && this.starts[n] < end);
    this.nodes.forEach((node, n) => {
      node.classList.toggle("unread", within(n));
      node.classList.toggle("unread-from", within(n) && !within(n - 1));
    });
    this.note.replaceChildren();
    if (!unread.length) return;
    const length = unread.reduce((sum, [start, end]) => sum + end - start, 0);
    const share = Math.max(Math.round((length / this.text.length) * 100), 1);
    this.note.append("Greyed: what ", said("bdi", "", clipped(reader, 60)),
      ` did not read, ${share} % of the article.`);
  }

  /** Light up spans and bring the first into sight; without spans, put out the light. */
  light(spans, scroll = true) {
    for (const node of this.lit) node.classList.remove("lit");
    this.lit = spans.flatMap((span) => this.#nodesOf(span));
    for (const node of this.lit) node.classList.add("lit");
    if (scroll && this.lit.length) this.#bring(this.lit[0]);
  }

  #nodesOf({ start, end }) {
    const found = [];
    for (let n = firstAfter(this.ends, start); n < this.nodes.length && this.starts[n] < end; n += 1) {
      found.push(this.nodes[n]);
    }
    return found;
  }

  // Only the pane scrolls, never the page. What is not laid out yet has a guessed height: once
  // more when it has its own.
  #bring(node) {
    const scroll = () => {
      const box = this.pane.getBoundingClientRect();
      const at = node.getBoundingClientRect();
      const bottom = Math.min(box.bottom, innerHeight);
      if (at.top >= box.top + 8 && at.bottom <= bottom - 8) return;
      const top = this.pane.scrollTop + at.top - box.top - (bottom - box.top) / 4;
      this.pane.scrollTo({ top, behavior: "instant" });
    };
    scroll();
    requestAnimationFrame(scroll);
  }
}

/** A news page as it was read: each line with its role, and what is no part of the story folded. */
function showPage(box, lines, profile) {
  box.hidden = !lines?.length;
  box.open = false;
  if (box.hidden) return;
  const left = lines.filter(([role]) => role === "furniture").length;
  const head = make("summary", {}, `The page as it was read: ${plural(lines.length, "line")}, ${count.format(left)} of them left out`);
  const with_ = profile ? said("p", "hint", `Read with the site profile ${clipped(profile, 80)}.`) : null;
  box.replaceChildren(head, ...(with_ ? [with_] : []), make("dl", {}, ...foldFurniture(lines)));
}

function foldFurniture(lines) {
  const shown = [];
  for (let n = 0; n < lines.length;) {
    let end = n + 1;
    const [role] = lines[n];
    if (role === "furniture") while (end < lines.length && lines[end][0] === role) end += 1;
    const texts = lines.slice(n, end).map(([, text]) => said("p", "", text));
    const names = { again: "title again", ai_label: "AI label" };
    shown.push(make("div", { class: "line", "data-role": role }, make("dt", {}, names[role] ?? role),
      make("dd", {}, ...(role !== "furniture" ? texts
        : [make("details", {}, make("summary", {}, plural(texts.length, "line")), ...texts)]))));
    n = end;
  }
  return shown;
}
