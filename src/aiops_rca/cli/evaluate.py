"""`aiops-rca evaluate`: how often the true root cause of labelled cases is ranked first.

A ranker reads a case's graph, alerts and target; with `--fit source` or `system`, and `--history loo`,
nothing learnt from a case ever scores it. Imports what it needs when it runs, never bentoml.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from aiops_rca.learn import Case, Report

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
_IN_SAMPLE = (
    "weights as shipped: cases they were fitted on score too high; "
    "--fit source or --fit system leaves the scored ones out"
)
_EXAMPLE = "one data set's JSON Lines: {dataset, case_id, graph, alerts, root_cause, target}"


class _ManyFiles(click.Command):
    """Lets `--cases` take several files at once: `--cases a.jsonl b.jsonl`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        spread: list[str] = []
        inside = False
        for arg in args:
            if arg.startswith("-"):
                inside = arg == "--cases"
                spread.append(arg)
            elif inside and spread[-1] != "--cases":
                spread += ["--cases", arg]
            else:
                spread.append(arg)
        return super().parse_args(ctx, spread)


@click.command(cls=_ManyFiles)
@click.option("--cases", "files", type=_FILE, multiple=True, required=True, help=f"Cases, {_EXAMPLE}.")
@click.option("--graphs", type=_FOLDER, required=True, help="Folder of the graphs the cases name.")
@click.option("--history", default="none", help="none, loo (the data set's other cases) or a history file.")
@click.option("--method", default="logit", help="Ranking method: logit or pagerank.")
@click.option(
    "--scope",
    type=click.Choice(["answer", "case"]),
    default="answer",
    help="answer: what POST /incident puts first; case: the ranker on all firing alerts.",
)
@click.option(
    "--roots",
    type=click.Choice(["service", "host", "all"]),
    default="service",
    help="service: without host root causes, host nodes and host alerts; host: host root causes only.",
)
@click.option(
    "--fit",
    "held_out",
    type=click.Choice(["shipped", "source", "system"]),
    default="shipped",
    help="Weights: as shipped (cases they were fitted on, those of docs/benchmarks.md, then score too high), "
    "or refitted without the source or the system that is scored.",
)
@click.option(
    "--configs",
    type=_FOLDER,
    help="Folder with the settings, ranker.yaml and runbook.yaml (default: the one here, else as shipped).",
)
@click.option(
    "--save-weights",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Also fit on all the cases and write that as a ranker file.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the scores as JSON.")
def evaluate(
    files: tuple[Path, ...],
    graphs: Path,
    history: str,
    method: str,
    scope: str,
    roots: str,
    held_out: str,
    configs: Path | None,
    save_weights: Path | None,
    as_json: bool,
) -> None:
    """Rank labelled cases and print top-1, top-3, top-5 and MRR per data set and as their mean."""
    from aiops_rca.adapters.files import default_configs
    from aiops_rca.cli.cases import has_host_root, load_cases
    from aiops_rca.cli.ranker import write_ranker
    from aiops_rca.cli.trial import Trial, fitted_on
    from aiops_rca.domain.errors import InputError
    from aiops_rca.learn import evaluate as score_cases

    cases = load_cases(files, graphs, hosts=roots != "service")
    scored = [case for case in cases if roots != "host" or has_host_root(case)]
    if not scored:
        raise InputError(f"no case with a root cause of kind {roots!r}", field="--cases")
    folder = configs or default_configs()
    trial = Trial.load(cases, configs=folder, history=history, method=method, held_out=held_out)
    answer = trial.answer if scope == "answer" else trial.rank_case
    with _progress(len(scored)) as done:
        report = score_cases(scored, answer, done=done)
    if save_weights:
        write_ranker(save_weights, fitted_on(cases, temperature=trial.shipped.temperature))
    _print(report, _IN_SAMPLE if held_out == "shipped" and method == "logit" else None, as_json=as_json)


@contextmanager
def _progress(total: int) -> Iterator[Callable[[Case], None]]:
    """Yield what moves a bar on standard error by one case; without a terminal it moves nothing."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task("ranking", total=total)
        yield lambda _case: bar.advance(task)


def _print(report: Report, note: str | None, *, as_json: bool) -> None:
    """Print *report*, and *note* below the table or, beside JSON, on standard error."""
    if not as_json:
        _print_table(report)
        note = note and f"\n{note}"
    else:
        click.echo(json.dumps(report.as_json()))
    if note:
        click.echo(note, err=as_json)


def _print_table(report: Report) -> None:
    from aiops_rca.cli.answer import clean

    click.echo(f"{'data set':<20}{'n':>5}{'top-1':>8}{'top-3':>8}{'top-5':>8}{'MRR':>8}")
    for name, (count, found) in report.datasets.items():
        click.echo(f"{clean(name, 40):<20}{count:>5}" + "".join(f"{value:>8.3f}" for value in found))
    click.echo(f"{'macro mean':<25}" + "".join(f"{value:>8.3f}" for value in report.macro))
