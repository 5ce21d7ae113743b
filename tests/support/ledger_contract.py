"""What every ledger must do, as tests: subclass `LedgerContract` with a `make_ledger` of the ledger's own."""

from __future__ import annotations

from typing import Protocol

from newsletter.content import DeliveryState, Verdict
from newsletter.deliver.ledger import Ledger


class Subject(Protocol):
    """A ledger with deliveries in it, and a view of its rows."""

    @property
    def ledger(self) -> Ledger:
        """The ledger of one sending process."""
        ...

    def other(self) -> Ledger:
        """The ledger of a second process on the same rows."""
        ...

    def read_state(self, delivery_id: int) -> tuple[DeliveryState, int]:
        """State and attempts of a row."""
        ...

    def take_away(self, delivery_id: int) -> None:
        """End the claim from outside: the subscriber leaves, so the row becomes `skipped`."""
        ...

    def pause(self) -> None:
        """Pause the issue."""
        ...


class LedgerContract:
    """The promises of `newsletter.deliver.ledger.Ledger`; collected where a test module subclasses it."""

    def make_subject(self, count: int) -> Subject:
        """Give a ledger with so many queued deliveries of one issue that is being sent."""
        raise NotImplementedError

    def test_a_claim_takes_at_most_its_limit_and_never_the_same_twice(self) -> None:
        ledger = self.make_subject(5).ledger
        first, second, third = ledger.claim(3), ledger.claim(3), ledger.claim(3)

        assert (len(first), len(second), len(third)) == (3, 2, 0)
        assert len({claimed.id for claimed in first + second}) == 5
        assert {claimed.attempt for claimed in first + second} == {1}
        assert len({claimed.recipient.email for claimed in first + second}) == 5

    def test_two_processes_never_hold_the_same_delivery(self) -> None:
        subject = self.make_subject(6)
        mine, others = subject.ledger.claim(4), subject.other().claim(4)

        assert (len(mine), len(others)) == (4, 2)
        assert {claimed.id for claimed in mine}.isdisjoint(claimed.id for claimed in others)

    def test_an_intent_holds_where_the_claim_does(self) -> None:
        subject = self.make_subject(3)
        ids = [claimed.id for claimed in subject.ledger.claim(3)]
        subject.take_away(ids[1])

        assert subject.ledger.settle([], ids) == {ids[0], ids[2]}
        assert [subject.read_state(key)[0] for key in ids] == ["dot_sent", "skipped", "dot_sent"]

    def test_an_intent_may_be_repeated(self) -> None:
        ledger = self.make_subject(1).ledger
        ids = [claimed.id for claimed in ledger.claim(1)]

        assert ledger.settle([], ids) == ledger.settle([], ids) == set(ids)

    def test_an_intent_of_another_process_does_not_hold(self) -> None:
        subject = self.make_subject(1)
        ids = [claimed.id for claimed in subject.ledger.claim(1)]

        assert subject.other().settle([], ids) == set()
        assert subject.read_state(ids[0])[0] == "claimed"

    def test_an_intent_after_a_pause_does_not_hold(self) -> None:
        subject = self.make_subject(2)
        ids = [claimed.id for claimed in subject.ledger.claim(1)]
        subject.pause()

        assert subject.ledger.should_stop()
        assert subject.ledger.claim(1) == []
        assert subject.ledger.settle([], ids) == set()
        subject.ledger.release(ids)
        assert subject.read_state(ids[0]) == ("queued", 0)

    def test_a_verdict_is_recorded_from_claimed_and_from_dot_sent_and_may_be_repeated(self) -> None:
        subject = self.make_subject(4)
        ids = [claimed.id for claimed in subject.ledger.claim(4)]
        states: list[DeliveryState] = ["sent", "uncertain", "failed", "deferred"]
        subject.ledger.settle([], ids[:2])
        verdicts = [
            Verdict(key, state, 250, "2.0.0", "ok", "main") for key, state in zip(ids, states, strict=True)
        ]
        subject.ledger.settle(verdicts, [])
        subject.ledger.settle(verdicts, [])

        assert [subject.read_state(key) for key in ids] == [(state, 1) for state in states]

    def test_verdicts_and_intents_are_recorded_together_and_of_both_the_verdict_counts(self) -> None:
        subject = self.make_subject(4)
        ids = [claimed.id for claimed in subject.ledger.claim(4)]
        subject.ledger.settle([], ids[:1])
        subject.take_away(ids[3])
        verdicts = [Verdict(ids[0], "sent", 250), Verdict(ids[1], "failed", 550)]

        assert subject.ledger.settle(verdicts, ids[1:]) == {ids[2]}
        assert [subject.read_state(key)[0] for key in ids] == ["sent", "failed", "dot_sent", "skipped"]

    def test_a_delivery_that_is_put_off_does_not_keep_the_rest_from_being_recorded(self) -> None:
        subject = self.make_subject(3)
        ids = [claimed.id for claimed in subject.ledger.claim(3)]
        verdicts = [Verdict(ids[0], "deferred", 450), Verdict(ids[1], "sent", 250)]

        assert subject.ledger.settle(verdicts, ids[2:]) == {ids[2]}
        assert [subject.read_state(key)[0] for key in ids] == ["deferred", "sent", "dot_sent"]

    def test_a_verdict_without_a_claim_is_dropped(self) -> None:
        subject = self.make_subject(1)
        key = subject.ledger.claim(1)[0].id
        subject.other().settle([Verdict(key, "failed")], [])
        subject.take_away(key)
        subject.ledger.settle([Verdict(key, "failed")], [])

        assert subject.read_state(key)[0] == "skipped"

    def test_what_is_given_back_can_be_claimed_at_once_and_does_not_count(self) -> None:
        subject = self.make_subject(2)
        ids = [claimed.id for claimed in subject.ledger.claim(2)]
        subject.ledger.settle([], ids[:1])
        subject.ledger.release(ids)
        subject.ledger.release(ids)

        assert subject.ledger.settle([], ids) == set()
        assert [subject.read_state(key) for key in ids] == [("queued", 0), ("queued", 0)]
        assert {(claimed.id, claimed.attempt) for claimed in subject.ledger.claim(2)} == {
            (key, 1) for key in ids
        }

    def test_what_is_postponed_waits_and_does_not_count(self) -> None:
        subject = self.make_subject(3)
        ids = [claimed.id for claimed in subject.ledger.claim(3)]
        subject.ledger.settle([], ids[:1])
        subject.ledger.postpone({ids[0]: 3600.0, ids[1]: 0.0})

        assert [subject.read_state(key) for key in ids[:2]] == [("deferred", 0), ("deferred", 0)]
        assert [(claimed.id, claimed.attempt) for claimed in subject.ledger.claim(3)] == [(ids[1], 1)]

    def test_another_process_cannot_give_back_what_is_not_its_own(self) -> None:
        subject = self.make_subject(1)
        key = subject.ledger.claim(1)[0].id
        subject.other().release([key])

        assert subject.read_state(key)[0] == "claimed"

    def test_nothing_is_asked_of_an_empty_list(self) -> None:
        ledger = self.make_subject(1).ledger
        ledger.release([])

        assert ledger.settle([], []) == set()
        assert not ledger.should_stop()
