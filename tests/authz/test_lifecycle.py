from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from authz.grants import Channel
from authz.lifecycle import Adversity, Clocks, Effect, Status, facts, visible
from catalogue.loader import load_catalogue
from catalogue.model import Locality, Nature, Role, Severity
from catalogue.values import OPEN_ENDED, PartialDate, Period
from tests.support.policy_matrix import entry

CATALOGUE = load_catalogue()
TODAY = date(2026, 6, 1)
ADULT = date(1980, 1, 1)
EVERY = tuple(Channel)


def locality(**changes) -> Locality:
    raw = {
        "code": "test",
        "name": {"zh": "测试", "en": "test"},
        "adverseRetention": "P5Y",
        "clockStart": "EARLIEST",
        "personsPublic": "BY_LAW",
    }
    return Locality.model_validate(raw | changes)


LOCAL = locality()
LAW = {
    "byLaw": True,
    "persons": True,
    "term": "LIMITED",
    "max": {"MINOR": "P3M", "GENERAL": "P1Y", "SERIOUS": "P3Y"},
}


def kind(publication=LAW, retention=None, **changes):
    clocks = {"publication": publication, "retention": retention or {"kind": "LOCALITY"}}
    return entry(
        clocks=clocks | changes.pop("more", {}), severities=["MINOR", "GENERAL", "SERIOUS"], **changes
    )


ADVERSE = kind()
UNPUBLISHED = kind({"term": "NEVER"})
LISTED = kind({"byLaw": True, "persons": True, "term": "WHILE_VALID"}, {"kind": "UNTIL_REMOVED"})
PLAIN = kind({"byLaw": True, "persons": True, "term": "WHILE_VALID"}, {"kind": "LIVE"}, nature="BASIC")
_MIXED_FIELDS = [
    {"name": "licence", "label": {"zh": "证", "en": "licence"}, "type": "string", "class": "P"},
    {
        "name": "sanction",
        "label": {"zh": "罚", "en": "sanction"},
        "type": "code",
        "class": "A",
        "adverse": True,
    },
]
MIXED = kind(nature="BASIC", adverseWhen=["sanction"], fields=_MIXED_FIELDS)
UNSTRIPPABLE = kind(
    nature="BASIC", adverseWhen=["sanction"], fields=[{**part, "adverse": False} for part in _MIXED_FIELDS]
)


def on(text: str) -> PartialDate:
    return PartialDate.parse(text)


def judged(
    kept=ADVERSE, channel=Channel.CHECK, today=TODAY, local=LOCAL, born=ADULT, values=None, **given_controls
):
    """The verdict on one row; controls by role name, dates as ISO text."""
    controls = {Role.DETERMINED_ON: on("2026-01-01"), Role.SEVERITY: "GENERAL"} | {
        Role[name.upper()]: on(value) if isinstance(value, str) and name.endswith(("_on", "until")) else value
        for name, value in given_controls.items()
    }
    known = facts(kept, controls, {"sanction": "警告"} if values is None else values, born)
    return visible(known, kept, channel, today, local)


def effects(**kwargs):
    return {judged(channel=channel, **kwargs).effect for channel in EVERY}


def test_an_adverse_record_within_its_clocks_leaves_through_every_channel():
    assert effects() == {Effect.KEEP}


@pytest.mark.parametrize("status", ["REPAIRED", "REVOKED", "EXPIRED", "SEALED", "SUPERSEDED"])
@pytest.mark.parametrize("kept", [ADVERSE, MIXED, PLAIN, LISTED])
def test_what_is_over_leaves_through_no_channel(status, kept):
    assert effects(kept=kept, status=status) == {Effect.DROP}


@pytest.mark.parametrize("kept", [ADVERSE, PLAIN])
def test_a_status_nobody_knows_withholds(kept):
    assert effects(kept=kept, status="正常") == {Effect.WITHHOLD}


def test_a_disputed_record_leaves_marked():
    assert effects(status="DISPUTED") == {Effect.KEEP}


@pytest.mark.parametrize(
    "controls", [{"repair_state": "REPAIRED"}, {"repaired_on": "2026-05"}, {"repair_state": "?"}]
)
def test_repair_ends_the_adverse_part_everywhere(controls):
    assert effects(**controls) == {Effect.DROP}
    assert effects(kept=MIXED, **controls) == {Effect.STRIP}


