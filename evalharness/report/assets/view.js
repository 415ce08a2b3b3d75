// The list of runs: filter, sort, choose; and what changes while a run is at work.
(() => {
  const EVERY = 2000;
  const field = document.querySelector("#filter input");
  const rows = () => [...document.querySelectorAll("#rows > tr")];

  const filter = () => {
    if (!field) return;
    const words = field.value.toLowerCase().split(/\s+/u).filter(Boolean);
    let shown = 0;
    for (const row of rows()) {
      row.hidden = !words.every((word) => row.dataset.words.includes(word));
      shown += row.hidden ? 0 : 1;
    }
    document.getElementById("shown").textContent = `${shown} of ${rows().length}`;
  };
  field?.addEventListener("input", () => {
    filter();
    const address = new URL(location.href);
    if (field.value) address.searchParams.set("q", field.value);
    else address.searchParams.delete("q");
    history.replaceState(null, "", address);
  });

  // The chosen runs in the order in which they were ticked; the one that began first is the baseline,
  // and of those that began in the same minute the one ticked first.
  const button = document.querySelector(".chosen button");
  const note = document.getElementById("baseline");
  const rule = note?.textContent;
  let ticked = [];
  const count = () => {
    if (!button) return;
    const boxes = [...document.querySelectorAll("#rows :checked")];
    const place = (box) => (ticked.includes(box.value) ? ticked.indexOf(box.value) : ticked.length);
    const chosen = boxes.sort((a, b) => place(a) - place(b));
    ticked = chosen.map((box) => box.value);
    button.disabled = chosen.length < 2;
    const when = (box) => box.closest("tr").dataset.when;
    const first = chosen.reduce((a, b) => (a && when(a) <= when(b) ? a : b), null);
    const name = first?.closest("tr").querySelector("th bdi").textContent;
    const why = chosen.some((box) => box !== first && when(box) === when(first)) ? "ticked first" : "began first";
    note.textContent = chosen.length < 2 ? rule : `Baseline: ${name} (${why}).`;
  };
  document.getElementById("chosen")?.addEventListener("change", count);
  document.getElementById("chosen")?.addEventListener("submit", (event) => {
    event.preventDefault();
    const address = new URL(event.target.action);
    for (const path of ticked) address.searchParams.append("run", path);
    location.assign(address);
  });
  addEventListener("pageshow", count);

  // What a column is sorted by stands in each of its cells.
  let sorted = null;
  const value = (row, column, kind) => {
    const text = row.cells[column]?.dataset.value ?? "";
    if (kind === "text") return text;
    return text === "" ? Number.NEGATIVE_INFINITY : Number(text);
  };
  const sort = () => {
    if (!sorted) return;
    const { column, kind, sign } = sorted;
    const order = (a, b) => (a < b ? -sign : a > b ? sign : 0);
    const body = document.getElementById("rows");
    const inOrder = rows()
      .map((row) => [value(row, column, kind), row])
      .sort(([a], [b]) => order(a, b));
    body.replaceChildren(...inOrder.map(([, row]) => row));
  };
  for (const head of document.querySelectorAll("th[data-sort]")) {
    const name = document.createElement("button");
    name.type = "button";
    name.className = "sort";
    name.append(...(head.querySelector(".name") ?? head).childNodes);
    head.prepend(name);
    name.addEventListener("click", () => {
      const first = head.dataset.sort === "number" ? -1 : 1;
      const sign = sorted?.column === head.cellIndex ? -sorted.sign : first;
      for (const other of document.querySelectorAll("th[aria-sort]")) {
        other.removeAttribute("aria-sort");
      }
      head.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
      sorted = { column: head.cellIndex, kind: head.dataset.sort, sign };
      sort();
    });
  }

  const load = async (address) => {
    const answer = await fetch(address);
    if (!answer.ok) throw new Error(answer.status);
    return new DOMParser().parseFromString(await answer.text(), "text/html");
  };
  const replaceRows = async () => {
    const fresh = (await load(location.href)).getElementById("rows");
    if (!fresh) return location.reload();
    const chosen = new Set([...document.querySelectorAll("#rows :checked")].map((e) => e.value));
    document.getElementById("rows").replaceChildren(...fresh.children);
    for (const box of document.querySelectorAll("#rows input")) box.checked = chosen.has(box.value);
    sort();
    filter();
    count();
  };
  const update = async () => {
    const live = document.getElementById("live");
    if (!live || document.hidden) return;
    const list = document.getElementById("rows");
    const page = await load(list ? new URL("live", location.href) : location.href);
    const fresh = page.getElementById("live");
    // A run is done, and its report is there now; or a first run is to be listed.
    if (!fresh || (!list && page.getElementById("rows"))) return location.reload();
    const changed = fresh.dataset.stamp !== live.dataset.stamp;
    if (fresh.innerHTML !== live.innerHTML) live.replaceWith(fresh);
    else live.dataset.stamp = fresh.dataset.stamp;
    if (changed && list) await replaceRows();
    document.getElementById("told").textContent = "";
  };
  const again = async () => {
    try {
      await update();
    } catch {
      document.getElementById("told").textContent = "evalharness view does not answer";
    }
    setTimeout(again, EVERY);
  };
  if (document.getElementById("live")) setTimeout(again, EVERY);
  filter();
  count();
})();
