"""What was told of signals since the last time, brought into incidents: join, open, merge, part again."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence

from aiops_rca.live.demoting import demote
from aiops_rca.live.draft import Draft
from aiops_rca.live.grouping import Returns, groups, returns
from aiops_rca.live.merging import merge
from aiops_rca.live.outline import alert_of
from aiops_rca.live.records import AlertRecord
from aiops_rca.live.signals import REPEATED, heads, last_head, runs, starts_of
from aiops_rca.live.state import SIGNAL_FIRINGS, Signal
from aiops_rca.live.telling import tell_turns
from aiops_rca.live.windows import is_suppressed
from aiops_rca.live.work import Work

OPENED = "opened the incident"


def settle(work: Work) -> None:
    """Bring every signal told of into its incident, and every incident touched up to date."""
    newcomers: dict[str, AlertRecord] = {}
    returning: Returns = []
    torn: set[str] = set()
    news: dict[str, int] = {}
    for fingerprint, before in work.before.items():
        begin = news[fingerprint] = _unchanged(before, work.signals[fingerprint])
        demoted: list[AlertRecord] = []
        newcomers.update(_compare(before, fingerprint, begin, work, demoted))
        for old in demoted:
            torn |= demote(old, newcomers, work)
        pairs = returns(work.signals[fingerprint].firings[begin:], work.rules.hold_ms)
        returning += [pair for pair in pairs if _joins(*pair, work)]
        torn |= _torn(before.firings[begin:], pairs, work)
    torn = {id for id in torn if id in work.incidents and not work.incidents[id].record.by_hand}
    for id in torn:
        newcomers.update((firing.id, firing) for firing in heads(work.firings_of(id)))
        returning += _all_returns(id, work)
    if newcomers or returning:
        _group(newcomers, returning, torn, work)
    _count_events(work)
    crowded = _store_signals(news if not torn else dict.fromkeys(news, 0), work)
    finish(work)
    for fingerprint in crowded:
        work.drop(fingerprint, _older_half(work.signals[fingerprint].firings))


def _older_half(firings: Sequence[AlertRecord]) -> Sequence[AlertRecord]:
    """What is let go of a signal that is told of too often; never a firing whose repetitions stay."""
    cut = head = len(firings) - SIGNAL_FIRINGS // 2
    while head > 0 and firings[head].ended == REPEATED:
        head -= 1
    return [*firings[:head], *firings[head + 1 : cut]]


def _unchanged(before: Signal, after: Signal) -> int:
    """Where to begin when comparing: the last firing of its own before the first one that changed.

    A signal that flaps has dozens of firings, of which the last two are news.
    """
    old, new = before.firings, after.firings
    same = 0
    for one, other in zip(old, new, strict=False):
        if one is not other:
            break
        same += 1
    begin = max(same - 1, 0)
    while begin > 0 and new[begin].ended == REPEATED:
        begin -= 1
    return begin


def finish(work: Work) -> None:
    """Turn the drafts into incidents, and tell what turned in their lives."""
    for draft in work.drafts.values():
        if draft.end_shrank:
            draft.reckon_end(work.firings_of(draft.id))
        incident = draft.finished(suppressed=is_suppressed(draft, work))
        work.incidents[draft.id] = incident
        tell_turns(draft, incident.record, work)
        work.records[draft.id] = incident.record
    work.drafts.clear()


def _compare(
    before: Signal, fingerprint: str, begin: int, work: Work, demoted: list[AlertRecord]
) -> Iterator[tuple[str, AlertRecord]]:
    """Count what changed of firings already in an incident; yield those that are not in one yet.

    Those that turned out to be repetitions of an earlier one are added to *demoted*, as they were.
    """
    known = {firing.id: firing for firing in before.firings[begin:]}
    for firing in work.signals[fingerprint].firings[begin:]:
        old = known.get(firing.id)
        if old is firing:
            continue
        was_counted = old is not None and old.ended != REPEATED and bool(old.incident)
        counts = firing.ended != REPEATED
        if counts and not was_counted:
            if firing.incident:  # it passed for a repetition until now
                work.put(firing._replace(incident=""))
            yield firing.id, firing._replace(incident="")
        elif old is not None and was_counted and old.incident in work.incidents:
            if counts:
                work.draft(old.incident).change(old, firing)
            else:
                demoted.append(old)


def _joins(one: AlertRecord, other: AlertRecord, work: Work) -> bool:
    """Whether a return brings something together that is not: but never what a person has parted."""
    if not one.incident or not other.incident:
        return True
    kept = [work.incidents.get(id) for id in (one.incident, other.incident)]
    by_hand = any(incident is not None and incident.record.by_hand for incident in kept)
    return one.incident != other.incident and not by_hand


def _torn(before: Sequence[AlertRecord], pairs: Returns, work: Work) -> set[str]:
    """Incidents that were one only because of a return that, as is known now, was none."""
    if len(before) < 2:
        return set()
    bound = {firing.id for pair in pairs for firing in pair}
    chain: dict[str, int] = {}
    for number, (one, other) in enumerate(pairs):
        chain[other.id] = chain.setdefault(one.id, number)
    found = set()
    for one, other in returns(before, work.rules.hold_ms):
        still = one.id in bound and other.id in bound and chain[one.id] == chain[other.id]
        if not still and one.incident == other.incident and one.incident in work.incidents:
            found.add(one.incident)
    return found


def _all_returns(id: str, work: Work) -> Returns:
    found: Returns = []
    for fingerprint in work.incidents[id].onsets:
        signal = work.signals.get(fingerprint)
        if signal:
            found += returns(signal.firings, work.rules.hold_ms)
    return found


def _group(newcomers: dict[str, AlertRecord], returning: Returns, torn: set[str], work: Work) -> None:
    """Give every newcomer its incident; take *torn* incidents apart and put them together anew."""
    others = work.incidents
    if torn:
        others = {id: incident for id, incident in others.items() if id not in torn}
    parts = groups(list(newcomers.values()), returning, others, work.rules)
    keepers = _part_ways(parts, torn, work)
    for part in parts:
        ids = [k for k in part if k in others] + [keepers[k] for k in part if k in keepers]
        fresh = [newcomers[k]._replace(incident="") for k in part if k in newcomers]
        fresh = [firing for firing in fresh if not _current(firing, work).incident]
        draft = _survivor(ids, fresh, work)
        _join(draft, sorted(fresh, key=_moment), work)


def _part_ways(parts: Iterable[Sequence[str]], torn: Iterable[str], work: Work) -> dict[str, str]:
    """Let each of *torn* go on with the part that holds its first firing; the others leave it.

    Returns the incident of each such first firing.
    """
    keepers = {}
    for id in torn:
        firings = heads(work.firings_of(id))
        keeper = min(firings, key=lambda firing: _first_told(firing, work).order)
        keepers[keeper.id] = id
        stay = set(next(part for part in parts if keeper.id in part))
        gone = [firing for firing in firings if firing.id not in stay]
        if gone:
            work.draft(id).rebuild([firing for firing in firings if firing.id in stay], gone)
        for firing in gone:
            work.put(firing._replace(incident=""))
    return keepers


def _current(firing: AlertRecord, work: Work) -> AlertRecord:
    return next(f for f in work.signals[firing.fingerprint].firings if f.id == firing.id)


def _survivor(ids: Sequence[str], fresh: Sequence[AlertRecord], work: Work) -> Draft:
    if not ids:
        return work.open(min((_first_told(firing, work) for firing in fresh), key=lambda f: f.order))
    drafts = sorted((work.draft(id) for id in ids), key=lambda d: (d.order, d.id))
    for other in drafts[1:]:
        merge(drafts[0], other, work)
    return drafts[0]


def _first_told(firing: AlertRecord, work: Work) -> AlertRecord:
    """Of a firing and its repetitions the one that came first: an incident has its name."""
    all_runs = runs(work.signals[firing.fingerprint].firings)
    own = next(run for run in all_runs if run[0].id == firing.id)
    return min(own, key=lambda f: f.order)


def _join(draft: Draft, fresh: Sequence[AlertRecord], work: Work) -> None:
    opening = not draft.alert_count
    for firing in fresh:
        draft.add(firing)
    for firing in fresh:
        because = OPENED if opening and firing is fresh[0] else _because(firing, draft, work)
        work.put(firing._replace(incident=draft.id, joined_because=because))


def _because(firing: AlertRecord, draft: Draft, work: Work) -> str:
    firings = work.signals[firing.fingerprint].firings
    at = bisect_left(firings, firing.starts_at, key=starts_of)
    earlier = last_head(firings[:at])
    if earlier is not None and earlier.incident == draft.id and earlier.ends_at is not None:
        seconds = (firing.at - earlier.ends_at) / 1000
        return f"fired again {seconds:g} s after it ended ({earlier.id})"
    return work.rules.because(alert_of(firing), draft.outline) or "linked to what followed it"


def _count_events(work: Work) -> None:
    for fingerprint, count in work.told.items():
        firing = last_head(work.signals[fingerprint].firings)
        if firing is not None:
            work.draft(firing.incident).event_count += count
    work.told.clear()


def _store_signals(news: Mapping[str, int], work: Work) -> list[str]:
    """Note the rows of all that changed from *news* on; a repetition belongs where its firing does.

    Returns the signals with more firings than are kept.
    """
    for fingerprint, before in work.before.items():
        firings = work.signals[fingerprint].firings
        begin = news[fingerprint]
        known = {firing.id: firing for firing in before.firings[begin:]}
        home = ""
        for firing in firings[begin:]:
            if firing.ended != REPEATED:
                home = firing.incident
            elif known.get(firing.id) is not firing:
                work.draft(home).worsen(firing)
            if firing.incident != home:
                work.put(firing._replace(incident=home))
            elif known.get(firing.id) is not firing:
                work.rows[firing.id] = firing
    crowded = [f for f in work.before if len(work.signals[f].firings) > SIGNAL_FIRINGS]
    work.before.clear()
    return crowded


def _moment(firing: AlertRecord) -> tuple[int, str]:
    return firing.at, firing.id
