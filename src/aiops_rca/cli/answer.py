"""The answer of `POST /incident` as a person wants to read it, and `aiops-rca show` that prints it.

Every text in it comes from alerts, so every one is cleaned before it is printed. An answer without a
root cause is an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, BinaryIO

import click

from aiops_rca.documents import parse
from aiops_rca.domain.errors import InputError

_RISKS = {"low": "green", "medium": "yellow", "high": "red"}
_EVIDENCE = 6
_CLUSTERS = 10
_CANDIDATES = 3
_COLUMNS = ("alerts", "services", "severity", "first", "last", "root cause", "confidence")
_ESCAPE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|\x1b[\]P_^X].*?(?:\x07|\x1b\\|\x9c|$)|\x1b.?", re.DOTALL
)


@click.command()
@click.argument("answer", type=click.File("rb"))
def show(answer: BinaryIO) -> None:
    """Print ANSWER, a JSON answer of POST /incident (a file, or - for standard input)."""
    try:
        document = parse(answer.read(), name="answer.json").content
    except InputError as error:
        raise InputError(error.message, field="answer") from error
    try:
        print_answer(document)
    except RecursionError as error:  # to write down what was read goes a little deeper than to read it
        raise InputError("nested too deeply", field="answer") from error


def print_answer(answer: object) -> None:
    """Print *answer*, parsed JSON; coloured on a terminal."""
    cause = answer.get("root_cause") if isinstance(answer, dict) else None
    if not isinstance(answer, dict) or not isinstance(cause, dict) or "service" not in cause:
        raise InputError("the answer names no root cause", field="root_cause")
    for line in _lines(answer, cause):
        click.echo(line)


def clean(text: object, limit: int = 500) -> str:
    """*text* on one line of at most *limit* characters: no escape sequence, no control or bidi character."""
    plain = _ESCAPE.sub("", str(text))
    line = " ".join("".join(c if c.isprintable() else " " for c in plain).split())
    return line if len(line) <= limit else line[: limit - 3] + "..."


def _lines(answer: Mapping[str, Any], cause: Mapping[str, Any]) -> Iterator[str]:
    yield from _root_cause(cause)
    yield from _narrative(answer.get("narrative"))
    yield from _clusters(_rows(answer, "clusters"))
    yield from _actions(_rows(answer, "recommended_actions"))
    yield from _similar(_rows(answer, "similar_incidents"))
    yield from _footnotes(answer)


def _rows(holder: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    rows = holder.get(key)
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _number(value: object, form: str, scale: float = 1.0) -> str:
    try:
        return format(value * scale, form) if isinstance(value, int | float) else "?"
    except OverflowError:  # an integer of hundreds of digits
        return "?"


def _percent(value: object) -> str:
    return f"{_number(value, '.0f', 100)} %"


def _dim(text: str) -> str:
    return click.style(text, dim=True)


def _heading(title: str) -> Iterator[str]:
    yield ""
    yield click.style(title, bold=True)


def _root_cause(cause: Mapping[str, Any]) -> Iterator[str]:
    service = click.style(clean(cause["service"]), bold=True, fg="red")
    sure = f"{_percent(cause.get('confidence'))} confident, {clean(cause.get('verdict', '?'))}"
    yield f"{click.style('Root cause', bold=True)}  {service}  {sure}"
    evidence = _rows(cause, "evidence")
    for reason in evidence[:_EVIDENCE]:
        yield f"  because  {clean(reason.get('text', reason))}"
    if len(evidence) > _EVIDENCE:
        yield f"           and {len(evidence) - _EVIDENCE} more"
    steps = _rows(cause, "path")
    if steps:
        stops = [steps[0].get("source"), *(step.get("target") for step in steps)]
        yield f"  path     {' -> '.join(click.style(clean(stop), fg='cyan') for stop in stops)}"
    others = [c for c in _rows(cause, "candidates") if c.get("service") != cause["service"]]
    if others:
        named = (f"{clean(c.get('service'))} {_percent(c.get('confidence'))}" for c in others[:_CANDIDATES])
        yield _dim(f"  or else  {', '.join(named)}")


def _narrative(narrative: object) -> Iterator[str]:
    """What a language model made of it, each sentence with the evidence it rests on."""
    if not isinstance(narrative, dict):
        return
    yield from _heading("In words")
    for sentence in _rows(narrative, "sentences"):
        cited = sentence.get("evidence")
        ids = ", ".join(clean(id, 20) for id in cited) if isinstance(cited, list) else "?"
        yield f"  {clean(sentence.get('text', '?'))} {_dim(f'[{ids}]')}"
    for proposal in _rows(narrative, "proposals"):
        yield f"  to be approved: {clean(proposal.get('text', '?'))}"
    vote = narrative.get("vote")
    if isinstance(vote, dict) and vote.get("moved") is True:
        yield f"  a vote of the model for {clean(vote.get('service', '?'))} broke a near tie"
    yield _dim(f"  {clean(narrative.get('model', '?'))}, {clean(narrative.get('prompt_id', '?'))}")


def _clusters(clusters: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    if not clusters:
        return
    yield from _heading(f"Clusters ({len(clusters)})")
    table: list[tuple[str, ...]] = [_COLUMNS]
    table += [_cluster(cluster) for cluster in clusters[:_CLUSTERS]]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for number, row in enumerate(table):
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        line = f"  {'  '.join(cells).rstrip()}"
        yield line if number else _dim(line)
    if len(clusters) > _CLUSTERS:
        yield f"  and {len(clusters) - _CLUSTERS} more"


def _cluster(cluster: Mapping[str, Any]) -> tuple[str, ...]:
    cause = cluster.get("root_cause")
    cause = cause if isinstance(cause, dict) else {}
    services = cluster.get("services")
    return (
        _number(cluster.get("alert_count"), ".0f"),
        str(len(services)) if isinstance(services, list) else "?",
        clean(cluster.get("max_severity", "?"), 20),
        _clock(cluster.get("first_ts")),
        _clock(cluster.get("last_ts")),
        clean(cause.get("service", "?"), 40),
        _percent(cause.get("confidence")),
    )


def _clock(ts: object) -> str:
    """The time of day of an RFC 3339 time."""
    return clean(ts, 40).partition("T")[2].partition(".")[0] or "?"


def _actions(actions: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    if not actions:
        return
    yield from _heading("Recommended actions")
    for number, action in enumerate(actions, 1):
        risk = clean(action.get("risk", "?"), 20)
        painted = click.style(f"{risk} risk", fg=_RISKS.get(risk))
        source = _dim(f"from {clean(action.get('source', '?'))}")
        yield f"  {number}. {clean(action.get('text', '?'))}  [{painted}, {source}]"


def _similar(past: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    if not past:
        return
    yield from _heading("Similar incidents")
    for incident in past:
        name = click.style(clean(incident.get("id", "?")), bold=True)
        score = _number(incident.get("score"), ".2f")
        yield f"  {name}  {score}  {clean(incident.get('root_cause', '?'))}"
        yield f"    alike  {clean(incident.get('reason', '?'))}"
        yield f"    fix    {clean(incident.get('fix', '?'))}"


def _footnotes(answer: Mapping[str, Any]) -> Iterator[str]:
    yield ""
    for part in _rows(answer, "degraded"):
        text = f"degraded  {clean(part.get('part', '?'))}: {clean(part.get('reason', '?'))}"
        yield click.style(text, fg="yellow")
    for title, key, unit in (("timings", "timings_ms", " ms"), ("versions", "versions", "")):
        pairs = answer.get(key)
        if isinstance(pairs, dict) and pairs:
            said = ", ".join(f"{clean(k)} {clean(v)}{unit}" for k, v in pairs.items())
            yield _dim(f"{title:<9} {said}")