@pytest.mark.parametrize("state", ["APPLIED", "REJECTED", "NONE", None])
def test_an_application_for_repair_is_no_repair(state):
    assert effects(repair_state=state) == {Effect.KEEP}


@pytest.mark.parametrize("word", ["SIMPLE", "简易", "简易程序"])
def test_simple_procedure_is_no_credit_record(word):
    assert effects(procedure=word) == {Effect.DROP}
    assert effects(kept=MIXED, procedure=word) == {Effect.STRIP}
    assert effects(kept=PLAIN, procedure=word, severity=None, values={}) == {Effect.KEEP}


@pytest.mark.parametrize("appeal", [True, "OPEN", "进行中", "whatever"])
def test_a_decision_under_appeal_is_for_the_subject_only(appeal):
    assert judged(appeal=appeal).effect is Effect.DROP
    assert judged(appeal=appeal, channel=Channel.PUBLIC).effect is Effect.DROP
    assert judged(appeal=appeal, channel=Channel.SELF).effect is Effect.KEEP
    assert judged(kept=MIXED, appeal=appeal).effect is Effect.STRIP


@pytest.mark.parametrize("appeal", [None, False, "NONE", "CLOSED", "FINAL"])
def test_a_closed_appeal_changes_nothing(appeal):
    assert judged(appeal=appeal).effect is Effect.KEEP


@pytest.mark.parametrize(
    ("occurred", "effect"),
    [
        ("2025-12-30", Effect.DROP),
        ("2025-12-31", Effect.DROP),  # the 18th birthday itself
        ("2026-01-01", Effect.KEEP),
        ("2025", Effect.DROP),  # may have been before the birthday
        ("2026", Effect.KEEP),
    ],
)
def test_nobody_answers_for_what_they_did_under_eighteen(occurred, effect):
    assert effects(occurred_on=occurred, born=date(2007, 12, 31)) == {effect}


def test_a_leap_day_child_comes_of_age_after_the_last_of_february():
    """民法典 202: where the month has no such day, its last day ends the period."""
    born = date(2008, 2, 29)
    assert judged(occurred_on="2026-02-28", determined_on="2026-03-02", born=born).effect is Effect.DROP
    assert judged(occurred_on="2026-03-01", determined_on="2026-03-02", born=born).effect is Effect.KEEP


def test_without_the_day_of_the_act_the_decision_must_prove_full_age():
    assert judged(born=date(2010, 1, 1)).rule == "subject.minor"
    assert judged(born=date(2007, 6, 1)).rule == "subject.age-at-act-unknown"
    assert judged(born=date(2007, 6, 1)).effect is Effect.WITHHOLD
    assert judged(born=date(2005, 12, 31)).effect is Effect.KEEP


def test_a_minors_mixed_record_keeps_its_plain_part():
    assert effects(kept=MIXED, occurred_on="2026-01-01", born=date(2010, 1, 1)) == {Effect.STRIP}
    assert effects(kept=PLAIN, severity=None, values={}, born=date(2010, 1, 1)) == {Effect.KEEP}


@pytest.mark.parametrize("start", [None, OPEN_ENDED])
def test_a_missing_start_withholds(start):
    assert effects(determined_on=start) == {Effect.WITHHOLD}
    assert effects(kept=MIXED, determined_on=start) == {Effect.STRIP}
    assert effects(kept=PLAIN, determined_on=start, severity=None, values={}) == {Effect.KEEP}


def test_a_listing_until_removal_needs_a_start_only_to_prove_age():
    assert judged(kept=LISTED, determined_on=None).effect is Effect.WITHHOLD
    assert judged(kept=LISTED, determined_on=None, born=None).effect is Effect.KEEP


def test_a_start_in_the_future_withholds():
    assert effects(determined_on="2026-06-02") == {Effect.WITHHOLD}


def test_the_starting_role_follows_the_types_preference():
    by_end = kind(more={"startsOn": ["endedOn", "determinedOn"]})
    assert judged(kept=by_end, ended_on="2026-05-01").clocks.publish_until == date(2027, 5, 1)
    assert judged(kept=by_end).clocks.publish_until == date(2027, 1, 1)


