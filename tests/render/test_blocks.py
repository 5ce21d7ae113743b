"""Personal blocks: decided for each reader as Jinja would decide, in subject, HTML and text."""

from __future__ import annotations

import itertools
import quopri
from pathlib import Path
from typing import Any

import jinja2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.content import RenderedIssue
from newsletter.errors import RenderError
from newsletter.render import personal
from newsletter.render.environment import explained, make_environment
from newsletter.render.issue import render_issue
from newsletter.render.marks import Subscriber, make_branch
from newsletter.render.message import IssueIdentity, build_message, personalise
from tests.support.mail_builders import (
    BASE_URL,
    LEAVE,
    NOW,
    make_digest,
    make_publication,
    make_recipient,
)

NONCE = "0123456789abcdef"
READERS = [
    {"name": name, "email": "a@example.org", "attributes.city": city, "attributes.First name": "Ada"}
    for name, city in itertools.product(["", "Ada", '<b>Bo</b> & "Co"\n=3D'], ["", "Minsk"])
]
TEMPLATES = [
    "{% if subscriber.name %}Dear {{ subscriber.name }}{% else %}Hello{% endif %}!",
    "{% if subscriber.name == 'Ada' %}A{% elif not subscriber.name %}N{% else %}B{% endif %}",
    "{% if subscriber.attributes.city == town %}{{ town }}{% endif %}.",
    "{% if subscriber.attributes['First name'] in ['Ada'] and subscriber.name != 'Ada' %}x{% endif %}",
    "{% for n in [1, 2] %}{% if subscriber.name and n == 2 %}{{ n }}{% endif %}-{% endfor %}",
    "{% if subscriber.name %}{% if subscriber.name not in 'Ada' %}a{% else %}b{% endif %}{% endif %}",
    "{{ subscriber.name if subscriber.name else 'nobody' }}{{ ' here' if subscriber.attributes.city }}",
    "{% if town == 'Minsk' %}at home{% endif %}{% if subscriber.name or town %}!{% endif %}",
]  # fmt: skip


def plain(template: str, values: dict[str, str], *, escaped: bool) -> str:
    """What Jinja itself makes of it, for one reader."""
    environment = jinja2.Environment(autoescape=escaped, keep_trailing_newline=True)  # noqa: S701 - as asked
    attributes = {key[11:]: value for key, value in values.items() if key.startswith("attributes.")}
    bare = template.replace("{% personal %}", "").replace("{% endpersonal %}", "")
    return environment.from_string(bare).render(subscriber={**values, "attributes": attributes}, town="Minsk")


def marked(template: str, *, escaped: bool = True) -> str:
    environment = make_environment()
    environment.autoescape = escaped
    return environment.from_string(template).render(subscriber=Subscriber(NONCE), town="Minsk")


def joined(text: str, values: dict[str, str], place: personal.Place = "html") -> str:
    octets = personal.join(personal.pack(personal.compile_part(text, NONCE, place)), values)
    assert max(map(len, octets.split(b"\r\n"))) <= 76
    return quopri.decodestring(octets).decode().replace("\r\n", "\n")


def same_quotes(text: str) -> str:
    return text.replace("&#34;", "&quot;").replace("&#39;", "&#x27;")


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("place", ["html", "text"])
def test_a_block_is_what_jinja_would_have_made_for_that_reader(template: str, place: personal.Place) -> None:
    text = marked(f"{{% personal %}}{template}{{% endpersonal %}}", escaped=place == "html")
    for values in READERS:
        expected = same_quotes(plain(template, values, escaped=place == "html"))

        assert personal.fill(text, NONCE, values, place) == expected
        assert joined(text, values, place) == expected


conditions = st.recursive(
    st.sampled_from(
        ["subscriber.name", "subscriber.attributes.city", "town", "'Ada'", "subscriber.name == 'Ada'",
         "subscriber.attributes.city != town", "subscriber.name in 'Ada, Bo'", "true", "0"]
    ),
    lambda inner: st.one_of(
        st.builds("({} and {})".format, inner, inner),
        st.builds("({} or {})".format, inner, inner),
        st.builds("(not {})".format, inner),
    ),
    max_leaves=6,
)  # fmt: skip


@given(conditions, conditions, st.sampled_from(READERS))
def test_conditions_of_any_shape_decide_as_jinja_does(
    first: str, second: str, values: dict[str, str]
) -> None:
    template = (
        f"a{{% personal %}}{{% if {first} %}}b{{% if {second} %}}c{{% else %}}d{{% endif %}}"
        f"{{% elif {second} %}}e{{% endif %}}{{% endpersonal %}}f"
    )

    assert joined(marked(template), values) == plain(template, values, escaped=True)


@pytest.mark.parametrize(
    ("template", "fault"),
    [
        (
            "{% personal %}{% if subscriber.name|length > 3 %}x{% endif %}{% endpersonal %}",
            "a condition about",
        ),
        ("{% personal %}{% if subscriber.nmae %}x{% endif %}{% endpersonal %}", "subscriber.nmae is no slot"),
        ("{% personal %}{% for x in subscriber.name %}x{% endfor %}{% endpersonal %}", "only {% if %}"),
        ("{% personal %}{{ ('x' if subscriber.name)|upper }}{% endpersonal %}", "only {% if %}"),
        ("{% personal %}{{ subscriber.name or 'x' }}{% endpersonal %}", "only {% if %}"),
        ("{% if subscriber.name %}x{% endif %}", "inside {% personal %}"),
        ("{{ subscriber.name|upper }}", "A filter was applied"),
        ("{{ subscriber.name|truncate(20) }}", "A filter was applied"),
        ("{% personal %}{{ subscriber.name }}", "endpersonal"),
    ],
)
def test_what_cannot_be_decided_per_reader_is_refused_with_its_reason(template: str, fault: str) -> None:
    with pytest.raises(RenderError) as refused, explained():
        personal.compile_part(marked(template), NONCE, "html")

    assert fault in str(refused.value)


