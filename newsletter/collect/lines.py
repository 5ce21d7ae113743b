"""What one line of a text page is: chrome, a heading, a field of an article's head, or text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from newsletter.collect.dates import parse_date_line

if TYPE_CHECKING:
    from datetime import datetime, tzinfo

Heading = Literal["similar", "trends", "subscribe", "page"]

_CHROME_WORDS: Final = (
    "header|footer|nav|navigation|navbar|menu|content|main|body|sidebar|page"
    "|wrapper|container|top|logo|banner|article"
)
_CHROME: Final = re.compile(
    rf"(?:<!--\s*)?(?:(?:end|begin|start|of|the|/)?\s*[#./]?[\w-]{{1,24}}\s*){{0,3}}--+>|<!--[^>]{{0,80}}(?:-->)?"
    rf"|<!--\s*(?:{_CHROME_WORDS})",
    re.IGNORECASE,
)
_CHROME_GLUED: Final = re.compile(rf"(?:<!--\s*)?/?(?:{_CHROME_WORDS})?\s*--+>\s*(?=\S)", re.IGNORECASE)
_PAGE_START: Final = re.compile(r"(?:<!--\s*)?(?:page\s+)?header\b.*", re.IGNORECASE)

_HEADINGS: Final[dict[Heading, str]] = {
    "similar": r"(?:similar|related) (?:articles?|news|stories|posts|materials?|publications?)"
    r"|(?:похожие|схожие|связанные) (?:статьи|материалы|новости|публикации)|статьи по теме|материалы по теме"
    r"|падобныя (?:артыкулы|матэрыялы|навіны)|(?:схожі|подібні) (?:статті|матеріали|новини)"
    r"|ähnliche (?:artikel|beiträge)|articles (?:similaires|liés)|artículos (?:similares|relacionados)"
    r"|podobne artykuły|articoli (?:simili|correlati)|artigos (?:semelhantes|relacionados)"
    r"|vergelijkbare artikelen",
    "trends": r"(?:recent|latest|current) trends?|trends? of the (?:week|month)"
    r"|(?:последние|недавние|текущие|актуальные) (?:тренды|тенденции)|(?:апошнія|нядаўнія)"
    r" (?:трэнды|тэндэнцыі)"
    r"|останні (?:тренди|тенденції)|(?:aktuelle|jüngste|neueste) (?:trends|entwicklungen)|tendances récentes"
    r"|tendencias recientes|(?:ostatnie|najnowsze) trendy|tendenze recenti|tendências recentes"
    r"|recente trends",
    "subscribe": r"(?:please )?(?:subscribe|sign[ -]?up)(?: (?:to|for) (?:our|the|this|my)?(?:"
    r" (?:weekly|daily|free))?"
    r" ?(?:e-?mail )?newsletters??)|subscribe(?: now)?"
    r"|подпи(?:сывайтесь|саться|шитесь|ска) на (?:нашу |наш )?(?:рассылку|новости|бюллетень)"
    r"|падпі(?:сацца|шыцеся|савайцеся) на (?:нашу )?рассылку|підпи(?:сатися|шіться) на (?:нашу )?розсилку"
    r"|(?:unseren )?newsletter abonnieren|abonnieren sie unseren newsletter"
    r"|abonnez-vous à notre (?:newsletter|lettre d['’]information)"
    r"|suscríb(?:ete|ase) a nuestro boletín|zapisz się (?:na|do) (?:nasz(?:ego)? )?newslettera?",
}
_MARK: Final = r"(?:#{1,6}\s+|[*_=]{1,3}\s*)?"
_HEADING: Final = {
    kind: re.compile(rf"{_MARK}(?:{words})\s*[::!.…]?\s*[*_=#]{{0,3}}", re.IGNORECASE)
    for kind, words in _HEADINGS.items()
}
_HEADING_GLUED: Final = {
    kind: re.compile(rf"(?P<heading>(?i:{words}))(?P<mark>\s*[::!](?:\s+|(?=\S)))?(?P<rest>[^\w\s]?\w.*)")
    for kind, words in _HEADINGS.items()
}

_CATEGORY: Final = (
    r"category|section|rubric|категория|рубрика|раздел|катэгорыя|рубрыка|категорія|розділ"
    r"|kategorie|rubrik|catégorie|rubrique|categoría|kategoria|categoria|categorie"
)
_STATUS: Final = r"status|state of play|статус|состояние|стан|statut|estado|stato"
_BOTH: Final = (
    rf"(?:{_CATEGORY})['’]?s? (?:{_STATUS})|(?:{_STATUS}) (?:of the |der |de la |de |della |da"
    rf" )?(?:{_CATEGORY}|kategorii)"
    r"|категории статус|статус (?:категории|рубрики|раздела|катэгорыі|рубрыкі|категорії)"
    r"|kategorie-?status|rubrik-?status"
)
_COLON: Final = r"\s*[::]\s*"
_GAP: Final = r"(?:\s{2,}|\s*[|;,·•/–—]\s*|\s+-\s+|\s+)"
_FIELD_BOTH: Final = re.compile(rf"(?:{_BOTH})(?:{_COLON}(?P<status>.*))?", re.IGNORECASE)
_FIELD_CATEGORY: Final = re.compile(
    rf"(?:{_CATEGORY}){_COLON}(?:(?P<category>.*?){_GAP})??(?:(?P<only>(?:(?!\b(?:{_STATUS})\s*[::]).)*)"
    rf"|(?:(?:{_CATEGORY}) )?(?:{_STATUS}){_COLON}(?P<status>.*))",
    re.IGNORECASE,
)
_FIELD_STATUS: Final = re.compile(
    rf"(?:{_STATUS}){_COLON}(?:(?P<status>.*?){_GAP}(?:{_CATEGORY}){_COLON}(?P<category>.*)|(?P<only>.*))",
    re.IGNORECASE,
)
_FIELD_NAMED: Final = re.compile(
    rf"(?P<category>\w[^::.!?]{{0,59}}?)(?:['’]s?)?[ -]+(?:{_STATUS}){_COLON}(?P<status>.*)", re.IGNORECASE
)
_FIELD_IMAGE: Final = re.compile(
    r"(?:(?:image|photo|picture|illustration|img|pic)s?(?: (?:credits?|source|courtesy|by))?"
    r"|credits?|фото|изображение"
    r"|иллюстрация|источник (?:фото|изображения)|выява|малюнак|здымак|зображення|bild(?:quelle"
    r"|nachweis)?|foto"
    rf"|imagen|crédit photo|zdjęcie|obraz|immagine|imagem|afbeelding){_COLON}(?P<credit>.*)",
    re.IGNORECASE,
)
_LONGEST_FIELD: Final = 200


@dataclass(frozen=True, slots=True)
class Line:
    """One line that is not blank; its fields say what it could be, not what it must be."""

    text: str
    blank_before: bool = False
    heading: Heading | None = None
    date: datetime | None = None
    image: str | None = None
    """The credit after `Image:`, "" for none; None where the line is no such field."""
    standing: tuple[str | None, str | None] | None = None
    """Category and status, where the line gives them."""
    named: bool = False
    """The line only looks like `Foreign policy status: tense`, which a title may do as well."""

    @property
    def is_field(self) -> bool:
        """Whether the line can stand in the head of an article."""
        return (
            self.date is not None or self.image is not None or (self.standing is not None and not self.named)
        )

    @property
    def is_sentence(self) -> bool:
        """Whether it ends as running text does."""
        return (
            self.text.rstrip("\"'”’»)]").endswith((".", ":", ";", ",", "…"))
            or len(self.text) > _LONGEST_FIELD
        )

    @property
    def ends_text(self) -> bool:
        """Whether it ends as a paragraph does; a title may ask or exclaim too."""
        return self.is_sentence or self.text.rstrip("\"'”’»)]").endswith(("!", "?"))

    @property
    def is_item(self) -> bool:
        """Whether it is an entry of a list."""
        return bool(re.match(r"(?:[-–—•*·‣▪●+]\s|\d{1,2}[.)]\s|[a-z]\))", self.text))


def split_lines(text: str, tz: tzinfo) -> list[Line]:
    """Part a page into its lines, without blank ones and page chrome; what is glued to a heading comes apart.

    A lone leftover such as `header -->` is dropped, save that a page's header is kept as the heading "page".
    """
    lines: list[Line] = []
    blank = False
    for raw in text.splitlines():
        line = " ".join(raw.split())
        if not line or re.fullmatch(r"[-=_*~]{3,}", line):
            blank = True
            continue
        if _CHROME.fullmatch(line):
            if _PAGE_START.fullmatch(line):
                lines.append(Line(line, heading="page"))
            blank = True
            continue
        if chrome := _CHROME_GLUED.match(line):
            if _PAGE_START.fullmatch(chrome[0]):
                lines.append(Line(chrome[0].strip(), heading="page"))
            line = line[chrome.end() :]
        lines.extend(_headings(line, tz, blank_before=blank))
        blank = False
    return lines


def _headings(line: str, tz: tzinfo, *, blank_before: bool) -> list[Line]:
    for kind, pattern in _HEADING.items():
        if pattern.fullmatch(line):
            return [Line(line, blank_before, heading=kind)]
    for kind, pattern in _HEADING_GLUED.items():
        if (match := pattern.fullmatch(line)) and _is_glued(kind, match):
            return [Line(match["heading"], blank_before, heading=kind), classify(match["rest"], tz)]
    return [classify(line, tz, blank_before=blank_before)]


def _is_glued(kind: Heading, match: re.Match[str]) -> bool:
    if match["mark"]:
        # "Recent trends: a survey" is as well a title as a heading; "Subscribe to our newsletter: X" is not.
        return kind == "subscribe"
    # Cased letters tell "Recent trendsMilitary" from "Recent trendsetters"; capitals alone cannot.
    return match["rest"].lstrip("\"'“«‘(")[:1].isupper() and not match["heading"].isupper()


def classify(line: str, tz: tzinfo, *, blank_before: bool = False) -> Line:
    """Say which field of an article's head a line can be; without one it is text."""
    if len(line) > _LONGEST_FIELD:
        return Line(line, blank_before)
    bare = re.sub(r"\*\*|__", "", line)
    if date := parse_date_line(bare, tz):
        return Line(line, blank_before, date=date)
    if image := _FIELD_IMAGE.fullmatch(bare):
        return Line(line, blank_before, image=image["credit"].strip())
    if both := _FIELD_BOTH.fullmatch(bare):
        return Line(line, blank_before, standing=(None, _value(both["status"])))
    if field := (_FIELD_CATEGORY.fullmatch(bare) or _FIELD_STATUS.fullmatch(bare)):
        return Line(line, blank_before, standing=_standing(field))
    if named := _FIELD_NAMED.fullmatch(bare):
        return Line(
            line, blank_before, standing=(_value(named["category"]), _value(named["status"])), named=True
        )
    return Line(line, blank_before)


def _standing(field: re.Match[str]) -> tuple[str | None, str | None]:
    only = _value(field["only"])
    if field.re is _FIELD_STATUS:
        return _value(field["category"]), only or _value(field["status"])
    return only or _value(field["category"]), _value(field["status"])


def _value(text: str | None) -> str | None:
    """Take a dash, "n/a" or "none" for the empty value that it stands for."""
    value = (text or "").strip(" |;,·•")
    return None if value.lower() in {"", "-", "–", "—", "n/a", "none", "null"} else value
