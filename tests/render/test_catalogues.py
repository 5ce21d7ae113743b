"""Catalogues: every text of a mail in every language that comes along, with its forms and its values."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po

from newsletter.errors import RenderError
from newsletter.render.environment import make_environment, packaged_templates
from newsletter.render.issue import render_issue
from tests.support.mail_builders import NOW, make_digest, make_publication, make_rich_digest

LANGUAGES = ["ar", "be", "ru"]
PLURALS = {
    "ru": ["1 минута чтения", "2 минуты чтения", "5 минут чтения", "11 минут чтения", "21 минута чтения"],
    "be": ["1 хвіліна чытання", "2 хвіліны чытання", "5 хвілін чытання", "11 хвілін чытання",
           "21 хвіліна чытання"],
    "ar": ["دقيقة قراءة واحدة", "دقيقتا قراءة", "5 دقائق قراءة", "11 دقيقة قراءة", "21 دقيقة قراءة"],
}  # fmt: skip


def list_messages() -> set[str | tuple[str, ...]]:
    """Every text that a template of a mail or of a public page asks to be translated."""
    environment = make_environment()
    found: set[str | tuple[str, ...]] = set()
    for path in packaged_templates().glob("**/*.*"):
        if path.suffix in {".html", ".txt"}:
            texts = environment.extract_translations(path.read_text("utf-8"))  # type: ignore[attr-defined]  # the i18n extension adds it
            for _, _, message in texts:
                parts = [message] if isinstance(message, str) else [part for part in message if part]
                found.add(parts[0] if len(parts) == 1 else tuple(parts))
    return found


def read(language: str) -> Catalog:
    with (packaged_templates() / f"locale/{language}.po").open("rb") as file:
        return read_po(file)


def texts_of(message: Message) -> Iterator[str]:
    yield from [message.string] if isinstance(message.string, str) else message.string or ()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_of_mails_and_public_pages_is_translated_and_no_other(language: str) -> None:
    assert {message.id for message in read(language) if message.id} == list_messages()


@pytest.mark.parametrize("language", LANGUAGES)
def test_translations_have_all_forms_and_keep_their_values(language: str) -> None:
    catalogue = read(language)
    for message in catalogue:
        texts = list(texts_of(message))
        wanted = set(re.findall(r"%\(\w+\)s", str(message.id)))

        assert all(texts), message.id
        assert len(texts) == (catalogue.num_plurals if message.pluralizable else 1)
        # Languages with a form for one or for two say the number in words.
        assert all(
            set(re.findall(r"%\(\w+\)s", text)) in (wanted, wanted - {"%(num)s"})
            for text in texts
            if message.id
        )


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_count_has_the_form_of_its_language(language: str) -> None:
    template = make_environment().from_string("{{ ngettext('%(num)s min read', '%(num)s min read', n) }}")
    shown = [template.render(publication=make_publication(language=language), n=n) for n in (1, 2, 5, 11, 21)]

    assert shown == PLURALS[language]


@pytest.mark.parametrize(("language", "words"), [
    ("ru", ["В этом выпуске", "23 ноября 2026", "Отписаться"]),
    ("be-tarask", ["У гэтым выпуску", "23 лістапада 2026", "Адпісацца"]),
    ("ar-EG", ["في هذا العدد", "نوفمبر", "إلغاء الاشتراك"]),
    ("en-GB", ["In this issue", "23 November 2026", "Unsubscribe"]),
    ("zz", ["In this issue", "November 23, 2026", "Unsubscribe"]),
])  # fmt: skip
def test_an_issue_speaks_the_language_of_its_publication(language: str, words: list[str]) -> None:
    issue = render_issue(make_rich_digest(), make_publication(language=language), make_environment())
    said = issue.html.replace("\u00a0", " ") + issue.text

    assert [word for word in words if word not in said] == []


def test_a_catalogue_of_ones_own_takes_the_place_of_ours(tmp_path: Path) -> None:
    folder = tmp_path / "locale"
    folder.mkdir()
    folder.joinpath("en.po").write_text('msgid "Unsubscribe"\nmsgstr "Leave us"\n', encoding="utf-8")

    issue = render_issue(make_digest(), make_publication(), make_environment([tmp_path]))

    assert ">Leave us</a>" in issue.html
    assert "Leave us:" in issue.text


def test_a_broken_catalogue_is_an_error_that_names_it(tmp_path: Path) -> None:
    folder = tmp_path / "locale"
    folder.mkdir()
    folder.joinpath("en.po").write_text('msgid "Unsubscribe"\nmsgstr[x] "Leave"\n', encoding="utf-8")

    with pytest.raises(RenderError, match=r"Catalogue locale/en\.po"):
        render_issue(make_digest(date=NOW), make_publication(), make_environment([tmp_path]))