@pytest.mark.parametrize(
    ("severity", "last"),
    [
        ("MINOR", date(2026, 4, 1)),
        ("GENERAL", date(2027, 1, 1)),
        ("SERIOUS", date(2029, 1, 1)),
        (None, date(2026, 4, 1)),
        ("严重", date(2026, 4, 1)),
    ],
)
@pytest.mark.parametrize("kept", [ADVERSE, UNPUBLISHED])
def test_use_ends_with_the_longest_publication_published_or_not(severity, last, kept):
    for channel in (Channel.CHECK, Channel.REPORT):
        assert judged(kept=kept, channel=channel, severity=severity, today=last).effect is Effect.KEEP
        gone = judged(kept=kept, channel=channel, severity=severity, today=last + timedelta(days=1))
        assert (gone.effect, gone.rule) == (Effect.DROP, "clock.publication")


def test_the_single_severity_of_a_type_is_its_default():
    serious = entry(severities=["SERIOUS"], clocks={"publication": LAW})
    assert facts(serious, {}, {}, ADULT).severity is Severity.SERIOUS
    assert facts(ADVERSE, {}, {}, ADULT).severity is None


def test_publication_ends_with_the_sooner_of_the_sources_end_and_the_laws():
    public = {"channel": Channel.PUBLIC}
    assert judged(**public, until="2026-02", today=date(2026, 2, 1)).effect is Effect.KEEP
    assert judged(**public, until="2026-02", today=date(2026, 2, 2)).effect is Effect.DROP
    assert judged(**public, until="2099-12-31", today=date(2027, 1, 2)).effect is Effect.DROP
    assert judged(**public, until=OPEN_ENDED, today=date(2027, 1, 2)).effect is Effect.DROP
    assert judged(**public, removed_on="2026-05-01").effect is Effect.DROP


def test_a_profile_may_let_use_outlast_publication_and_s16_always_does():
    lenient = locality(useEndsWithPublication=False)
    later = date(2028, 1, 1)
    assert judged(today=later).effect is Effect.DROP
    assert judged(today=later, local=lenient).effect is Effect.KEEP
    assert judged(today=later, local=lenient, channel=Channel.PUBLIC).effect is Effect.DROP
    known = facts(ADVERSE, {Role.DETERMINED_ON: on("2026-01-01"), Role.SEVERITY: "GENERAL"}, {}, ADULT)
    assert visible(known, ADVERSE, Channel.CHECK, later, LOCAL, clock="RETENTION").effect is Effect.KEEP


@pytest.mark.parametrize(
    ("start", "last"),
    [("DETERMINED", date(2031, 1, 1)), ("ENDED", date(2031, 3, 1)), ("EARLIEST", date(2031, 1, 1))],
)
def test_the_subject_sees_a_record_until_retention_ends_by_the_local_start(start, last):
    def look(day):
        return judged(
            channel=Channel.SELF, ended_on="2026-03-01", local=locality(clockStart=start), today=day
        )

    assert look(last).effect is Effect.KEEP
    assert look(last).clocks.retention_until == last
    assert (look(last + timedelta(days=1)).effect, look(last + timedelta(days=1)).rule) == (
        Effect.DROP,
        "clock.retention",
    )


def test_the_earliest_start_is_the_end_of_the_act_when_that_came_first():
    verdict = judged(ended_on="2025-03-01", channel=Channel.SELF)
    assert verdict.clocks.retention_until == date(2030, 3, 1)


def test_a_types_own_period_shortens_retention_and_never_lengthens_it():
    short = kind(retention={"kind": "PERIOD", "period": "P2Y"})
    long = kind(retention={"kind": "PERIOD", "period": "P9Y"})
    assert judged(kept=short, channel=Channel.SELF).clocks.retention_until == date(2028, 1, 1)
    assert judged(kept=long, channel=Channel.SELF).clocks.retention_until == date(2031, 1, 1)


def test_a_serious_listing_removed_later_is_kept_until_its_removal():
    late = {"severity": "SERIOUS", "removed_on": "2033-05-01", "channel": Channel.SELF}
    assert judged(**late).clocks.retention_until == date(2033, 5, 1)
    assert judged(**(late | {"severity": "GENERAL"})).clocks.retention_until == date(2031, 1, 1)


def test_a_listing_stands_until_its_source_removes_it():
    assert effects(kept=LISTED, today=date(2040, 1, 1)) == {Effect.KEEP}
    assert effects(kept=LISTED, removed_on="2026-05-31") == {Effect.DROP}
    assert effects(kept=LISTED, removed_on="2026-06-01") == {Effect.KEEP}


def test_a_law_may_limit_the_use_of_a_listing_until_removal():
    limited = kind(retention={"kind": "UNTIL_REMOVED"})
    assert judged(kept=limited, today=date(2027, 1, 2)).effect is Effect.DROP
    assert judged(kept=limited, today=date(2027, 1, 2), channel=Channel.SELF).effect is Effect.KEEP


