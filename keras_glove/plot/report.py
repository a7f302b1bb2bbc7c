"""A study as one page of HTML that needs no network."""

from __future__ import annotations

import html
import io
import os
import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

from keras_glove.errors import SearchError
from keras_glove.plot.decisions import importance, parallel
from keras_glove.plot.studies import history, pareto
from keras_glove.plot.trees import differences, tree

if TYPE_CHECKING:
    from keras_glove.search import Study, Trial

__all__ = ["write_report"]

_CHILDREN = 100
"""So many trials can be looked into, the best ones."""


def write_report(study: Study, path: str | os.PathLike[str]) -> Path:
    """Writes a study as one page: facts, pictures, a table of trials, and children; see `Study`.

    Raises:
        SearchError: the study has no complete trial, or the folder does not exist. Nothing is
            written then.
    """
    target = Path(path)
    if not target.parent.is_dir():
        raise SearchError(f"expected a folder that exists, received {str(target.parent)!r}.")
    best = study.pareto()
    if not best:
        raise SearchError("expected a complete trial to report on, but there is none.")
    template = Template(files("keras_glove.plot").joinpath("report.html").read_text("utf-8"))
    page = template.substitute(
        title=_escaped(study.name or "Study"),
        facts="".join(f"<dt>{name}</dt><dd>{_escaped(text)}</dd>" for name, text in _facts(study)),
        pictures="".join(_pictures(study, best)),
        table=_table(study, {trial.number for trial in best}),
        children="".join(_child(study, trial) for trial in _worth_a_look(study, best)),
    )
    partial = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        partial.write_text(page, "utf-8")
        os.replace(partial, target)
    finally:
        partial.unlink(missing_ok=True)
    return target


def _facts(study: Study) -> Iterator[tuple[str, str]]:
    trials = study.trials
    states = Counter(trial.state for trial in trials)
    told = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
    yield "Trials", f"{len(trials)} ({told})"
    for name, direction in zip(study.names, study.directions, strict=True):
        yield "Objective", f"{name}, {direction}"
    if study.space is not None:
        yield "Search space", f"{study.space.size:,} architectures, {len(study.space)} decisions"
    yield "Seed", str(study.seed)
    seconds = sum(trial.duration_s or 0.0 for trial in trials)
    yield "Time in trials", f"{seconds:,.1f} s"
    if len(study.names) == 1:
        best = study.best_trial
        yield "Best", f"{best.reward:.6g} (trial {best.number})"
        yield "Decisions", ", ".join(f"{name}={value}" for name, value in best.decisions.items())
    else:
        yield "Pareto front", f"{len(study.pareto())} trials"
    versions = study.trials[-1].versions
    yield "Versions", ", ".join(f"{name} {version}" for name, version in versions.items())


def _pictures(study: Study, best: list[Trial]) -> Iterator[str]:
    if len(study.names) == 1:
        yield _figure(lambda: history(study), "Rewards over trials, and the best so far.")
    else:
        yield _figure(lambda: pareto(study), "The first two rewards, and the Pareto front.")
    if sum(trial.state == "complete" for trial in study.trials) >= 3:
        yield _figure(
            lambda: importance(study),
            f"Share of the variance of {study.names[0]} that each decision explains alone.",
        )
        yield _figure(
            lambda: parallel(study),
            f"Decisions of all trials, coloured by {study.names[0]}.",
            wide=True,
        )
    if study.template is not None:
        open_program = getattr(study.template, "value", None)
        if open_program is not None:
            yield _figure(
                lambda: tree(open_program, best[0].dna), f"What trial {best[0].number} chose."
            )
        second = next((t for t in _worth_a_look(study, best) if t.dna != best[0].dna), None)
        if second is not None:
            names = f"trial {best[0].number}", f"trial {second.number}"
            yield _figure(
                lambda: differences(study.program(best[0]), study.program(second), names),
                "What two of the best differ in.",
                wide=True,
            )


