"""Stands for another package with layers for Keras, which knows nothing of keras_glove."""

from __future__ import annotations

from typing import Any, ClassVar

import keras


class Gate(keras.layers.Layer):
    """Multiplies by a learned gate.

    Args:
      units: of the gate.
      bias: added to it.
    """

    registry: ClassVar[dict[str, Any]] = {}

    def __init__(self, units: int, bias: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units, self.bias = units, bias

    def build(self, shape: Any) -> None:
        self.kernel = self.add_weight(shape=(shape[-1], self.units), name="kernel")

    def call(self, x: Any) -> Any:
        return keras.ops.sigmoid(x @ self.kernel + self.bias)

    def compute_output_shape(self, shape: Any) -> Any:
        return (*shape[:-1], self.units)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units, "bias": self.bias}

    @classmethod
    def of(cls, other: Any) -> Any:
        return cls(other.units)


class Plain(keras.layers.Layer):
    """Relies on Keras's automatic config."""

    def __init__(self, factor: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.factor = factor

    def call(self, x: Any) -> Any:
        return x * self.factor


@keras.saving.register_keras_serializable("thirdparty")
class Named(Plain):
    """Is known to Keras already."""


class Backbone(keras.Model):
    def __init__(self, width: int = 4, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.gate = Gate(width)

    def call(self, x: Any) -> Any:
        return self.gate(x)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "width": self.gate.units}


class Decay(keras.optimizers.schedules.LearningRateSchedule):
    def __init__(self, rate: float) -> None:
        self.rate = rate

    def __call__(self, step: Any) -> Any:
        return self.rate / (1.0 + keras.ops.cast(step, "float32"))

    def get_config(self) -> dict[str, Any]:
        return {"rate": self.rate}


class Focal(keras.losses.Loss):
    def __init__(self, gamma: float = 2.0, name: str = "focal") -> None:
        super().__init__(name=name)
        self.gamma = gamma

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return keras.ops.mean((y_true - y_pred) ** self.gamma)

    def get_config(self) -> dict[str, Any]:
        return {"gamma": self.gamma, "name": self.name}