@pytest.mark.parametrize(
    "publication",
    [
        {"byLaw": True, "term": "LIMITED"},
        {"byLaw": True, "term": "WHILE_VALID", "max": {"GENERAL": "P1Y"}},
    ],
)
def test_a_term_or_a_maximum_alone_caps_a_listing_until_removal(publication):
    capped = kind(publication, {"kind": "UNTIL_REMOVED"})
    assert judged(kept=capped, today=date(2027, 1, 1)).effect is Effect.KEEP
    assert judged(kept=capped, today=date(2027, 1, 2)).rule == "clock.publication"


def test_the_types_own_law_replaces_the_national_maximum():
    own = kind({**LAW, "max": {"GENERAL": "P2Y"}})
    assert judged(kept=own, today=date(2028, 1, 1)).effect is Effect.KEEP
    assert judged(kept=own, today=date(2028, 1, 2)).effect is Effect.DROP
    assert judged(kept=own, severity="MINOR", today=date(2026, 4, 2)).effect is Effect.DROP


def test_a_listing_is_used_while_valid():
    assert effects(kept=LISTED, valid_until="2026-06-01") == {Effect.KEEP}
    for channel in (Channel.PUBLIC, Channel.CHECK, Channel.REPORT):
        assert judged(kept=LISTED, channel=channel, valid_until="2026-05-31").rule == "clock.publication"
    assert judged(kept=ADVERSE, valid_until="2026-05-31").effect is Effect.KEEP


def test_persons_are_public_only_where_type_and_locality_say_so():
    public = {"channel": Channel.PUBLIC}
    entities_only = kind({**LAW, "persons": False})
    closed = locality(personsPublic="NEVER")
    assert judged(**public, kept=UNPUBLISHED).rule == "publication.not-ordered"
    assert judged(**public, kept=kind({**LAW, "byLaw": False})).rule == "publication.not-ordered"
    assert judged(**public, kept=kind({**LAW, "term": "NEVER"})).rule == "publication.not-ordered"
    assert judged(**public, kept=entities_only).rule == "publication.not-ordered"
    assert judged(**public, local=closed).rule == "publication.not-ordered"
    assert judged(**public, kept=entities_only, local=closed, born=None).effect is Effect.KEEP


def test_an_individual_business_is_published_as_persons_are():
    known = facts(
        ADVERSE, {Role.DETERMINED_ON: on("2026-01-01"), Role.SEVERITY: "GENERAL"}, {}, None, personal=True
    )
    never, by_law = locality(personsPublic="NEVER"), locality()
    assert visible(known, ADVERSE, Channel.PUBLIC, TODAY, never).rule == "publication.not-ordered"
    assert visible(known, ADVERSE, Channel.PUBLIC, TODAY, by_law).effect is Effect.KEEP


def test_publication_begins_on_the_last_day_its_date_can_mean():
    assert judged(channel=Channel.PUBLIC, published_on="2026-06").rule == "clock.not-yet-published"
    assert (
        judged(channel=Channel.PUBLIC, published_on="2026-06", today=date(2026, 6, 30)).effect is Effect.KEEP
    )
    assert judged(published_on="2026-06").effect is Effect.KEEP


def test_a_plain_record_is_public_while_valid_and_known_afterwards():
    lapsed = {"kept": PLAIN, "severity": None, "values": {}, "valid_until": "2026-05-31"}
    assert judged(**lapsed, channel=Channel.PUBLIC).rule == "clock.publication"
    assert judged(**lapsed).effect is Effect.KEEP
    assert judged(**(lapsed | {"valid_until": "2026-06-01"}), channel=Channel.PUBLIC).effect is Effect.KEEP


@pytest.mark.parametrize("end", ["until", "removed_on"])
def test_a_plain_record_is_public_until_its_source_says(end):
    plain = {"kept": PLAIN, "severity": None, "values": {}, "channel": Channel.PUBLIC}
    assert judged(**plain, **{end: "2026-06-01"}).effect is Effect.KEEP
    assert judged(**plain, **{end: "2026-05-31"}).rule == "clock.publication"


def test_a_permanent_publication_outlasts_the_term_of_business():
    permanent = kind({"byLaw": True, "persons": True, "term": "PERMANENT"}, {"kind": "LIVE"}, nature="BASIC")
    lapsed = {"severity": None, "values": {}, "valid_until": "2026-05-31"}
    assert judged(kept=permanent, channel=Channel.PUBLIC, **lapsed).effect is Effect.KEEP


