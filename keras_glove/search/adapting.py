"""Taking the trials of a study over to a changed program."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from keras_glove.errors import SearchError
from keras_glove.hyper import DNA, DecisionPoint, SearchSpace
from keras_glove.search.programs import as_template
from keras_glove.search.trial import Trial

if TYPE_CHECKING:
    from keras_glove.search.study import Study

S = TypeVar("S", bound="Study")


def adapted(
    old: Study, new: S, program: Any, added: Mapping[str, Any], removed: Mapping[str, Any]
) -> S:
    """`new`, an empty study, with the trials of `old` that fit `program`; see `Study.adapt`."""
    if len(new.store):
        raise SearchError(
            f"expected a new study to adapt to, but {new.name!r} has {len(new.store)} trials; "
            "give another name."
        )
    template = as_template(program)
    known = set() if old.space is None else {point.name for point in old.space.points}
    asked = {point.name for point in template.space.points}
    _check_names("added", added, asked - known)
    _check_names("removed", removed, known - asked)
    new.bind(template)
    fitting = []
    for trial in old.trials:
        dna = translate(template.space, trial, added, removed)
        if dna is not None and trial.state != "running":
            fitting.append((trial, dna))
    numbers = {trial.number: number for number, (trial, _) in enumerate(fitting)}
    with new.store.lock():
        new.come_from(old, [trial for trial, _ in fitting])
        for number, (trial, dna) in enumerate(fitting):
            row = trial.to_dict()
            origin: dict[str, Any] = {"course": None, "told": [], "attempt": 1}
            origin["parents"] = [numbers[parent] for parent in trial.parents if parent in numbers]
            new.keep(Trial.from_dict(new, {**row, **origin, "number": number, "dna": str(dna)}))
    return new


def translate(
    space: SearchSpace, trial: Trial, added: Mapping[str, Any], removed: Mapping[str, Any]
) -> DNA | None:
    """The DNA in another space under which the child is the same; None if there is none."""
    decisions = trial.decisions
    names = {point.name for point in space.points}
    for name, value in decisions.items():
        if name not in names and (name not in removed or not _alike(removed[name], value)):
            return None
    wanted = [_value(point, {**added, **decisions}, trial) for point in space.points]
    # Draws what is missing, and changes what does not fit: either shows below.
    made = space.complete(wanted, np.random.default_rng(0))
    for point, before, after in zip(space.points, wanted, made, strict=True):
        asked_in_vain = after is None and point.name not in decisions
        if before != after and not asked_in_vain:
            return None
        if after is None and point.name in decisions:
            return None
    return made


def _value(point: DecisionPoint, decisions: Mapping[str, Any], trial: Trial) -> Any:
    """The value in a DNA of a decision that people read; None if the point has no such value."""
    if point.name not in decisions:
        return None
    if point.kind == "custom":  # whose short texts do not tell all.
        return trial.text(point)
    readable = decisions[point.name]
    if point.kind != "categorical":
        number = isinstance(readable, int | float) and not isinstance(readable, bool)
        return readable if number else None
    found = [i for i, literal in enumerate(point.literals) if _alike(literal, readable)]
    return found[0] if len(found) == 1 else None


def _alike(one: Any, other: Any) -> bool:
    return type(one) is type(other) and bool(one == other)


def _check_names(argument: str, given: Mapping[str, Any], possible: set[str]) -> None:
    for name in given:
        if name not in possible:
            raise SearchError(
                f"expected in `{argument}` names of decisions among {sorted(possible)}, received "
                f"{name!r}."
            )
