"""The record of a search."""

from __future__ import annotations

import heapq
import math
from collections import Counter
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_glove.algorithms import hypervolume
from keras_glove.errors import SearchError, SerializationError
from keras_glove.hyper import DNA
from keras_glove.search.adapting import adapted
from keras_glove.search.ledger import Directions, Ledger
from keras_glove.search.pruners import Pruner
from keras_glove.search.storage import Storage, open_files, open_store
from keras_glove.search.trial import Trial

if TYPE_CHECKING:
    from rich.table import Table


class Study(Ledger):
    """The record of a search: its trials, and the best of them.

    A study outlives the loops that fill it: given to `search` or `sample` again it goes
    on, with numbers that count on. An algorithm with the settings of one that it had goes
    on where that left off; another is told of all that was found.

    With a `storage` it outlives the process too, killed or not: the same call opens it
    again. Finished trials are kept as they are, and those that were running are run again,
    with the same numbers, decisions and seeds. Any number of processes may open a study and
    search it together.

    Args:
        name: for people, and to find it in the storage. None is fine in memory, and for a
            file, whose name it then has.
        storage: None keeps the study in memory. "runs/x.db" is an SQLite file, for any number
            of processes on one machine; "postgresql://user@host/database" or another URL of
            SQLAlchemy a database server, for many machines; "runs/x.journal" a journal file of
            Optuna. All in the format of Optuna, whose dashboard and plots read them: decisions
            are its parameters, metrics its user attributes.
        direction: whether the best reward is the largest ("maximize", the default) or the
            smallest ("minimize"). For several rewards a mapping of names to directions, such
            as {"accuracy": "maximize", "parameters": "minimize"}; objectives then return a
            mapping with these names.
        seed: a non-negative integer that fixes the seeds of all trials and of algorithms
            made without one. None draws one, which `seed` then tells.
        pruner: ends unpromising trials early; None never does.
        files: a folder for the files of trials: the child, and what the objective writes
            into `trial.folder`. By default beside a storage that is a file, and none else.
            False for none.
        keep: how many of the best trials keep their files; with several objectives those on
            the Pareto front do. None keeps all, 0 none.
        patience_s: a process on another machine that gave no sign of life for so many seconds
            is taken for dead, and its trial is run again. On one machine that is noticed at
            once.

    Raises:
        SearchError: for an unknown direction, a storage that cannot be opened, or settings
            that are not those of the study that is kept there.
        AlgorithmError: for a seed that is not a non-negative integer, or a wrong pruner.

    >>> from keras_glove.search import Study
    >>> study = Study("widths", direction="minimize", seed=0)
    >>> study
    Study('widths', direction='minimize', trials=0)
    """

    def __init__(
        self,
        name: str | None = None,
        storage: Storage = None,
        *,
        direction: Directions | None = None,
        seed: int | None = None,
        pruner: Pruner | None = None,
        files: str | PathLike[str] | bool | None = None,
        keep: int | None = 3,
        patience_s: float = 60.0,
    ) -> None:
        store, self.name = open_store(storage, name, patience_s=patience_s)
        try:
            folder = open_files(files, storage, self.name, keep)
            super().__init__(store, direction, seed, pruner, folder)
        except BaseException:
            store.close()
            raise

    @classmethod
    def load(cls, name: str | None, storage: Storage, **settings: Any) -> Study:
        """Opens a study that exists.

        Args:
            name: None for the only one that there is.
            storage: as for `Study`.
            **settings: `pruner`, `files`, `keep`, `patience_s`, as for `Study`.

        Raises:
            SearchError: if there is none of this name.
        """
        from keras_glove.search.storage.catalog import existing_name

        return cls(existing_name(storage, name), storage, **settings)

    def close(self) -> None:
        """Gives up the files and connections of the storage; the study can be opened again."""
        self.store.close()

    # --- what was found ------------------------------------------------------------

    @property
    def trials(self) -> list[Trial]:
        """All trials in the order of their numbers."""
        self.refresh()
        return list(self.store)

    @property
    def best_or_none(self) -> Trial | None:
        """As `best_trial`, or None if no trial is complete."""
        if len(self.names) > 1:
            raise SearchError(
                f"expected one objective, but there are {list(self.names)}; use `study.pareto()`, "
                "the trials of which none is best in all."
            )
        return self.front.best

    @property
    def best_trial(self) -> Trial:
        """The complete trial with the best reward that broke no constraint, the earliest of equals.

        Raises:
            SearchError: if there is none, or the study has several objectives.
        """
        best = self.best_or_none
        if best is None:
            raise SearchError(f"expected a complete trial, but there is none: {self._errors()}.")
        return best

    @property
    def best_dna(self) -> DNA:
        """The decisions of the best trial."""
        return self.best_trial.dna

    @property
    def best_value(self) -> float:
        """The reward of the best trial, with the objective's own sign."""
        value = self.best_trial.reward
        assert value is not None
        return value

    @property
    def best_program(self) -> Any:
        """The concrete program of the best trial, made anew each time.

        Raises:
            SearchError: if no trial is complete, or no search has used the study yet.
        """
        return self.program(self.best_trial)

    def program(self, trial: Trial) -> Any:
        """The concrete program of a trial, made anew each time.

        Raises:
            SearchError: if the study was loaded and no search has used it since.
        """
        if self._template is None:
            raise SearchError(
                "this study knows the decisions but not the program; call "
                "`Template(program).materialize(trial.dna)` or go on searching with the study."
            )
        return self._template.materialize(trial.dna)

    def top(self, k: int) -> list[Trial]:
        """The `k` best complete trials, the best first, the earliest of equals.

        Raises:
            SearchError: if the study has several objectives.
        """
        if len(self.names) > 1:
            self.best_or_none  # noqa: B018  raises.
        scored = ((self.front.score(trial), -trial.number, trial) for trial in self.trials)
        complete = (entry for entry in scored if entry[0] > -math.inf)
        return [trial for _, _, trial in heapq.nlargest(k, complete)]

    def pareto(self) -> list[Trial]:
        """The complete trials that broke no constraint and that no other dominates.

        One trial dominates another if it is nowhere worse and somewhere better. The best of
        the first objective comes first; of equal ones the earliest is taken.
        """
        self.refresh()
        return self.front.trials

    def hypervolume(self, reference: Mapping[str, float]) -> float:
        """How much of the space of rewards the Pareto front dominates, in the product of units.

        Args:
            reference: a poor value of each reward, by name; what is worse in any does not
                count.

        Raises:
            SearchError: if a name is missing, or unknown.
        """
        if set(reference) != set(self.names):
            raise SearchError(
                f"expected a reference with the names {list(self.names)}, received "
                f"{list(reference)}."
            )
        self.refresh()
        corner = [s * reference[name] for s, name in zip(self.signs, self.names, strict=True)]
        return hypervolume(self.front.points, corner)

    # --- views ---------------------------------------------------------------------

    def rows(self) -> list[dict[str, Any]]:
        """One JSON-able dict per trial; see `Trial.to_dict`."""
        return [trial.to_dict() for trial in self.trials]

    def table(self, top: int | None = None) -> Table:
        """A table to print by rich: of all trials in order, or of the `top` best."""
        from keras_glove.search.tables import study_table

        return study_table(self, self.trials if top is None else self.top(top))

    def report(self, path: str | PathLike[str]) -> Path:
        """Writes one page of HTML: pictures, all trials, and the best children.

        It needs no network, and nothing beside it. Children are shown as programs if a search
        has used the study in this process.

        Args:
            path: such as "runs/report.html"; a file that is there is replaced.

        Returns:
            The path.

        Raises:
            SearchError: if there is no complete trial, or no such folder. Nothing is written then.
        """
        from keras_glove.plot.report import write_report

        return write_report(self, path)

    def __repr__(self) -> str:
        counts = Counter(trial.state for trial in self.store)
        parts = [] if self.name is None else [repr(self.name)]
        parts += [f"direction={self.direction!r}", f"trials={len(self.store)}"]
        parts += [f"{state}={count}" for state, count in sorted(counts.items())]
        if len(self.names) == 1 and self.front.best is not None:
            parts.append(f"best_value={self.best_value!r}")
        elif len(self.names) > 1:
            parts.append(f"pareto={len(self.front.points)}")
        return f"Study({', '.join(parts)})"

    # --- as data -------------------------------------------------------------------

    def to_dict(self) -> dict[str, Any]:
        """The study as JSON-able data, its space included; not its program or pruner."""
        return {"name": self.name, **self.header(), "trials": self.rows()}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], *, pruner: Pruner | None = None) -> Study:
        """The study that `to_dict` wrote, in memory; it goes on when given to `search`.

        Raises:
            SerializationError: if `data` is not such a study.
        """
        try:
            study = cls(data["name"], direction=data["direction"], seed=data["seed"], pruner=pruner)
            study.restore(data)
            for row in data["trials"]:
                study.keep(Trial.from_dict(study, row))
        except (KeyError, TypeError, ValueError, AttributeError, SearchError) as error:
            raise SerializationError(
                f"expected the data of Study.to_dict(): {type(error).__name__}: {error}"
            ) from error
        return study

    def adapt(
        self,
        program: Any,
        name: str | None = None,
        storage: Storage = None,
        *,
        added: Mapping[str, Any] | None = None,
        removed: Mapping[str, Any] | None = None,
        **settings: Any,
    ) -> Study:
        """A new study of a changed program, with the finished trials that still fit it.

        A trial fits if each decision that the changed program asks for was made, and its
        value is still a candidate or in range; and if it decided nothing that the changed
        program does not ask for. Its children are then the same as before. Algorithms are
        told of these trials as of any others that they did not propose.

        Args:
            program: the changed program.
            name: of the new study.
            storage: of the new study, also where this one is kept.
            added: for decisions that are new, by name, what the program had in that place
                before. A trial without a value for a decision is left out.
            removed: for decisions that are gone, by name, what the program has in that place
                now: trials that decided otherwise are left out. A trial that made a decision
                that is gone and not named here is left out.
            **settings: further ones for `Study`; direction and seed are those of this one.

        Raises:
            SearchError: if there is a study of that name, or a name in `added` or `removed`
                is not one of a decision that is new or gone.

        >>> from keras_glove.algorithms import Sweep
        >>> from keras_glove.hyper import oneof
        >>> from keras_glove.search import search
        >>> old = {"width": oneof([8, 16, 32])}
        >>> study = search(old, lambda child: child["width"], Sweep(), progress=False)
        >>> new = {"width": oneof([16, 32, 64]), "bias": oneof([True, False])}
        >>> wider = study.adapt(new, added={"bias": True})
        >>> [trial.decisions for trial in wider.trials]
        [{'width': 16, 'bias': True}, {'width': 32, 'bias': True}]
        """
        new = type(self)(name, storage, direction=self.direction, seed=self.seed, **settings)
        return adapted(self, new, program, dict(added or {}), dict(removed or {}))

    def _errors(self) -> str:
        failed = [trial for trial in self.store if trial.state == "failed"]
        complete = sum(trial.state == "complete" for trial in self.store)
        if complete:
            return f"each of the {complete} that are complete broke a constraint"
        if not failed:
            return f"the study has {len(self.store)} trials"
        return f"{len(failed)} of {len(self.store)} trials failed, the last with {failed[-1].error}"


def new_or_given(
    study: Study | None,
    seed: int | None,
    direction: Directions | None = None,
    pruner: Pruner | None = None,
) -> Study:
    """The study given, or a new one made of the other arguments.

    Raises:
        SearchError: if the study given has been made with other settings.
    """
    if study is None:
        return Study(direction=direction, seed=seed, pruner=pruner)
    if not isinstance(study, Study):
        raise SearchError(f"expected study to be a Study, received {study!r}.")
    asked = {"seed": seed, "direction": direction, "pruner": pruner}
    for name, value in asked.items():
        if value is not None and value != getattr(study, name):
            raise SearchError(
                f"expected no {name} beside a study, which has {name}={getattr(study, name)!r}; "
                f"received {value!r}. Say it when making the Study."
            )
    return study