def test_good_records_with_a_period_of_their_own_end_with_it():
    good = kind({"term": "NEVER"}, {"kind": "PERIOD", "period": "P1Y"}, nature="GOOD")
    plain = {"kept": good, "severity": None, "values": {}}
    assert judged(**plain, today=date(2027, 1, 1)).effect is Effect.KEEP
    assert judged(**plain, today=date(2027, 1, 2)).effect is Effect.DROP
    assert judged(**plain, determined_on=None).effect is Effect.WITHHOLD


def test_a_mixed_record_loses_only_its_adverse_part_when_that_has_run_out():
    old = {"kept": MIXED, "today": date(2027, 1, 2)}
    assert (judged(**old).effect, judged(**old).rule) == (Effect.STRIP, "clock.publication")
    assert judged(**old, channel=Channel.SELF).effect is Effect.KEEP
    assert judged(**old).clocks.retention_until is None
    assert (
        judged(kept=MIXED, values={"sanction": None}, severity=None, today=date(2040, 1, 1)).effect
        is Effect.KEEP
    )


def test_the_end_of_a_licence_does_not_end_the_sanction():
    law = {"byLaw": True, "persons": True, "term": "WHILE_VALID"}
    mixed = kind(law, nature="BASIC", adverseWhen=["sanction"], fields=_MIXED_FIELDS)
    assert judged(kept=mixed, valid_until="2026-05-31").effect is Effect.KEEP


def test_a_mixed_record_that_cannot_be_stripped_is_dropped():
    assert judged(kept=UNSTRIPPABLE, today=date(2027, 1, 2)).effect is Effect.DROP


def test_a_value_that_the_type_calls_harmless_is_no_breach():
    kept = kind(nature="BASIC", adverseWhen=["sanction"], adverseUnless={"sanction": ["已履行"]})
    for value, adversity in (("已履行", Adversity.NONE), ("未履行", Adversity.WHOLE), (None, Adversity.NONE)):
        assert facts(kept, {}, {"sanction": value}, None).adversity is adversity
    assert facts(kept, {}, {}, None).adversity is Adversity.WHOLE, "not read"


def test_what_makes_a_record_adverse():
    def read(kept, controls=None, **values):
        known = facts(kept, controls or {}, values, None)
        return known.adversity, known.nature

    assert read(ADVERSE) == (Adversity.WHOLE, Nature.ADVERSE)
    assert read(MIXED, sanction="警告") == (Adversity.PART, Nature.ADVERSE)
    for nothing in (None, "", (), 0, False):
        assert read(MIXED, sanction=nothing) == (Adversity.NONE, Nature.BASIC)
    assert read(MIXED) == (Adversity.PART, Nature.ADVERSE), "a field that was not read counts as present"
    assert read(MIXED, {Role.SEVERITY: "MINOR"}, sanction=None) == (Adversity.PART, Nature.ADVERSE)
    assert facts(MIXED, {}, {"sanction": None}, None).severity is None


def test_the_clocks_of_an_unpublished_record_tell_only_retention():
    assert judged(kept=UNPUBLISHED).clocks == Clocks(retention_until=date(2031, 1, 1))
    assert judged().clocks == Clocks(date(2026, 1, 1), date(2027, 1, 1), date(2031, 1, 1))


def test_a_locality_may_change_a_types_clocks():
    own = {"publication": {"term": "NEVER"}, "retention": {"kind": "PERIOD", "period": "P1M"}}
    local = locality(clocks={ADVERSE.code: own})
    assert judged(local=local, channel=Channel.PUBLIC).rule == "publication.not-ordered"
    assert judged(local=local).rule == "clock.retention"


def test_unread_status_is_active():
    assert facts(ADVERSE, {}, {}, None).status is Status.ACTIVE


# Ten years of time travel over every type, channel and profile, against an independent reading of the law.