def _figure(draw: Callable[[], Any], caption: str, *, wide: bool = False) -> str:
    buffer = io.StringIO()
    draw().savefig(buffer, format="svg", metadata={"Date": None})
    drawn = buffer.getvalue()
    svg = drawn[drawn.index("<svg") :]
    # Names within one page have to be unique; each picture numbers its own from the start.
    mark = f"p{zlib.crc32(caption.encode())}-"
    svg = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{mark}", svg)
    label = f'<svg role="img" aria-label="{_escaped(caption)}"'
    svg = svg.replace("<svg", label, 1)
    scroll = f'<div class="scroll" tabindex="0" role="group">{svg}</div>' if wide else svg
    kind = ' class="wide"' if wide else ""
    return f"<figure{kind}>{scroll}<figcaption>{_escaped(caption)}</figcaption></figure>"


def _table(study: Study, best: set[int]) -> str:
    trials = study.trials
    decisions = list(dict.fromkeys(name for trial in trials for name in trial.decisions))
    metrics = list(dict.fromkeys(name for trial in trials for name in trial.metrics))
    heads = ["trial", "state", *study.names, "seconds", *decisions, *metrics]
    titles = "".join(
        f'<th scope="col" aria-sort="none"><button>{_escaped(name)}</button></th>' for name in heads
    )
    looked_into = {trial.number for trial in _worth_a_look(study, study.pareto())}
    rows = []
    for trial in trials:
        number = _cell(trial.number)
        if trial.number in looked_into:
            number = (
                f'<td class="number" data-sort="{trial.number}"><button data-trial='
                f'"{trial.number}" aria-label="Look into trial {trial.number}">{trial.number}'
                "</button></td>"
            )
        cells = [
            trial.state,
            *(trial.rewards.get(name) for name in study.names),
            trial.duration_s,
            *(trial.decisions.get(name) for name in decisions),
            *(trial.metrics.get(name) for name in metrics),
        ]
        mark = ' class="best"' if trial.number in best else ""
        rows.append(f"<tr{mark}>{number}{''.join(map(_cell, cells))}</tr>")
    caption = "Press a title to sort by it, a number to look into the trial. The best are bold."
    return (
        f"<table><caption>{caption}</caption><thead><tr>{titles}</tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table>"
    )


def _cell(value: Any) -> str:
    if value is None:
        return '<td data-sort=""></td>'
    if isinstance(value, float):
        return f'<td class="number" data-sort="{value!r}">{value:.5g}</td>'
    if isinstance(value, int) and not isinstance(value, bool):
        return f'<td class="number" data-sort="{value}">{value}</td>'
    text = _escaped(str(value))
    return f'<td data-sort="{text}">{text}</td>'


def _worth_a_look(study: Study, best: list[Trial]) -> list[Trial]:
    """The best trials, the very best first, then those that failed."""
    if len(study.names) == 1:
        best = study.top(_CHILDREN)
    failed = [trial for trial in study.trials if trial.state == "failed"]
    return [*best[:_CHILDREN], *failed[: _CHILDREN // 5]]


def _child(study: Study, trial: Trial) -> str:
    told = ", ".join(f"{name} {value:.6g}" for name, value in trial.rewards.items())
    lines = [f"<dt>{_escaped(n)}</dt><dd>{_escaped(v)}</dd>" for n, v in trial.decisions.items()]
    body = f'<dl class="facts">{"".join(lines)}</dl>'
    if study.template is not None:
        body += f"<pre>{_escaped(study.program(trial))}</pre>"
    if trial.error is not None:
        body += f"<pre>{_escaped(trial.traceback or trial.error)}</pre>"
    title = f"Trial {trial.number}: {_escaped(told or trial.state)}"
    return f'<details id="trial-{trial.number}"><summary>{title}</summary>{body}</details>'


def _escaped(value: Any) -> str:
    return html.escape(str(value))
