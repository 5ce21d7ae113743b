"""Use case: do the whole job on sample sources and a mail catcher, four weeks of it in a few seconds."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Self

from newsletter.operating.demo import stage
from newsletter.operating.demo.catcher import Catcher
from newsletter.operating.demo.report import DemoReport, count_issue, list_differences
from newsletter.operating.demo.sources import SampleServer
from newsletter.operating.users import add_user
from newsletter.publishing.approval import Decision, approve_issue
from newsletter.publishing.articles import list_articles
from newsletter.publishing.checking import check_issue
from newsletter.publishing.collection import CollectReport, collect_sources
from newsletter.publishing.drafting import DraftRequest, draft_issue
from newsletter.publishing.issues import IssueStatus, IssueView
from newsletter.publishing.preview import preview_issue
from newsletter.publishing.sending import SendOptions, send_issue
from newsletter.store.engine import Database

if TYPE_CHECKING:
    from newsletter.config import Settings

PAST_WEEKS = (3, 2, 1)
"""Earlier issues, for an archive that holds something."""
STEPS = len(PAST_WEEKS) + 11
"""Results that `run` and `draw_up_next` tell of, one of them the latter's."""
LATE = frozenset({"lighter-boxes", "1-ferry-timetable.txt", "7-harbour-calls.txt"})
"""Comes out after the send, so that a draft waits in the editor; the last of them has no date."""
EDITOR = "editor@example.org"
ACTOR = "newsletter demo"


@dataclass(frozen=True, slots=True)
class Step:
    """How far one step is; `result` says what came of it once it is done."""

    title: str
    done: int = 0
    total: int = 0
    """0 where there is nothing to count."""
    result: str | None = None


@dataclass(frozen=True, slots=True)
class WaitingDraft:
    """What an editor can do next."""

    issue: IssueView
    email: str
    password: str


@dataclass(slots=True)
class _Journal:
    issues: list[IssueView] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


