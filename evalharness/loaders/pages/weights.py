"""What signs speak for: the tables behind `reading`.

Which sign speaks for which role, and about how strongly, was set by hand. Where that gave a wrong
reading of a page whose roles are known, the prices were moved by the least that mends it (a
perceptron on whole readings) and rounded to halves.

A pattern names states: roles parted by `|`, then perhaps `@` and zones, `/` and what is open; `*`
is any role. A price is added where a pattern matches; about 1 is a hint, 4 is nearly certain.
"""

from typing import NamedTuple

NEVER = -1e6  # a bound, and no weight: no page is so long that its other lines outweigh it

SIGNS: dict[str, dict[str, float]] = {
    # Every line: roles that need a sign of their own start below what they need to show.
    "any": {
        "title": -0.5,
        "again|ai_label|label|notice|remark": -30.5,
        "time": -20.5,
        "byline|credit": -4.5,
        "caption": -3.0,
        "deck": -2.0,
        "deck/machine": -4.0,
        "source": -6.0,
        "summary": -1.5,
        "summary/closed": 0.0,
        "subhead": -2.0,
        "furniture": 0.5,
    },
    # The shape of a line
    "prose": {
        "body": 2.0,
        "title": -3.5,
        "subhead": -5.0,
        "furniture@body": -0.5,
        "furniture@head": -2.5,
        "furniture@top": -1.5,
        "furniture@end": -1.5,
        "summary/machine|named": 0.5,
        "summary/again": 0.5,
        "summary@end": -0.5,
        "caption": -0.5,
    },
    "fragment": {
        "body": -0.5,
        "title": 1.0,
        "furniture": -0.5,
        "subhead": 1.5,
        "summary/named": 1.0,
        "summary/again": 2.0,
        "summary/machine": 2.0,
    },
    "long": {  # a paragraph without a stop
        "body": 0.0,
        "title": -0.5,
        "furniture": -2.0,
        "subhead": -4.0,
        "summary/named": 2.0,
        "summary/again": 2.0,
        "summary/machine": 4.5,
        "deck": 1.5,
    },
    "headline": {"title": 2.5, "deck": 1.5},
    "few_words": {"title": -1.5, "summary": -5.0, "deck": -2.0, "body": -1.0},
    "very_long": {"title": -3.0, "subhead": -4.0},
    "bullet": {
        "summary": 3.0,
        "summary@top|head/closed": 0.0,
        "title": -4.0,
        "body": 1.5,
        "subhead": -4.0,
        "deck": -3.0,
    },
    "question": {"title": 0.0, "subhead": 2.5, "body": -1.0},
    "upper_headline": {"title": 4.0, "body": -3.0, "summary": -1.0},
    "upper": {"title": -0.5, "subhead": 1.0, "furniture": 0.0},
    "goes_on": {"body": 5.0, "furniture": -2.0, "title": -2.0},
    "first": {"title": 0.0},
    "last": {"*@top|head": -8.0},
    # How an article begins, goes on and ends
    "opener": {
        "body": 4.0,
        "summary": -12.0,
        "deck": -6.0,
        "title": -6.0,
        "furniture|byline|time|credit|caption|again": -8.0,
    },
    "claim": {"body": 3.5, "summary": -6.0, "title": -3.0, "deck": -3.0, "furniture": -2.0},
    "rating": {"body": 5.0, "summary": -5.0, "title": -5.0, "subhead": -3.0},
    "caps_lead": {"caption": 4.0, "summary": -3.0, "title": -3.0},
    "tagged": {"body": 1.5, "summary": -2.0},
    "source_line": {"source": 9.5, "body": -2.0, "title": -3.0},
    "points_back": {},
    # Labels
    "notice": {
        "notice": 39.0,
        "notice@body": -3.0,
        "body": -2.0,
        "summary": -12.0,
        "title": -6.0,
        "subhead": -4.0,
    },
    "remark": {"remark": 39.0, "body": -2.0, "summary": -6.0, "title": -6.0, "subhead": -4.0},
    "caution": {"remark/machine|named": 34.0, "summary": -12.0},
    "ai_label": {"ai_label": 36.0, "summary": -6.0, "title": -5.0, "body": -4.0, "subhead": -3.0},
    "label": {"label": 31.5, "summary": -6.5, "title": -4.0, "body": -4.0, "subhead": 0.5},
    "time": {
        "time": 23.5,
        "time@top|end": -10.0,
        "title": -5.0,
        "summary": -6.0,
        "body": -5.0,
        "subhead": -4.0,
    },
    "dated": {"time@top|end": 10.0},
    "byline": {"byline": 12.0, "title": -3.0, "summary": -5.0, "body": -4.0, "subhead": -3.0},
    "by_role": {"byline": 11.0, "deck": -3.0, "title": -1.5, "summary": -4.0, "subhead": -2.0},
    "name": {
        "byline@head": 6.5,
        "byline@end|body": 2.0,
        "byline@top": 3.0,
        "credit": 5.5,
        "credit@top": -8.0,
        "summary": -9.0,
        "title": -2.5,
        "deck": -2.0,
        "body": -3.0,
        "subhead": -0.5,
    },
    "name_upper": {"credit": 1.5, "byline": -1.5},
    "site_name": {"byline@head": 6.5, "title": -3.0, "summary": -4.0, "subhead": -3.0},
    "handle": {"furniture": 4.0},
    "picture": {"byline": -6.0, "credit": 4.0},
    "below_caption": {"byline": -8.0, "credit": 6.0, "summary": -6.0, "title": -3.0, "deck": -3.0},
    "above_credit": {"caption": 4.0, "summary": -2.0},
    "tail": {"furniture": 1.0, "body": -2.5, "subhead": -2.0},
    "credit": {"credit": 11.0, "title": -4.0, "summary": -5.0, "body": -4.0, "subhead": -3.0},
    "caption": {"caption": 6.0, "body": -4.0, "summary": -4.0, "title": -3.0, "subhead": -3.0},
    # How far a box reaches
    "unclosed": {"summary/closed": NEVER},
    "bare_bullet": {"summary@body|end/closed": NEVER},
    "out_of_reach": {"summary": NEVER},
    # What a line says again
    "twin": {
        "again": 33.0,
        "again@body": -0.5,
        "title": 5.0,
        "body": 1.5,
        "summary": -8.5,
        "subhead": -3.0,
    },
    "near_twin": {"again": 31.5, "again@body": -4.0, "title": -1.0, "summary": -2.5},
    "fuller_twin": {"title": 2.5, "summary": -1.0},
    "continued": {"furniture": 5.0, "body": -4.0, "title": -4.0, "summary": -3.0},
    "pulled": {"furniture@body|end": 5.0, "subhead": -2.0, "body": -2.0},
    "post": {"furniture": 8.0},
    "bio": {"furniture": 7.0},
    "echo": {"summary/machine|named": 0.5},
    # What belongs to the site
    "furniture": {
        "furniture": 6.0,
        "title": -4.0,
        "summary": -4.0,
        "body": -4.0,
        "subhead": -4.0,
        "deck": -4.0,
    },
    "pointer": {"furniture": 5.0, "title": -4.0, "summary": -4.0, "body": -4.0, "subhead": -4.0},
    "site_talk": {"furniture": 5.0, "title": -2.5, "body": -2.0, "summary": -1.5},
    "site_words": {"furniture@top|head|end": 3.5, "title": -2.0, "body": -1.5},
    "glued": {"furniture": 3.0, "title": -6.0},
    "stamped": {"furniture": 1.5, "summary": -4.0, "title": -3.0, "subhead": -1.0},
    "code": {"title": -3.0, "subhead": -2.0, "furniture": 1.0},
    "said_site": {"byline": -10.0, "furniture": 3.0, "title": -3.0, "credit": -1.0},
    "said_deck": {"deck": 2.0, "body": -0.5},
    "again_author": {"byline": -10.0, "furniture": 2.0},
    "beside_author": {"byline": -6.0},
    "heads_box": {"label": 32.0, "summary": -6.0},
    "after_author": {"byline": -10.0, "furniture": 2.0, "credit": -3.0},
    "lower_start": {"furniture": 2.0, "body": -2.0, "title": -2.0, "subhead": -2.0},
    "imperative": {"furniture": 4.5, "body": -3.0, "title": -2.0, "subhead": -2.0},
    "series": {"body": 4.5, "subhead": -3.0},
    "before_byline": {"deck": 4.0, "body": -2.0},
    "leads_away": {"furniture": 5.0, "body": -2.0, "summary": -3.0, "title": -3.0},
    # What HTML says
    "h_title": {"title": 14.0},
    "h_heading": {"subhead": 2.5, "title": 1.0, "body": -3.0, "summary": -2.0, "deck": 2.0},
    "h_byline": {"byline": 7.0, "title": -2.0, "body": -2.0, "summary": -3.0},
    "h_time": {"time": 24.0, "title": -2.0, "body": -2.0, "summary": -3.0},
    "h_caption": {"caption": 6.0, "credit": 1.0, "body": -4.0, "summary": -3.0, "title": -3.0},
    "h_box": {
        "body": -12.0,
        "title": -6.0,
        "subhead": -9.0,
        "summary": 5.0,
        "summary/closed": 2.0,
        "furniture": -1.0,
        "deck": -6.0,
    },
    "h_furniture": {"furniture": 9.0, "title": -6.0, "summary": -9.0, "body": -9.0},
    "h_frame": {"furniture": 14.0, "title": -6.0, "summary": -9.0, "body": -12.0},
    "html_fragment": {"subhead": -4.0},
    # What the page says of itself, in its data for machines
    "said_title": {"title": 5.0, "again": 1.0},
    "said_author": {"byline": 7.0, "credit": -3.0},
    "said_body": {"body": 4.0, "summary": -4.0, "furniture": -3.0},
    "not_said_body": {"body": -2.0, "subhead": -1.0},
}


