"""Optimizer updates that leave what is inactive alone.

Momentum and weight decay move a weight without any gradient. In a supernet that would be every
weight of every branch and channel that did not run, so its optimizer updates the active ones only:
variables of closed branches are passed over, and of the others what is masked keeps its value, as
do its slots.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_glove.errors import NotShareableError
from keras_glove.training.replicas import replica_count
from keras_glove.weight_sharing.activity import Activity
from keras_glove.weight_sharing.common_updates import CommonUpdates
from keras_glove.weight_sharing.decisions import Decisions, Together
from keras_glove.weight_sharing.tables import Table
from keras_glove.weight_sharing.updating_replicas import update_used, used

__all__ = ["guard", "inner_optimizers"]

Common = Callable[[Any, Any, "list[Any]"], bool]
"""Updates some variables by the index of a pattern; False where it cannot."""


def guard(
    optimizer: Any,
    activity: Callable[[], Activity],
    decisions: Callable[[], Decisions | Together],
    over_all: Callable[[], bool] = lambda: False,
) -> None:
    """Makes an optimizer update active weights only.

    Args:
      optimizer: any optimizer of Keras, with or without loss scaling; or several.
      activity: gives what of each variable is active under which decisions.
      decisions: gives those of the step.
      over_all: whether gradients are means over all replicas, instead of over those that used a
        weight.
    """
    for inner in inner_optimizers(optimizer):
        _Guard(inner, activity, decisions, over_all).install()


def inner_optimizers(optimizer: Any) -> list[Any]:
    """Those that do the steps: what loss scaling is around, or each of a `MultiOptimizer`.

    Raises:
      NotShareableError: it gets them from a function, so they are not known yet.
    """
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    found = list(getattr(inner, "optimizers", [inner]))
    if not found:
        raise NotShareableError(
            "Expected a MultiOptimizer whose optimizers are known, received one that gets them "
            "from a function. Give it a `keras.optimizers.OptimizerMap`."
        )
    return found


class _Guard:
    """Methods that stand in for those of one optimizer."""

    def __init__(
        self,
        optimizer: Any,
        activity: Callable[[], Activity],
        decisions: Callable[[], Decisions | Together],
        over_all: Callable[[], bool],
    ) -> None:
        self._optimizer = optimizer
        self._over_all = over_all
        self._activity = activity
        self._decisions = decisions
        self._decay = optimizer._apply_weight_decay
        self._filter = optimizer._filter_empty_gradients
        self._overwrite = optimizer._overwrite_model_variables_with_average_value
        self._common = CommonUpdates(optimizer, self._step)

    def install(self) -> None:
        put = object.__setattr__  # Keras would look into what is set on an optimizer
        put(self._optimizer, "_apply_weight_decay", lambda variables: None)
        put(self._optimizer, "_filter_empty_gradients", self.filter)
        put(self._optimizer, "_update_model_variables_moving_average", self.average)
        put(self._optimizer, "_overwrite_model_variables_with_average_value", self.overwrite)
        if type(self._optimizer)._backend_update_step is keras.Optimizer._backend_update_step:
            put(self._optimizer, "_backend_update_step", self.update)
        else:  # it does something of its own before, as Nadam does
            put(self._optimizer, "_all_reduce_sum_gradients", self.reduced)

    def filter(self, grads: Sequence[Any], variables: Sequence[Any]) -> Any:
        """In place of `_filter_empty_gradients`: that a closed branch has none is no surprise."""
        activity = self._activity()
        kept = [
            (gradient, variable)
            for gradient, variable in zip(grads, variables, strict=True)
            if gradient is not None or not activity.condition(variable).points
        ]
        return self._filter([pair[0] for pair in kept], [pair[1] for pair in kept])

    def update(self, grads: Sequence[Any], variables: Sequence[Any], rate: Any) -> None:
        """In place of `_backend_update_step` and of weight decay."""
        if replica_count() > 1:
            self._update_on_replicas(grads, variables, rate)
            return
        gradients = dict(zip(map(id, variables), grads, strict=True))

        def gradient(variable: Any) -> Any:
            return ops.convert_to_tensor(gradients[id(variable)])

        def common(index: Any, patterns: Any, members: list[Any]) -> bool:
            if any(self._active.axes(variable) is not None for variable in members):
                return False
            if not self._common.serves():
                return False
            touched = [[variable, *self._slots(variable)] for variable in members]
            speed = ops.copy(rate)  # of a variable the value
            self._common.update(index, patterns, touched, list(map(gradient, members)), speed)
            return True

        self._each(variables, lambda v: self._step(v, gradient(v), rate), common)

    def reduced(self, pairs: Sequence[tuple[Any, Any]]) -> list[Any]:
        """In place of what Keras's `_backend_update_step` begins with; leaves it nothing to do."""
        optimizer = self._optimizer
        known = optimizer._trainable_variables
        variables = [known[optimizer._get_variable_index(value)] for _, value in pairs]
        self.update([gradient for gradient, _ in pairs], variables, optimizer.learning_rate)
        return []

    def _step(self, variable: Any, gradient: Any, rate: Any) -> None:
        self._decay([variable])
        self._optimizer.update_step(gradient, variable, rate)

    def _update_on_replicas(
        self, grads: Sequence[Any], variables: Sequence[Any], rate: Any
    ) -> None:
        optimizer = self._optimizer

        def step(variable: Any, gradient: Any) -> None:
            if optimizer.weight_decay is not None and optimizer._use_weight_decay(variable):
                decay = ops.cast(rate, variable.dtype) * optimizer.weight_decay
                variable.assign_sub(variable * decay)
            optimizer.update_step(gradient, variable, rate)

        gradients = [ops.convert_to_tensor(gradient) for gradient in grads]
        self._used_on_replicas(variables, gradients, step)

    def _used_on_replicas(
        self, variables: Sequence[Any], gradients: Sequence[Any], step: Callable[[Any, Any], None]
    ) -> None:
        activity, decisions = self._activity(), self._decisions()
        amounts = [used(variable, activity, decisions) for variable in variables]
        update_used(variables, gradients, amounts, step, self._slots, over_all=self._over_all())

    def average(self, variables: Sequence[Any]) -> None:
        """In place of `_update_model_variables_moving_average`."""
        optimizer = self._optimizer
        if not optimizer.use_ema:
            return
        averages = optimizer._model_variables_moving_average

        def step(variable: Any, _: Any = None) -> None:
            own = averages[optimizer._get_variable_index(variable)]
            started = ops.cast(ops.not_equal(optimizer.iterations, 0), variable.dtype)
            momentum = started * optimizer.ema_momentum
            if own is not None:
                own.assign(momentum * own + (1 - momentum) * variable)

        if replica_count() > 1:
            nothing = [ops.zeros(()) for _ in variables]
            self._used_on_replicas(variables, nothing, step)
            return
        self._each(variables, step, lambda *_: False)

    def overwrite(self, variables: Sequence[Any]) -> None:
        """In place of `_overwrite_model_variables_with_average_value`."""
        if replica_count() > 1:
            self._overwrite(variables)
            return
        averages = self._optimizer._model_variables_moving_average

        def step(variable: Any) -> None:
            own = averages[self._optimizer._get_variable_index(variable)]
            if own is not None:
                variable.assign(own)

        self._each(variables, step, lambda *_: False)

    def _each(self, variables: Sequence[Any], step: Callable[[Any], None], common: Common) -> None:
        """Does a step for each variable that is active, and undoes it where it is masked."""
        decisions, self._active = self._decisions(), self._activity()
        groups: dict[tuple[int, ...], list[tuple[Table, Any]]] = {}
        for variable in variables:
            condition = self._active.condition(variable)
            groups.setdefault(condition.points, []).append((condition, variable))
        for points, members in groups.items():
            if not points or decisions.runs_all(points):
                for _, variable in members:
                    self._masked(variable, step, decisions)
            elif isinstance(decisions, Together) or decisions.relaxed(points):
                self._where_used(members, step, decisions)
            else:
                self._switch(points, members, step, common, decisions)

    def _where_used(
        self,
        members: list[tuple[Table, Any]],
        step: Callable[[Any], None],
        decisions: Decisions | Together,
    ) -> None:
        """One condition of the graph for each set of variables of one condition."""
        groups: dict[Table, list[Any]] = {}
        for condition, variable in members:
            groups.setdefault(condition, []).append(variable)
        for condition, variables in groups.items():

            def run(variables: list[Any] = variables) -> Any:
                for variable in variables:
                    self._masked(variable, step, decisions)
                return ops.convert_to_tensor(0)

            used = decisions.uses(condition.points, condition.values)
            ops.cond(used, run, lambda: ops.convert_to_tensor(0))

    def _switch(
        self,
        points: tuple[int, ...],
        members: list[tuple[Table, Any]],
        step: Callable[[Any], None],
        common: Common,
        decisions: Decisions,
    ) -> None:
        """One branch of the graph for each set of variables that is active together."""
        patterns: dict[tuple[bool, ...], int] = {}
        shape = members[0][0].values.shape
        columns = [condition.values.reshape(-1) for condition, _ in members]
        rows = [tuple(bool(column[i]) for column in columns) for i in range(columns[0].size)]
        places = [patterns.setdefault(row, len(patterns)) for row in rows]

        def runner(pattern: tuple[bool, ...]) -> Callable[[], Any]:
            def run() -> Any:
                for active, (_, variable) in zip(pattern, members, strict=True):
                    if active:
                        self._masked(variable, step, decisions)
                return ops.convert_to_tensor(0)

            return run

        selector = Table(points, np.array(places).reshape(shape))
        index = selector.tensor(decisions, "int32")
        if not common(index, list(patterns), [variable for _, variable in members]):
            ops.switch(index, [runner(pattern) for pattern in patterns])

    def _masked(
        self, variable: Any, step: Callable[[Any], None], decisions: Decisions | Together
    ) -> None:
        mask = self._mask(variable, decisions)
        if mask is None:
            step(variable)
            return
        touched = [variable, *self._slots(variable)]
        before = [ops.copy(one) for one in touched]
        step(variable)
        for one, old in zip(touched, before, strict=True):
            if tuple(one.shape) == tuple(variable.shape):
                one.assign(ops.where(mask, one, old))

    def _mask(self, variable: Any, decisions: Decisions | Together) -> Any:
        if not isinstance(decisions, Together):
            return self._active.mask(variable, decisions)
        # Of a branch of one architecture the width of another one that passes it by says nothing.
        amount = used(variable, self._active, decisions)
        return None if amount is None or not amount.shape.rank else amount > 0

    def _slots(self, variable: Any) -> list[Any]:
        """The slots of a variable, whatever the optimizer calls them."""
        optimizer = self._optimizer
        index, count = optimizer._get_variable_index(variable), len(optimizer._trainable_variables)
        lists = [
            value
            for name, value in vars(optimizer).items()
            if isinstance(value, list) and len(value) == count and name != "_trainable_variables"
        ]
        known = {id(one) for one in optimizer.variables}
        slots = {id(value[index]): value[index] for value in lists if id(value[index]) in known}
        return list(slots.values())
