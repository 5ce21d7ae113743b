"""The style block and the scaffolding for Outlook: what clients need besides inlined styles."""

from __future__ import annotations

import re

from newsletter.review.mail import Facts, Mail, Spot
from newsletter.review.rule import Faults, rule

STYLE_LIMIT = 16_384
DEEPEST_TABLE = 6
SMALLEST_TEXT = 12
_CONDITION = re.compile(r"<!--\[if ([^\]]*)\]>(.*?)<!\[endif\]-->", re.DOTALL)
_MARK = re.compile(r"<!(?:--)?\[(if|endif)\b")
_SPLIT_ELEMENT = re.compile(r"<(/?)(table|tr|td|div)\b", re.IGNORECASE)
_SIZE = re.compile(r"(\d*\.?\d+)px")


@rule(
    "css.media-important",
    "advises",
    why="Inlined styles beat a media rule without !important, so dark and narrow screens get the wrong look.",
    fix="Write !important behind each value inside @media.",
)
def media_important(mail: Mail, _: Facts) -> Faults:
    inlined = {each.name for block in mail.styles.blocks if not block.selector for each in block.declarations}
    for block in mail.styles.blocks:
        if "@media" in block.media and block.selector:
            weak = [each.name for each in block.declarations if not each.important and each.name in inlined]
            if weak:
                yield f"{', '.join(weak)} in {block.media[:60]} lack !important.", _line(block.line)
                return


@rule(
    "css.important",
    "advises",
    why="An inlined !important beats every media rule, so the mail cannot adapt to dark or narrow screens.",
    fix="Use !important inside @media only.",
)
def important(mail: Mail, _: Facts) -> Faults:
    for block in mail.styles.blocks:
        if not block.selector and not block.media and any(each.important for each in block.declarations):
            yield "A style attribute holds !important.", block.element
            return


@rule(
    "css.style-size",
    "advises",
    why="Gmail drops every style block once they have more than 16 kB together.",
    fix="Take rules out that no element uses.",
)
def style_size(mail: Mail, _: Facts) -> Faults:
    size = sum(len((style.text or "").encode("utf-8", "replace")) for style in mail.find("//style"))
    if size > STYLE_LIMIT:
        yield f"The style blocks have {size:,} octets; Gmail takes {STYLE_LIMIT:,}.", "style blocks"


@rule(
    "css.broken",
    "advises",
    why="Clients skip what they cannot read, and Gmail then drops the whole style block.",
    fix="Mend the CSS at that place.",
)
def broken(mail: Mail, _: Facts) -> Faults:
    for message, _element, line in mail.styles.errors:
        yield f"The CSS cannot be read: {message}.", _line(line)


@rule(
    "css.text-size",
    "advises",
    why="Smaller text cannot be read on a phone, and iOS blows it up and breaks the layout.",
    fix="Use 14 px or more; 12 at the least.",
)
def text_size(mail: Mail, _: Facts) -> Faults:
    for block in mail.styles.blocks:
        if block.selector or not re.search(r"\w", block.element.text or ""):
            continue
        for each in block.declarations:
            found = _SIZE.search(each.text) if each.name in {"font-size", "font"} else None
            if found and 1 < float(found[1]) < SMALLEST_TEXT:
                yield f"This text is {found[1]} px small.", block.element


@rule(
    "css.tables-deep",
    "advises",
    why="Outlook stops drawing tables that are nested too deep.",
    fix="Take tables out; padding on a cell does what most inner ones are for.",
)
def tables_deep(mail: Mail, _: Facts) -> Faults:
    for table in mail.find("//table"):
        if len(list(table.iterancestors("table"))) >= DEEPEST_TABLE:
            yield f"This table lies inside {DEEPEST_TABLE} others.", table
            return


@rule(
    "css.outlook-parts",
    "advises",
    why="Outlook for Windows draws the rest of the mail inside a table that a conditional comment left open.",
    fix="Close in a later conditional comment what an earlier one opens.",
)
def outlook_parts(mail: Mail, _: Facts) -> Faults:
    marks = _MARK.findall(mail.html)
    if marks.count("if") != marks.count("endif"):
        yield "A conditional comment is not closed.", "HTML part"
        return
    opened = dict.fromkeys(("table", "tr", "td", "div"), 0)
    for condition, content in _CONDITION.findall(mail.html):
        if "mso" in condition and "!mso" not in condition:
            for end, name in _SPLIT_ELEMENT.findall(content):
                opened[name.lower()] += -1 if end else 1
    if wrong := [name for name, count in opened.items() if count]:
        yield f"The parts for Outlook open and close {', '.join(wrong)} not equally often.", "HTML part"


def _line(line: int) -> Spot:
    return Spot(f"HTML line {line}, in a style block", line)