class Rehearsal:
    """Runs the sources and the catcher until it is closed, and the job in between."""

    def __init__(self, directory: Path, *, port: int, now: datetime, show: Callable[[Step], None]) -> None:
        """Start the servers and make the database.

        Args:
            directory: Empty.
            port: Where the pages are or would be: links in the mails lead there.
            now: Aware; what the articles' dates are relative to.
            show: Told of every step.

        """
        self._began = time.monotonic()
        self._sample = stage.load_sample_publication()
        self._now = now.astimezone(self._sample.zone)
        self._show = show
        self.directory = directory
        self._journal = _Journal()
        with ExitStack() as stack:
            self.sources = stack.enter_context(SampleServer(self._sample.root, now=self._now))
            self.catcher = stack.enter_context(Catcher())
            self.settings: Settings = stage.make_settings(directory, port=port, smtp_url=self.catcher.url)
            self.database: Database = stage.open_empty_database(self.settings)
            stack.callback(self.database.close)
            self._open = stack.pop_all()

    def run(self) -> DemoReport:
        """Collect, draft, check, approve and send four weekly issues, the last one before everyone's eyes.

        Raises:
            BlockedError: A pre-flight check found something, which is a fault of the program here.
            DeliveryError: The catcher did not take the mail.

        """
        self._prepare()
        for number, weeks in enumerate(PAST_WEEKS, 1):
            self._send_past(number, self._now - timedelta(weeks=weeks))
        self._send_newest()
        return self._report()

    def draw_up_next(self) -> WaitingDraft:
        """Let late articles come out, draft the next issue of them, and make an editor to approve it."""
        self.sources.edition.held = ()
        report = self._collect(self._now)
        issue = self._draft(self._now)
        password = add_user(self.database, EDITOR, "editor", now=self._now)
        self._tell(
            "next draft", f"{report.new} late articles came in; issue {issue.number} waits for approval"
        )
        return WaitingDraft(issue, EDITOR, password or "")

    def close(self) -> None:
        """Stop the servers; safe to repeat."""
        self._open.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _tell(self, title: str, result: str) -> None:
        self._show(Step(title, result=result))

    def _prepare(self) -> None:
        begin = self._now - timedelta(weeks=max(PAST_WEEKS) + 1)
        database, settings, sample = self.database, self.settings, self._sample
        self.sources.edition.until, self.sources.edition.held = begin, LATE
        self._write_folders()
        feeds = len(sample.values["sources"]) - len(sample.folders)
        self._tell(
            "sources", f"{feeds} feeds at {self.sources.base}, {len(sample.folders)} folder of text pages"
        )
        self._tell("mail server", f"catches everything on 127.0.0.1:{self.catcher.port}, delivers nothing")
        stage.make_publication(database, settings, sample, now=begin)
        sources = stage.add_sources(database, settings, sample, self.sources.base, self.directory, begin)
        readers = stage.import_readers(database, settings, sample, self.directory, now=begin)
        categories = len(sample.values["categories"])
        name = sample.values["name"]
        self._tell("publication", f"{name}: {categories} categories, {sources} sources, {readers} readers")

    def _send_past(self, number: int, at: datetime) -> None:
        title = f"issue {number}"
        self._show(Step(title))
        self._collect(at)
        issue = self._draft(at)
        self._approve(issue, at)
        status = self._send(issue, at, title)
        date = f"{at.day} {at:%B}"
        self._tell(
            title, f"of {date}: {issue.articles} articles, {status.sent} of {status.recipients} mails sent"
        )

    def _send_newest(self) -> None:
        now = self._now
        self._show(Step("collect"))
        report = self._collect(now)
        self._tell(
            "collect", f"{report.new} new articles of {report.sources} sources, {len(report.failed)} failed"
        )
        issue = self._draft(now)
        self._tell("draft", f"issue {issue.number}: “{issue.subject}”, {issue.articles} articles")
        mail = preview_issue(self.database, self.settings, issue.id, now=now)
        sizes = (
            f"HTML {len(mail.html.encode()) / 1024:.0f} KiB, text {len(mail.text.encode()) / 1024:.0f} KiB"
        )
        self._tell("render", f"{sizes}, whole mail {len(mail.eml) / 1024:.0f} KiB")
        found = check_issue(self.database, self.settings, issue.id, now=now)
        self._tell("check", f"{len(found.blocking)} findings block, {len(found.advisory)} advise")
        self._approve(issue, now)
        self._tell("approve", "content frozen: what was seen is what is sent")
        status = self._send(issue, now, "send")
        self._tell("send", f"{status.sent} of {status.recipients} mails sent over SMTP")

    def _write_folders(self) -> None:
        for folder in self._sample.folders:
            self.sources.edition.write_folder(folder, self.directory / folder)

    def _collect(self, at: datetime) -> CollectReport:
        """Collect what is out at that time."""
        self.sources.edition.until = at
        self._write_folders()
        report = collect_sources(self.database, self.settings, None, now=at)
        self._journal.problems += [f"{failed['source']}: {failed['error']}" for failed in report.failed]
        return report

    def _draft(self, at: datetime) -> IssueView:
        return draft_issue(self.database, self.settings, DraftRequest(), now=at)

    def _approve(self, issue: IssueView, at: datetime) -> None:
        approve_issue(self.database, self.settings, issue.id, Decision(actor=ACTOR), now=at)
        self._journal.issues.append(issue)

    def _send(self, issue: IssueView, at: datetime, title: str) -> IssueStatus:
        options = SendOptions(on_progress=partial(self._follow, title))
        return send_issue(self.database, self.settings, issue.id, options, now=at)

    def _follow(self, title: str, status: IssueStatus) -> None:
        self._show(Step(title, status.sent, status.recipients))

    def _report(self) -> DemoReport:
        caught = self.catcher.tally()
        issues = self._journal.issues
        counts = tuple(count_issue(self.database, issue, caught) for issue in issues)
        differences = list_differences(self.database, [issue.id for issue in issues], caught)
        problems = [*self._journal.problems, *differences]
        newest = counts[-1]
        total = sum(each.caught for each in counts)
        verdict = "do not agree" if problems else "agree"
        self._tell("compare", f"{total} mails caught in all; ledger and catcher {verdict}")
        return DemoReport(
            publication=self._sample.values["name"],
            sources=len(self._sample.values["sources"]),
            articles=len(list_articles(self.database, self.settings, None)),
            subject=newest.subject,
            cards=newest.cards,
            recipients=newest.recipients,
            sent=newest.sent,
            caught=newest.caught,
            issues=counts,
            agree=not problems,
            problems=tuple(problems),
            seconds=round(time.monotonic() - self._began, 2),
        )