_DAYS = st.dates(date(2015, 1, 1), date(2030, 12, 31))
_PARTIAL = st.one_of(
    _DAYS.map(PartialDate),
    _DAYS.map(lambda day: PartialDate.of(day.year, day.month)),
    _DAYS.map(lambda day: PartialDate.of(day.year)),
    st.just(OPEN_ENDED),
)
_DATED = [role for role in Role if role.value.endswith(("On", "ntil", "From"))]
_CONTROLS = st.fixed_dictionaries(
    {},
    optional={
        **{role: _PARTIAL for role in _DATED if role is not Role.REPAIRED_ON},
        Role.REPAIRED_ON: st.one_of(st.none(), st.none(), _PARTIAL),
        Role.STATUS: st.sampled_from([None, "ACTIVE", "DISPUTED", *(status.value for status in Status)]),
        Role.SEVERITY: st.sampled_from([None, *Severity]),
        Role.PROCEDURE: st.sampled_from([None, "SIMPLE", "ORDINARY"]),
        Role.APPEAL: st.sampled_from([None, True, False]),
    },
)
_ROWS = st.tuples(
    st.sampled_from([*CATALOGUE.record_types.values(), ADVERSE, MIXED, PLAIN, LISTED]),
    _CONTROLS,
    st.one_of(st.none(), st.dates(date(1950, 1, 1), date(2015, 1, 1))),
    st.sampled_from([*CATALOGUE.localities.values(), LOCAL]),
    st.sampled_from(EVERY),
)
_JOURNEY = [date(2021, 1, 1) + timedelta(days=30 * step) for step in range(122)]
_NATIONAL = {
    Severity.MINOR: Period(months=3),
    Severity.GENERAL: Period(years=1),
    Severity.SERIOUS: Period(years=3),
}


def _known(row):
    kept, controls, born, _, _ = row
    return facts(kept, controls, dict.fromkeys(kept.adverse_when, "有"), born)


def _latest_lawful_day(kept, known, local, channel):
    """The day after which an adverse record may not be seen, read straight from domain.md §2.7."""
    clocks = local.clocks.get(kept.code, kept.clocks)
    removed = known.on(Role.REMOVED_ON)
    start = next((known.on(role) for role in clocks.starts_on if known.on(role)), None)
    if clocks.retention.kind == "UNTIL_REMOVED":
        keep = removed or date.max
    else:
        keep = max(day for day in (start, known.on(Role.ENDED_ON)) if day)
        keep = date(keep.year + 5, keep.month, min(keep.day, 28)) + timedelta(days=3)
        if known.severity is Severity.SERIOUS and removed:
            keep = max(keep, removed)
    unlimited = clocks.retention.kind == "UNTIL_REMOVED" and clocks.publication.term != "LIMITED"
    if channel is Channel.SELF or (unlimited and not clocks.publication.max):
        return keep
    longest = {**_NATIONAL, **clocks.publication.max}
    severities = [known.severity] if known.severity else list(kept.severities or Severity)
    return min(keep, min(longest[severity].after(start) for severity in severities))


@settings(max_examples=400, deadline=None)
@given(_ROWS)
def test_nothing_adverse_outlives_its_clocks_in_ten_years(row):
    kept, controls, born, local, channel = row
    known = _known(row)
    for today in _JOURNEY:
        verdict = visible(known, kept, channel, today, local)
        if verdict.effect is not Effect.KEEP or known.adversity is Adversity.NONE:
            continue
        assert known.status in (Status.ACTIVE, Status.DISPUTED)
        assert Role.REPAIRED_ON not in controls or controls[Role.REPAIRED_ON] is None
        assert controls.get(Role.PROCEDURE) != "SIMPLE"
        assert channel is Channel.SELF or controls.get(Role.APPEAL) is not True
        assert today <= _latest_lawful_day(kept, known, local, channel)
        if born:
            acted = known.on(Role.OCCURRED_ON) or known.soonest(kept.clocks.starts_on)
            assert acted > Period(years=18).after(born)


@settings(max_examples=200, deadline=None)
@given(_ROWS)
def test_what_has_gone_does_not_come_back(row):
    kept, _, _, local, channel = row
    seen = [visible(_known(row), kept, channel, today, local).effect for today in _JOURNEY]
    changes = [effect for at, effect in enumerate(seen) if at == 0 or effect is not seen[at - 1]]
    if Effect.KEEP in changes:
        assert Effect.KEEP not in changes[changes.index(Effect.KEEP) + 1 :]


@settings(max_examples=200, deadline=None)
@given(_ROWS)
def test_the_public_never_sees_what_the_subject_does_not(row):
    kept, _, _, local, _ = row
    for today in _JOURNEY[::12]:
        by_channel = {each: visible(_known(row), kept, each, today, local).effect for each in EVERY}
        if by_channel[Channel.SELF] is not Effect.KEEP:
            assert Effect.KEEP not in by_channel.values()
