"""Searches the architecture of a supernet while `fit` trains it."""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Iterator, Mapping
from typing import Any

import keras
import numpy as np
from keras.src.utils import io_utils

from keras_glove.algorithms import Algorithm, RegularizedEvolution
from keras_glove.callbacks import guards
from keras_glove.callbacks.board import Board, folder_of
from keras_glove.callbacks.children import ChildTraining, Judged, equal_cost
from keras_glove.callbacks.costs import Cost, search_cost
from keras_glove.callbacks.means import MeanSearch
from keras_glove.callbacks.monitor import Mode
from keras_glove.callbacks.qualities import NamedQuality, named_quality
from keras_glove.callbacks.records import SearchFiles, assign_values, values_of
from keras_glove.callbacks.scoring import Found, SupernetScores, blackbox
from keras_glove.callbacks.search_data import SearchData, choose
from keras_glove.callbacks.search_report import SearchReport
from keras_glove.callbacks.words import words
from keras_glove.errors import TrainingError
from keras_glove.hyper import DNA, SearchSpace
from keras_glove.symbolic import build
from keras_glove.weight_sharing.policies.policy import Policy
from keras_glove.weight_sharing.rewards import Reward
from keras_glove.weight_sharing.search_step import Search
from keras_glove.weight_sharing.supernet import sharing_of

__all__ = ["SearchCallback"]


