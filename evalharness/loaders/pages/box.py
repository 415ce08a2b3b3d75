"""Where the summary box stands and what it says.

It is found by its disclaimer; else by a heading that names a machine; else by the title said again
above it; else by a plain heading ("Key points"). Only bullets between title and body need none of
these. The box may stand above the article, inside it or below it, and the disclaimer may open or
close it.
"""

from collections.abc import Iterator
from itertools import islice

from evalharness.loaders.pages import labels
from evalharness.loaders.pages.lines import PageDraft

MOST_ANCHORS = 20  # looked at
MOST_LINES = 25  # of a box
# A box below the article is shorter than it: at most this share of the article's words.
SHARE_BELOW = 0.4


def find_box(draft: PageDraft, title: int | None, opening: int | None) -> None:
    """Give the lines of the summary box their roles.

    title: where the title stands. opening: where the paragraph with the dateline stands.
    """
    search = _Search(draft, title, opening)
    if any(each.hint == "box" for each in draft.lines):
        search.take_marked()
    else:
        search.take_found()


class _Search:
    def __init__(self, draft: PageDraft, title: int | None, opening: int | None) -> None:
        self.draft, self.title, self.opening = draft, title, opening
        self.said = [each.text for each in draft.lines]
        self.again = set(draft.of("again"))
        free = [i for i in range(len(draft)) if draft.free(i) and i not in (title, opening)]
        self.disclaimers = self._main([i for i in free if labels.is_disclaimer(self.said[i])])
        told = set(self.disclaimers)
        headings = [i for i in free if i not in told and labels.is_box_heading(self.said[i])]
        self.by_machine = [i for i in headings if labels.names_machine(self.said[i])]
        self.headings = set(headings)
        self.anchors = told | self.headings | self.again

    def _main(self, disclaimers: list[int]) -> list[int]:
        """Return the first disclaimer, and others that say the same; an article may quote one."""
        boxed = [i for i in disclaimers if self.draft.lines[i].hint == "box"]
        first = [*boxed, *disclaimers][:1]
        return [*first, *(i for i in disclaimers if i > first[0] and self._same(i, first[0]))]

    def _same(self, one: int, other: int) -> bool:
        return self.said[one].casefold() == self.said[other].casefold()

    def take_marked(self) -> None:
        """Take the box that HTML marks."""
        marked = [i for i, each in enumerate(self.draft.lines) if each.hint == "box"]
        boxed = set(marked)
        self._disclaim([i for i in self.disclaimers if i in boxed], self.by_machine)
        inside = [i for i in marked if self.draft.free(i) and not self._beside(i)]
        told = [i for i in inside if not labels.is_name(self.said[i])]
        self.draft.put("summary", told or inside)

    def take_found(self) -> None:
        """Take the first box that can be found."""
        found: list[int] = []
        for anchor in islice(self._candidates(), MOST_ANCHORS):
            found = self._around(anchor)
            if found:
                break
        if not found:
            found = self._bare_bullets()
        self._disclaim(self.disclaimers, self.by_machine if found else [])
        self.draft.put("summary", found)

    def _candidates(self) -> Iterator[int]:
        yield from self.disclaimers
        yield from self.by_machine
        yield from sorted(self.again)
        yield from sorted(self.headings - set(self.by_machine))

    def _disclaim(self, disclaimers: list[int], headings: list[int]) -> None:
        """Give the disclaimer its role, with sentences beside it that go on; else the heading."""
        if not disclaimers:
            self.draft.put("disclaimer", headings[:1])
            return
        first = disclaimers[0]
        self.draft.put("again", [i for i in disclaimers if i != first])
        self.draft.put("disclaimer", [first])
        for step in (-1, 1):
            i = first + step
            while 0 <= i < len(self.draft) and i != self.title and self._cautions(i):
                self.draft.put("disclaimer", [i])
                i += step

    def _cautions(self, i: int) -> bool:
        if self.draft.lines[i].bullet or i in self.headings or self.draft.roles[i] == "furniture":
            return False
        return labels.is_disclaimer(self.said[i]) or labels.is_caution(self.said[i])

    def _beside(self, i: int) -> bool:
        """Return whether a line of the box is not what it says: anchor, caution or label."""
        return i in self.anchors or self._cautions(i) or self.draft.is_label(i)

    def _around(self, anchor: int) -> list[int]:
        """Return the lines of the box that an anchor opens or closes."""
        before, opened = self._before(anchor)
        if before and (opened or self.draft.lines[before[-1]].bullet):
            bullets = self._last_bullets(before)
            return before if opened else bullets
        after = self._after(anchor)
        if after or anchor not in self.disclaimers:
            return after
        if self.opening is not None and anchor < self.opening:
            return before
        unended = [i for i in before if not self.draft.lines[i].ends_sentence]
        return unended if unended == before else before[-1:]

    def _before(self, anchor: int) -> tuple[list[int], bool]:
        """Return the plain lines above an anchor, and whether another anchor opens them."""
        found: list[int] = []
        for i in range(anchor - 1, max(anchor - MOST_LINES, 0) - 1, -1):
            if i in self.headings or i in self.again:
                return found, anchor in self.disclaimers and bool(found)
            if i in (self.title, self.opening) or not self.draft.free(i):
                break
            if self.draft.is_label(i) or labels.is_name(self.said[i]):
                if found:
                    break
                continue
            if not self._beside(i):
                found.insert(0, i)
        return found, False

    def _last_bullets(self, before: list[int]) -> list[int]:
        k = len(before)
        while k and self.draft.lines[before[k - 1]].bullet:
            k -= 1
        return before[k:]

    def _after(self, anchor: int) -> list[int]:
        """Return the lines below an anchor that belong to its box."""
        start = anchor + 1
        while start < len(self.draft) and start != self.opening and self._may_stand_between(start):
            start += 1
        content, stop = self._content(start)
        if not content:
            return []
        if self.draft.lines[content[0]].bullet:
            return self._first(content, bullet=True)
        closed = stop in self.disclaimers and anchor not in self.disclaimers
        closed = closed or (stop in self.again and anchor not in self.again)
        if closed or (self.opening is not None and stop == self.opening):
            return content
        bare = self._first(content, ended=False)
        if anchor in self.headings and anchor not in self.by_machine and not self.disclaimers:
            return bare if len(bare) > 1 or not self._prose_before(anchor) else []
        return bare or self._paragraphs(anchor, content)

    def _may_stand_between(self, i: int) -> bool:
        if i in self.anchors or self.draft.is_label(i) or not self.draft.free(i):
            return True
        return self._cautions(i) or labels.is_name(self.said[i])

    def _content(self, start: int) -> tuple[list[int], int]:
        """Return the plain lines from `start` on, and where they stop."""
        i = start
        while i < min(len(self.draft), start + MOST_LINES):
            if i == self.opening or not self.draft.free(i) or self._beside(i):
                break
            if self.draft.lines[i].hint == "heading":
                break
            if i > start and labels.is_name(self.said[i]) and not self.draft.lines[i].bullet:
                break
            i += 1
        return list(range(start, i)), i

    def _first(
        self, content: list[int], *, bullet: bool | None = None, ended: bool | None = None
    ) -> list[int]:
        """Return the first lines that are alike: with a bullet, or without a full stop."""
        found: list[int] = []
        for i in content:
            each = self.draft.lines[i]
            if bullet not in (None, each.bullet) or ended not in (None, each.ends_sentence):
                break
            found.append(i)
        return found

    def _paragraphs(self, anchor: int, content: list[int]) -> list[int]:
        """Return the paragraphs, with full stops, of a box that nothing ends."""
        words = sum(len(self.said[i].split()) for i in content)
        before = sum(len(self.said[i].split()) for i in self._prose_before(anchor))
        if words <= SHARE_BELOW * before and len(content) < MOST_LINES:
            return content
        together = 1
        while together < len(content) and not self.draft.lines[content[together]].gap:
            together += 1
        return content[:together] if together < len(content) else content[:1]

    def _prose_before(self, anchor: int) -> list[int]:
        return [i for i in range((self.title or 0) + 1, anchor) if self.draft.prose(i)]

    def _bare_bullets(self) -> list[int]:
        """Return two bullets or more that stand between title and body."""
        start = 0 if self.title is None else self.title + 1
        until = len(self.draft) if self.opening is None else self.opening
        while start < until and not (self.draft.free(start) and self.draft.lines[start].bullet):
            if self.draft.prose(start):
                return []
            start += 1
        found = self._first([i for i in range(start, until) if self.draft.free(i)], bullet=True)
        return found if len(found) > 1 else []