@pytest.mark.parametrize("lost", [["endif"], ["if"], ["if", "endif"]])
def test_a_block_that_lost_an_end_is_refused(lost: list[str]) -> None:
    reader = Subscriber(NONCE)
    marks = [make_branch(reader, word, ["value", 1]) for word in ("if", "else", "endif") if word not in lost]

    with pytest.raises(RenderError, match="torn apart"):
        personal.compile_part("a".join(marks), NONCE, "html")


def themed(folder: Path) -> RenderedIssue:
    """An issue whose every part greets by name, and offers a table row to readers of one city."""
    theme = folder / "email/issue"
    theme.mkdir(parents=True)
    greeting = (
        "{% personal %}{% if subscriber.name %}{{ subscriber.name }}: {% else %}Reader: "
        "{% endif %}{% endpersonal %}"
    )
    theme.joinpath("subject.txt").write_text(greeting + "{{ digest.subject }}", encoding="utf-8")
    theme.joinpath("body.txt").write_text(
        "{{ ('Dear ' ~ subscriber.name|default('reader') ~ ', ' ~ 'word ' * 20)|wrap }}\n"
        "{% personal %}\n{% if subscriber.name %}\nYour name is known.\n{% endif %}\n{% endpersonal %}\n",
        encoding="utf-8",
    )
    theme.joinpath("body.html").write_text(
        "<!DOCTYPE html><html><head><title>{{ subject }}</title><style>td{color:red}</style></head>"
        "<body><table>{% personal %}{% if subscriber.attributes.city == 'Minsk' %}<tr><td>Come!</td></tr>"
        '{% endif %}{% endpersonal %}<tr><td title="{{ subject }}">All</td></tr></table></body></html>',
        encoding="utf-8",
    )
    return render_issue(make_digest(), make_publication(), make_environment([folder]))


def test_blocks_work_in_subject_html_and_text_of_an_issue(tmp_path: Path) -> None:
    issue = themed(tmp_path)
    slots = make_recipient().slots
    ada = make_recipient(name='A"da', slots=slots | {"attributes.city": "Minsk"})
    nobody = make_recipient(name=None)

    assert personalise(issue, ada).subject == f'A"da: {make_digest().subject}'
    assert personalise(issue, nobody).subject == f"Reader: {make_digest().subject}"
    assert '<tr><td style="color:red">Come!</td></tr>' in personalise(issue, ada).html
    assert f'title="A&quot;da: {make_digest().subject}"' in personalise(issue, ada).html
    assert "Come!" not in personalise(issue, nobody).html
    assert "Your name is known." in personalise(issue, ada).text
    assert "known" not in personalise(issue, nobody).text
    assert max(map(len, personalise(issue, ada).text.splitlines())) <= 78
    assert "slot-" not in issue.archive_html
    assert "<title>Reader: " in issue.archive_html


def test_the_message_of_each_reader_decodes_to_what_that_reader_is_shown(tmp_path: Path) -> None:
    issue = themed(tmp_path)
    for name in ("Ada", None):
        reader = make_recipient(name=name, slots={"unsubscribe_url": LEAVE, "attributes.city": "Minsk"})
        octets = build_message(
            issue, make_publication(), reader, issue=IssueIdentity("u", 1), base_url=BASE_URL, date=NOW
        )

        assert personalise(issue, reader).html in quopri.decodestring(octets).decode().replace("\r\n", "\n")


def test_a_changed_condition_changes_the_hash(tmp_path: Path) -> None:
    first = themed(tmp_path)
    page = tmp_path / "email/issue/body.html"
    page.write_text(page.read_text(encoding="utf-8").replace("'Minsk'", "'Brest'"), encoding="utf-8")

    assert render_issue(make_digest(), make_publication(), make_environment([tmp_path])).content_hash != (
        first.content_hash
    )


def test_an_attribute_that_a_reader_lacks_is_empty_or_its_default() -> None:
    text = marked("{{ subscriber.attributes.city }}|{{ subscriber.attributes['a:b\u0000é']|default('x') }}")

    assert joined(text, {}) == "|x"
    assert joined(text, {"attributes.city": "Minsk", "attributes.a:b\0é": "y"}) == "Minsk|y"


def test_bodies_are_put_together_once_for_all_readers_that_decide_alike(tmp_path: Path) -> None:
    issue = themed(tmp_path)
    personal._chosen.cache_clear()  # noqa: SLF001 - what it remembers is the point
    for number in range(50):
        values: dict[str, Any] = {"name": f"Reader {number}", "attributes.city": "Minsk" * (number % 2)}
        personal.join(issue.mime, values)

    assert personal._chosen.cache_info().misses == 2  # noqa: SLF001 - as above


def test_a_slot_in_a_condition_that_is_none_is_told_with_its_line() -> None:
    with pytest.raises(RenderError, match=r"line 3: subscriber\.nmae is no slot"), explained():
        marked("\n\n{% personal %}{% if subscriber.nmae %}x{% endif %}{% endpersonal %}")