class SearchCallback(keras.callbacks.Callback):
    """Trains a supernet and searches it, in one `fit`.

    The policy draws an architecture at each step, its weights are trained on the training batch,
    and the policy learns from what it is worth on a batch of search data; all of that in the graph.
    A policy that only trains (`trains_only`) is followed by a search on the trained supernet.

    While it runs, the means of an epoch are among the logs, for the progress bar, `History`, and
    callbacks that monitor: `reward`, `quality` (the reward before cost), `entropy` (nats), `cost`
    and `cost_ratio` (to the target), as far as policy and search have them. Validation in `fit` is
    of the most likely architecture. Beside a `TensorBoard` callback, or with a directory, events
    are written as well.

    Args:
        policy: of `keras_glove.weight_sharing.policies`.
        search_data: (x, y) or (x, y, sample_weight); a batched `tf.data.Dataset` or `PyDataset`; a
            fraction of the training arrays, to be split off; or "training", the training data
            themselves. By default the validation data of `fit`, by `validation_split` too, else a
            fifth of the training arrays. What validation says is then no independent judgement.
        reward: a metric or loss of Keras, by name or as an object; "loss", the compiled one; a
            function of (targets, predictions), of which more is better; for several outputs a
            mapping from their names to these, whose mean is taken. By default the first metric that
            the model is compiled with, else "loss".
        mode: "max" or "min", where the metric does not tell by itself whether more is better.
        cost: "multiply_adds", "parameters", "activations", a `weight_sharing.Formula`, or a
            function of decisions that works in the graph.
        target: what an architecture should cost, in units of the cost.
        shape: "absolute", Q + beta |T / T0 - 1|; "mnas", Q (T / T0)^beta; "mnas_hard", the same,
            but nothing is won below the target; "hard", worse than anything beyond the target.
        beta: how much cost counts, below 0; by default -0.1, or -0.07 for both of MnasNet.
        search_batch_size: examples per search batch, for arrays; by default as in training.
        warm_up: epochs in which the weights alone are trained.
        every: the policy learns at each step whose number this divides; weights at all steps.
        algorithm: for policies that only train: what searches on the trained supernet; by default
            regularized evolution.
        trials: how many architectures that proposes.
        recalibrate: batches of training data on which statistics of BatchNormalization are
            estimated anew for each architecture that is scored; 0 takes those of the supernet.
        directory: a folder for `search.json` and the state of each epoch. A search that was killed
            goes on from there, and gives what it would have given; put this callback last then.
        seed: of all that is drawn.

    Attributes:
        policy: as given.
        best_dna: the architecture found, the most likely one; None until `fit` has ended.
        history: for each epoch what was shown, with `epoch`.
        probabilities: for each epoch those of each decision, by name.

    Raises:
        TrainingError: in `fit`, before anything is trained: the model has no open values, or data,
            reward, cost or directory do not fit it.
        PolicyError: the policy cannot search this space.

    >>> import numpy as np
    >>> import keras_glove as kg
    >>> from keras_glove import layers
    >>> from keras_glove.weight_sharing.policies import Reinforce
    >>> model = kg.Sequential([
    ...     layers.Dense(kg.oneof([2, 8], name="width"), activation="relu"), layers.Dense(1)])
    >>> model.compile("adam", "mse")
    >>> search = SearchCallback(Reinforce(), reward="loss", cost="parameters", target=8)
    >>> x = np.linspace(-1, 1, 64, dtype="float32")[:, None]
    >>> history = model.fit(x, x**2, epochs=2, callbacks=[search], verbose=0)
    >>> sorted(set(history.history) - {"loss"})
    ['cost', 'cost_ratio', 'entropy', 'quality', 'reward']
    >>> child = model.child(search.best_dna)
    """

    def __init__(
        self,
        policy: Policy,
        search_data: Any = None,
        *,
        reward: Any = None,
        mode: Mode = "auto",
        cost: Any = None,
        target: float | None = None,
        shape: str = "absolute",
        beta: float | None = None,
        search_batch_size: int | None = None,
        warm_up: float = 0,
        every: int = 1,
        algorithm: Algorithm | None = None,
        trials: int = 100,
        recalibrate: int = 4,
        directory: str | os.PathLike[str] | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__()
        if not isinstance(policy, Policy):
            raise TrainingError(f"Expected a policy, received {policy!r}.")
        if algorithm is not None and not policy.trains_only:
            raise TrainingError(
                f"Expected no algorithm beside {type(policy).__name__}, which searches by itself, "
                f"received {algorithm!r}. Leave it out, or train by `UniformSampling`."
            )
        if warm_up < 0 or every < 1:
            raise TrainingError(
                f"Expected warm_up from 0 and every from 1 on, received {warm_up} and {every}."
            )
        self.policy = policy
        self.best_dna: DNA | None = None
        self.history: list[dict[str, Any]] = []
        self.probabilities: list[dict[str, list[float]]] = []
        self._search_data, self._reward, self._mode = search_data, reward, mode
        self._cost_given, self._target, self._shape, self._beta = cost, target, shape, beta
        self._batch_size, self._warm_up, self._every = search_batch_size, warm_up, every
        self._algorithm, self._trials, self._recalibrate = algorithm, trials, recalibrate
        self._files = None if directory is None else SearchFiles(directory)
        self._seed = seed
        self._running: MeanSearch | None = None
        self._line = ""

    # --- what fit calls ------------------------------------------------------------

    @contextlib.contextmanager
    def attached(self, model: Any, arguments: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """While it holds, `fit` searches; gives the arguments that `fit` is to go on with."""
        self._check_model(model, arguments)
        try:
            with model.distribute_strategy.scope():
                arguments = self._begin(model, arguments)
            yield arguments
            self._finish()
        finally:
            model._search = model._initial_epoch = model.train_function = None
            self._running = None
            self._board.close()

    def set_model(self, model: Any) -> None:
        super().set_model(model)
        if self._running is None:
            raise TrainingError(
                "Expected SearchCallback in `fit` of a model with open values, received "
                f"{type(model).__name__}. Derive it from `keras_glove.Model` and give it some."
            )

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        search, steps = self._require().search, self.params.get("steps")
        if steps is None and self._warm_up:
            raise TrainingError(
                "Expected to know how many steps an epoch has, for warm_up, received data of "
                "unknown length. Give `fit` steps_per_epoch."
            )
        search.steps = None if steps is None else steps * self.params["epochs"]
        search.warm_up = round(self._warm_up * (steps or 0))
        search.number.assign(self._first_epoch * (steps or 0))
        self.history = [row for row in self.history if row["epoch"] < self._first_epoch]
        self.probabilities = self.probabilities[: len(self.history)]
        self._resume()
        search.batches = self._data.distributed(
            self.model.distribute_strategy, int(search.number.numpy())
        )

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._say()  # of the epoch before, whose progress bar has ended now
        self._require().reset()

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        if self._running is not None and not self.policy.trains_only:
            self.model.decide(self.policy.best())

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        running = self._require()
        self.history.append({"epoch": epoch, **_plain({**(logs or {}), **running.means()})})
        best = self.policy.best()
        if not self.policy.trains_only:
            self.model.decide(best)  # what callbacks save now is this epoch's
            rows = self.policy.probabilities()
            self.probabilities.append({name: row.tolist() for name, row in rows.items()})
            self._line = f"  most likely: {self.describe(best)}"
            if int(running.search.number.numpy()) > running.search.warm_up:
                guards.warn_of_constant_reward(running.change(), epoch)
        self._board.write(epoch, running.means(), self.probabilities)
        if self._files is not None:
            self._files.write(self._document(epoch + 1, best), self._state())

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        self._say()

    # --- what it found -------------------------------------------------------------

    def describe(self, dna: DNA) -> str:
        """An architecture in words, with its cost against the target.

        Raises:
            TrainingError: before `fit`.
        """
        text = words(self._space, dna)
        if self.cost is None:
            return text
        return f"{text} ({self.cost.name} {self.cost.of(dna):,.0f} of {self._target:,.0f})"

    def score(self, dna: DNA) -> Found:
        """What an architecture is worth with the shared weights, on the whole search data.

        Raises:
            TrainingError: before `fit`.
            DNAError: it is not of the model's search space.
        """
        return self._scores(dna)

    def top(self, k: int = 5) -> list[Found]:
        """The k best architectures by their reward with shared weights, the best first.

        They are the best of the black-box search; of a policy that learns, of the most likely
        architecture and draws from it, 16 for each that is asked for.

        Raises:
            TrainingError: before `fit` has ended.
        """
        if self.best_dna is None:
            raise TrainingError("Expected `top` after `fit`, received a search that has not ended.")
        if self.policy.trains_only:
            return self._found[:k]
        drawn = [self.best_dna, *self.policy.sample(16 * k, self._seed)]
        found = [self._scores(dna) for dna in dict.fromkeys(drawn)]
        return sorted(found, key=lambda one: -one.reward)[:k]

    def report(
        self,
        *,
        random: int = 0,
        static: Any = None,
        ranked: int = 0,
        inherited: bool = False,
        seeds: int = 1,
        epochs: int | None = None,
        data: Any = None,
    ) -> SearchReport:
        """What came of the search; trains children, as the supernet was, where it is asked to.

        Args:
            random: so many random architectures that cost what the found one does, for one seed
                each, are trained beside it.
            static: a model's program, or a function that makes a model, to be trained beside it.
            ranked: so many random architectures are trained for one seed each, and Kendall's tau
                between their scores with shared weights and on their own is told.
            inherited: train the found child also from the weights that it has in the supernet.
            seeds: how often the found child and the static one are trained.
            epochs: of a child; by default those of the last `fit`.
            data: what children are judged on; by default the search data, on which the found child
                was chosen: test data are fairer.

        Raises:
            TrainingError: before `fit` has ended.
        """
        if self.best_dna is None:
            raise TrainingError(
                "Expected `report` after `fit`, received a search that has not ended."
            )
        model, best = self.model, self.best_dna
        judged_on = self._data if data is None else SearchData(data)
        epochs = int(self.params["epochs"]) if epochs is None else epochs
        training = ChildTraining(model, self._arguments, epochs, self.quality, judged_on)
        several = range(1, seeds + 1)

        def alone(dna: DNA) -> Judged:
            return training.judge(words(self._space, dna), lambda: model.child(dna, False), [1])

        children: list[Judged] = []
        if random or static is not None or inherited or ranked:
            children = [training.judge("found", lambda: model.child(best, False), several)]
        if inherited:
            name = "found, inherited weights"
            children.append(training.judge(name, lambda: model.child(best), several))
        if static is not None:
            make = static if callable(static) else lambda: build(static)
            children.append(training.judge("static", make, several))
        cost = search_cost("multiply_adds", model, self._space) if self.cost is None else self.cost
        beside = (
            equal_cost(self._space, cost.of, best, random, self._seed) if cost and random else []
        )
        sample = dict.fromkeys(self._space.sample(ranked, self._seed)) if ranked else ()
        return SearchReport(
            found=self.describe(best),
            reward=self.quality.name,
            history=self.history,
            probabilities=self.probabilities,
            target=self._target,
            children=children,
            random=[alone(dna) for dna in beside],
            pairs=[(self._scores(dna).quality, alone(dna).mean) for dna in sample],
        )

    # --- the parts of it -----------------------------------------------------------

    def _check_model(self, model: Any, arguments: Mapping[str, Any]) -> None:
        if getattr(model, "_sharing", None) is None:
            raise TrainingError(
                "Expected SearchCallback in `fit` of a model with open values, received a "
                f"{type(model).__name__} without any. Give it some, such as `oneof([16, 32])`."
            )
        if model._search is not None:
            raise TrainingError("Expected one SearchCallback in a `fit`, received two.")
        model._assert_compile_called("fit")

    def _begin(self, model: Any, arguments: dict[str, Any]) -> dict[str, Any]:
        callbacks = getattr(arguments.get("callbacks"), "callbacks", arguments.get("callbacks"))
        self._board = Board(
            folder_of(
                keras.tree.flatten(callbacks or []),
                None if self._files is None else self._files.directory,
            )
        )
        arguments, self._data = choose(arguments, self._search_data, self._batch_size, self._seed)
        self._arguments, self._training = arguments, _trained_on(arguments)
        self._first_epoch = int(arguments.get("initial_epoch") or 0)
        x, y = self._data.symbols()
        predicted = model(x)
        self._space: SearchSpace = sharing_of(model).space
        self.policy.setup(self._space)
        self.quality: NamedQuality = named_quality(self._reward, self._mode, model, y, predicted)
        self.cost: Cost | None = search_cost(self._cost_given, model, self._space)
        reward = self._shaped()
        search = Search(model, self.policy, reward, iter(()), every=self._every, seed=self._seed)
        self._running = model._search = MeanSearch(search, self._target)
        model.train_function = None
        self._scores = SupernetScores(
            model, reward, self.cost, self._data, SearchData(self._training), self._recalibrate
        )
        return arguments

    def _shaped(self) -> Reward:
        tensor = None if self.cost is None else self.cost.tensor
        reward = Reward(self.quality, tensor, self._target, self._shape, self._beta)
        if self.cost is None:
            return reward
        if self.quality.falls and self._shape != "absolute":
            raise TrainingError(
                f"Expected a reward from 0 up for the shape {self._shape!r}, which multiplies it, "
                f"received the negative of {self.quality.name}. Take shape='absolute', or reward a "
                "metric such as accuracy."
            )
        guards.warn_of_target(self.cost, float(self._target or 1), self._shape)
        return reward

    def _finish(self) -> None:
        model: Any = self.model
        if self.policy.trains_only:
            algorithm = self._algorithm or RegularizedEvolution(
                max(self._trials // 5, 2), tournament_size=max(self._trials // 20, 2)
            )
            self._found = blackbox(self._scores, algorithm, self._space, self._trials, self._seed)
            self.best_dna = self._found[0].dna
        else:
            self.best_dna = self.policy.best()
            search = self._require().search
            learnt = int(search.number.numpy()) - search.warm_up
            guards.warn_of_entropy(self.policy.probabilities(), learnt)
        guards.warn_of_collapse(model, self.best_dna)
        model.decide(self.best_dna)
        self._line = f"  found: {self.describe(self.best_dna)}"
        self._say()
        if self._files is not None and self.history:
            epochs = self.history[-1]["epoch"] + 1
            self._files.write(self._document(epochs, self.best_dna), self._state())

    def _say(self) -> None:
        if self._line and self.params.get("verbose", 0) != 0:
            io_utils.print_msg(self._line)
        self._line = ""

    def _require(self) -> MeanSearch:
        if self._running is None:
            raise TrainingError("SearchCallback runs inside `fit` alone.")
        return self._running

    # --- files ---------------------------------------------------------------------

    def _document(self, epochs: int, best: DNA) -> dict[str, Any]:
        return {
            "space": self._space.fingerprint,
            "policy": repr(self.policy),
            "seed": self._seed,
            "epochs": epochs,
            "step": int(self._require().search.number.numpy()),
            "reward": self.quality.name,
            "cost": None if self.cost is None else self.cost.name,
            "target": self._target,
            "history": self.history,
            "probabilities": self.probabilities,
            "best": {"dna": str(best), "decisions": _plain(self._space.decisions(best))},
        }

    def _state(self) -> dict[str, np.ndarray[Any, Any]]:
        policy = {f"policy/{name}": value for name, value in self.policy.get_state().items()}
        model: Any = self.model
        weights = values_of(model.variables, "weights")
        return {**policy, **weights, **values_of(model.optimizer.variables, "optimizer")}

    def _resume(self) -> None:
        document = None if self._files is None else self._files.read()
        if document is None or self._files is None:
            return
        missing = [name for name in _NEEDED if name not in document]
        if missing:
            raise TrainingError(
                f"Expected {self._files.document} to have {missing}; delete it to begin anew."
            )
        mine = {name: self._document(0, self.policy.best())[name] for name in _IDENTITY}
        theirs = {name: document[name] for name in _IDENTITY}
        if mine != theirs:
            raise TrainingError(
                f"Expected {self._files.document} to be of this search, {mine}, received one of "
                f"{theirs}. Give another directory, or delete that one."
            )
        state, model = self._files.state(document), self.model
        if not model.optimizer.built:
            with model.distribute_strategy.scope():
                model.optimizer.build(model.trainable_variables)
        assign_values(model.variables, "weights", state)
        assign_values(model.optimizer.variables, "optimizer", state)
        start = len("policy/")
        self.policy.set_state(
            {name[start:]: value for name, value in state.items() if name.startswith("policy/")}
        )
        self._require().search.number.assign(document["step"])
        self.history, self.probabilities = document["history"], document["probabilities"]
        model._initial_epoch = document["epochs"]


_IDENTITY = ("space", "policy", "seed", "reward", "cost", "target")
_NEEDED = (*_IDENTITY, "epochs", "step", "state", "history", "probabilities")


def _trained_on(arguments: Mapping[str, Any]) -> Any:
    x, y = arguments.get("x"), arguments.get("y")
    return x if y is None and not hasattr(x, "shape") else (x, y)


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Numbers as JSON has them; what is not finite is None."""
    return {name: _number(value) for name, value in values.items()}


def _number(value: Any) -> Any:
    if value is None or isinstance(value, str | int):
        return value
    number = np.asarray(value)
    if number.ndim:
        return number.tolist()
    return float(number) if math.isfinite(number) else None
