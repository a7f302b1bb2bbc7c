"""The value that judges a training, and whether more of it is better."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from keras_glove.errors import TrainingError

Mode = Literal["auto", "max", "min"]

# Words in the names of Keras's metrics and losses. Those of falling ones are looked for first:
# "accuracy_loss" is a loss.
_FALLING = (
    r"loss|err|error|mse|mae|mape|msle|rmse|crossentropy|hinge|divergence|logcosh|"
    r"log_cosh|poisson|perplexity|false|distance"
)
_RISING = (
    r"acc|accuracy|auc|precision|recall|score|f1|iou|io_u|true|sensitivity|specificity|"
    r"similarity|correlation|r2|dice|map|psnr|ssim|bleu"
)


@dataclass(frozen=True)
class Monitor:
    """A name in the logs of an epoch, with its direction.

    Args:
        name: as Keras reports it, for example "val_accuracy".
        mode: "max" if more is better, "min" if less is, "auto" to tell from the name.

    Raises:
        TrainingError: if the name does not tell, or the mode is none of the three.

    >>> Monitor("val_loss").reward({"loss": 0.5, "val_loss": 0.75})
    -0.75
    """

    name: str
    mode: Mode = "auto"

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise TrainingError(
                f"expected monitor to be the name of a metric, such as 'val_accuracy', received "
                f"{self.name!r}."
            )
        if self.mode not in ("auto", "max", "min"):
            raise TrainingError(f"expected mode 'auto', 'max' or 'min', received {self.mode!r}.")
        if self.mode == "auto":
            object.__setattr__(self, "mode", _mode_of(self.name))

    @property
    def validates(self) -> bool:
        """Whether the value comes from validation data."""
        return self.name.startswith("val_")

    def reward(self, logs: Mapping[str, Any]) -> float | None:
        """The value, negated if less is better; None for an epoch without validation.

        Raises:
            TrainingError: if the logs do not hold the value, or it is no single number.
        """
        if self.name in logs:
            value = self._number(logs[self.name])
            return value if self.mode == "max" else -value
        # With `validation_freq` some epochs have no validation at all.
        if self.validates and not any(name.startswith("val_") for name in logs):
            return None
        raise TrainingError(
            f"expected the model to report the monitored {self.name!r}; it reports "
            f"{sorted(map(str, logs))}. Monitor one of these, or compile with that metric."
        )

    def _number(self, value: Any) -> float:
        try:
            return float(value)
        except (TypeError, ValueError):
            raise TrainingError(
                f"expected the monitored {self.name!r} to be one number, received {value!r}; "
                "metrics of keras.metrics that report one per class take `average='macro'`."
            ) from None


def _mode_of(name: str) -> Mode:
    for mode, words in (("min", _FALLING), ("max", _RISING)):
        if re.search(rf"(?:^|_)(?:{words})(?=_|s?\d*$|s_)", name.lower()):
            return mode  # type: ignore[return-value]
    raise TrainingError(
        f"cannot tell from the name whether more or less of {name!r} is better; give mode='max' "
        "or mode='min'."
    )