class Price(NamedTuple):
    """What it costs to go from one state to the next."""

    one: str
    two: str
    price: float


LINKS: dict[str, list[Price]] = {
    "always": [
        # zones
        Price("*@top", "*@body", -3.0),  # no title
        Price("*@top|head", "*@end", -10.0),  # no article
        Price("*@body", "*@end", -0.5),
        Price("*@top", "title", 0.5),
        Price("furniture@head", "body", 1.5),
        Price("furniture@body", "furniture@body", -2.0),
        # what follows a title, and where one may stand
        Price("notice|label|ai_label|again", "title", -3.0),
        Price("summary", "title", -1.5),
        Price("title", "label", 3.0),
        Price("label@head", "body", -1.5),
        Price("ai_label@head", "body", -2.5),
        Price("ai_label|label@body", "body", -3.5),
        Price("summary/machine|named", "notice|remark", 3.0),
        Price("title", "byline|time|credit|notice|ai_label|again|body|deck", 0.5),
        Price("title", "furniture", -3.0),
        Price("byline|time|credit|caption", "title", -1.5),
        Price("deck", "byline|time|credit|notice|ai_label", 2.0),
        Price("deck", "body", -0.5),
        Price("deck", "deck", -3.0),
        Price("summary|notice|remark|label|ai_label", "deck", -4.0),
        Price("furniture", "deck", -0.5),
        Price("caption|credit", "deck", 0.0),
        Price("furniture@body", "body", 0.5),
        # a box is opened before it speaks
        Price("*/closed", "summary/closed", 1.0),
        Price("summary/closed", "notice", 2.0),
        Price("summary/closed", "body|subhead", -5.0),
        Price("ai_label|label|again", "summary", 4.0),
        Price("notice", "summary", 4.0),
        Price("summary", "again", 3.0),
        Price("summary", "subhead", 2.0),
        Price("summary", "furniture", -1.5),
        Price("body", "summary/closed", -3.5),
        Price("byline|time", "summary", -2.0),
        Price("furniture", "summary/again|machine|named", -2.5),
        Price("caption", "credit", 1.0),
        Price("byline|byline", "byline", 0.0),
        # inside the article
        Price("body", "byline|time", -1.5),
        Price("body", "credit|caption", -2.5),
        Price("subhead", "body", 1.5),
        Price("subhead", "subhead", 2.0),
        Price("subhead", "furniture|source|caption", -1.5),
        Price("subhead", "*@end", -4.0),
        Price("body", "deck", -5.0),
    ],
    "alike": [Price("summary", "summary", 1.0), Price("summary", "body", -2.5)],
    "alike_prose": [Price("summary", "summary", 1.5)],
    "unlike": [Price("summary", "summary", -5.0), Price("summary", "body", 0.0)],
    "together": [Price("summary", "summary", 3.0)],
    "apart": [],
    "opener": [
        Price("*@top|head", "body", 3.0),
        Price("summary", "body", 4.0),
        Price("*@body", "body", -4.0),
    ],
    "claim": [Price("*@top|head", "body", 2.5), Price("summary", "body", 2.5)],
    "caps_lead": [Price("summary", "body", 3.5)],
    "listed": [Price("furniture", "subhead|body", -4.0)],
    "ends_here": [Price("body", "*@body", -2.5)],
    "list_below": [Price("*@body", "*@body", -2.0)],
    "comments_below": [Price("*@body", "*@body", -10.0)],
    "below_picture": [Price("caption|credit@head", "summary@head/again|machine", 2.5)],
    "pictured": [Price("body", "caption|credit", 2.0)],
    "box_ends": [
        Price("summary", "summary", -6.0),
        Price("summary", "body", 2.0),
        Price("summary/closed", "body|subhead", 5.0),
    ],
}
