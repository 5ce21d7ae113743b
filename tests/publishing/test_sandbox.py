"""Themes edited in a browser: rendered the same, and none of the known ways out of Jinja leads anywhere."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from newsletter.config import Settings
from newsletter.errors import RenderError
from newsletter.publishing.composition import make_renderer
from newsletter.publishing.sandbox import render_apart
from newsletter.render.environment import make_environment
from newsletter.render.issue import render_issue
from newsletter.render.notice import render_notice
from newsletter.render.sandbox import CPU_SECONDS, MEMORY, Job, read_answer, render_fenced
from tests.support.mail_builders import make_digest, make_publication, make_rich_digest

ESCAPES = [
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ digest.__class__.__init__.__globals__ }}",
    "{{ digest|attr('__class__') }}",
    "{{ digest['__class__'] }}",
    "{{ ['__class__']|map('attr', digest)|list }}",
    "{{ [digest]|map(attribute='__class__')|first }}",
    "{{ self.__init__.__globals__ }}",
    "{{ self._TemplateReference__context }}",
    "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
    "{{ joiner.__init__.__globals__ }}",
    "{{ namespace.__init__.__globals__ }}",
    "{{ lipsum.__globals__['os'] }}",
    "{{ lipsum(1) }}",
    "{{ range.__globals__ }}",
    "{{ _.__globals__ }}",
    "{{ notes.__init__.__globals__ }}",
    "{{ subscriber._nonce }}",
    "{{ subscriber.__dict__ }}",
    "{{ '{0.__class__.__init__.__globals__}'.format(digest) }}",
    "{{ '{0.__class__}'|safe.format(digest) }}",
    "{{ ('%s' % digest) }}",
    "{{ '{x.__class__}'.format_map({'x': digest}) }}",
    "{{ ['{0.__class__}'.format]|map('upper')|first }}{{ ''.format.__self__ }}",
    "{% set m = digest.sections.__class__ %}{{ m }}",
    "{{ (digest.date.__reduce__()) }}",
    "{% for k in (caller or x).__globals__ %}{% endfor %}",
    "{{ config }}{{ request.application }}",
    "{% include '/etc/passwd' %}",
    "{% include '../../../../etc/passwd' %}",
    "{% include 'web/layout.html' %}",
    "{% include 'email/themes/letter/body.html' %}",
    "{% import 'email/confirm/body.html' as x %}",
    "{% extends 'email/sign-in/body.html' %}",
    "{% do digest.sections.append(1) %}{% do [].append(1) %}",
    "{{ 9 ** 9 ** 9 }}",
    "{{ 'x' * 10000000 }}",
    "{{ [0] * 10000000 }}",
    "{{ '%1000000000d' % 1 }}",
    "{% for a in range(99999999) %}{% endfor %}",
]
HUNGRY = [
    "{% for a in range(9999) %}{% for b in range(9999) %}{{ a * b }}{% endfor %}{% endfor %}",
    "{{ 'x'.ljust(4000000000) }}",
    "{% macro again() %}{{ again() }}{% endmacro %}{{ again() }}",
    "{% for a in range(2000) %}{{ 'x'.ljust(1000) }}{% endfor %}",
]  # fmt: skip


def edited(folder: Path, page: str, *, is_edited: bool = True) -> tuple[Path, ...]:
    theme = folder / "email/themes/mine"
    theme.mkdir(parents=True, exist_ok=True)
    theme.joinpath("theme.toml").write_text(f"edited = {str(is_edited).lower()}\n", encoding="utf-8")
    theme.joinpath("body.html").write_text(page, encoding="utf-8")
    return (folder,)


def page(words: str) -> str:
    return f"<!DOCTYPE html><html><head><title>x</title></head><body><p>{words}</p></body></html>"


MINE = make_publication(theme="mine", language="ru")


def test_an_edited_theme_makes_the_mail_that_an_operators_would(tmp_path: Path) -> None:
    text = '{% extends "email/_base/issue.html" %}{% block share %}{% endblock %}'
    settings = Settings(templates_dir=tmp_path)
    edited(tmp_path, text, is_edited=False)
    plain = make_renderer(settings, MINE)(make_rich_digest())
    edited(tmp_path, text)

    assert make_renderer(settings, MINE)(make_rich_digest()) == plain


def test_an_edited_theme_is_never_rendered_in_this_process(tmp_path: Path) -> None:
    folders = edited(tmp_path, page("{{ digest.subject }}"))
    (tmp_path / "email/themes/mine/style.css").write_text("{{ nothing.at.all }}", encoding="utf-8")
    environment = make_environment(folders)

    with pytest.raises(RenderError, match="in a sandbox alone"):
        render_issue(make_digest(), MINE, environment)
    values = {"reason": "x", "editor_url": "https://x.example"}
    assert render_notice("issue-skipped", MINE, environment, values).html


@pytest.mark.parametrize("words", ESCAPES)
def test_no_known_way_out_of_jinja_leads_anywhere(tmp_path: Path, words: str) -> None:
    with pytest.raises(RenderError):
        render_fenced(Job(make_digest(), MINE, edited(tmp_path, page(words))))


@pytest.mark.parametrize("words", [HUNGRY[0], HUNGRY[1],
                                   pytest.param(HUNGRY[2], marks=pytest.mark.deep), HUNGRY[3]])  # fmt: skip
def test_a_theme_that_takes_too_much_is_stopped(
    tmp_path: Path, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if words == HUNGRY[0]:
        monkeypatch.setattr("newsletter.publishing.sandbox.SECONDS", 1.0)
    with pytest.raises(RenderError, match=r"more than|too much|recursion"):
        render_apart(make_digest(), MINE, edited(tmp_path, page(words)))


def test_a_theme_that_says_too_much_is_refused_before_it_answers(tmp_path: Path) -> None:
    with pytest.raises(RenderError, match="makes a mail of more than 1000000 characters"):
        render_fenced(Job(make_digest(), MINE, edited(tmp_path, page(HUNGRY[3]))))


def test_the_process_limits_its_own_time_and_memory(tmp_path: Path) -> None:
    words = "import resource as r; from newsletter.render import sandbox; sandbox.main(); "
    words += "print('\\n', r.getrlimit(r.RLIMIT_CPU)[1], r.getrlimit(r.RLIMIT_AS)[1])"
    job = pickle.dumps(Job(make_digest(), MINE, edited(tmp_path, page("x"))))
    done = subprocess.run([sys.executable, "-c", words], input=job, stdout=subprocess.PIPE, check=True)
    seconds, memory = map(int, done.stdout.splitlines()[-1].split())

    assert CPU_SECONDS <= seconds < 2 * CPU_SECONDS + 30
    assert memory == MEMORY


def test_what_the_process_says_of_a_template_is_passed_on() -> None:
    with pytest.raises(RenderError, match="the template is at fault"):
        read_answer(b'{"error": "the template is at fault"}')


def test_secrets_of_this_process_do_not_reach_the_sandbox(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spy = tmp_path / "spied"
    monkeypatch.setenv("NEWSLETTER_SECRET_KEY", "s3cret")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (tmp_path / "sitecustomize.py").write_text(
        f"import os; open({str(spy)!r}, 'w').write(repr(dict(os.environ)))", encoding="utf-8"
    )

    render_apart(make_digest(), MINE, edited(tmp_path, page("{{ digest.subject }}")))

    assert "s3cret" in os.environ["NEWSLETTER_SECRET_KEY"]
    assert "s3cret" not in spy.read_text(encoding="utf-8")


@pytest.mark.parametrize("answer", [b"", b"{}", b"[1]", b'{"mime": "", "problems": [], "evil": 1}'])
def test_an_answer_of_a_process_that_was_taken_over_is_refused(answer: bytes) -> None:
    with pytest.raises((ValueError, TypeError, KeyError)):
        read_answer(answer)
