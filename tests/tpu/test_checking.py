"""What a TPU would mind, found in the step of a model."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_glove as kg
from keras_glove import tpu
from keras_glove.callbacks import SearchCallback
from keras_glove.command_line import main
from keras_glove.errors import StrategyError
from keras_glove.tpu import hlo
from keras_glove.weight_sharing.policies import Reinforce

X, Y = np.ones((16, 128), "float32"), np.ones((16, 128), "float32")


class Dense(kg.Model):
    def __init__(self, width: Any, between: Any = None) -> None:
        super().__init__()
        self.hidden = kg.layers.Dense(width)
        self.head = keras.layers.Dense(128)
        self.between = between

    def call(self, x: Any) -> Any:
        x = self.hidden(x)
        return self.head(x if self.between is None else self.between(x))


def compiled(model: Any) -> Any:
    model(X)
    model.compile(keras.optimizers.SGD(0.1), "mse")
    return model


def on_host(x: Any) -> Any:
    return x + tf.ensure_shape(tf.numpy_function(lambda a: a, [x], tf.float32), x.shape)


def by_value(x: Any) -> Any:
    return x + tf.cast(tf.shape(tf.where(x > 0))[0], "float32")


def unknown(x: Any) -> Any:
    return x + tf.strings.to_number(tf.strings.as_string(tf.reduce_sum(x)))


@pytest.mark.parametrize(
    ("between", "kind", "named"),
    [
        (on_host, "host callback", "PyFunc"),
        (by_value, "dynamic shape", "Where"),
        (unknown, "no XLA kernel", "AsString"),
    ],
)
def test_what_a_tpu_refuses(between: Any, kind: str, named: str) -> None:
    report = tpu.check(compiled(Dense(128, between)), (X, Y))
    assert not report.ok
    found = {finding.kind: finding.text for finding in report.findings if finding.refused}
    assert named in found[kind], str(report)


def test_a_plain_model_passes_and_nothing_is_trained() -> None:
    model = compiled(Dense(128))
    before = [v.numpy() for v in model.variables]
    report = tpu.check(model, (X, Y))
    assert report.ok and not report.findings and report.padding == 0.0
    weights = sum(v.numpy().nbytes for v in model.trainable_variables)
    assert weights < report.bytes_per_core < 10 * weights
    for variable, value in zip(model.variables, before, strict=True):
        np.testing.assert_array_equal(variable.numpy(), value)
    assert str(report).startswith("a TPU takes this step: about 0.")


def test_narrow_products_are_padding() -> None:
    report = tpu.check(compiled(Dense(3)), (X, Y))
    assert report.ok and report.padding > 0.5
    assert [finding.kind for finding in report.findings] == ["padding"]


@pytest.mark.parametrize(("drop", "kinds"), [(False, ["retracing"]), (True, [])])
def test_batches_of_several_sizes_are_compiled_anew(drop: bool, kinds: list[str]) -> None:
    data = tf.data.Dataset.from_tensor_slices((X, Y)).batch(8, drop_remainder=drop)
    report = tpu.check(compiled(Dense(128)), data)
    assert [finding.kind for finding in report.findings] == kinds and report.ok


def test_a_step_too_large_for_every_memory() -> None:
    assert {f.kind for f in tpu.checking._costly(40 * 2**30, 0.0) if f.refused} == {"memory"}
    text = tpu.checking._costly(20 * 2**30, 0.0)[0].text
    assert "v3, v5e" in text and "v4" not in text


@pytest.mark.slow
def test_a_search_step() -> None:
    model = compiled(Dense(kg.oneof([64, 128])))
    callback = SearchCallback(
        Reinforce(), "training", reward=lambda y, p: -keras.ops.mean(keras.ops.square(y - p), -1)
    )
    report = tpu.check(model, (X, Y), callback)
    assert report.ok, str(report)
    assert model._search is None


def test_a_model_that_is_not_compiled_is_an_error() -> None:
    with pytest.raises(StrategyError, match="compiled model"):
        tpu.check(Dense(8), (X, Y))


TEXT = """HloModule step

ENTRY %main.6 (a.1: f32[8,128], b.2: f32[128,128]) -> f32[8,128] {
  %a.1 = f32[8,128]{1,0} parameter(0)
  %b.2 = f32[128,128]{1,0} parameter(1)
  %dot.3 = f32[8,128]{1,0} dot(f32[8,128]{1,0} %a.1, f32[128,128]{1,0} %b.2), lhs_dims={1}
  %tanh.4 = f32[8,128]{1,0} tanh(f32[8,128]{1,0} %dot.3)
  ROOT %add.5 = f32[8,128]{1,0} add(f32[8,128]{1,0} %tanh.4, f32[8,128]{1,0} %a.1)
}
"""


def test_the_peak_of_a_program() -> None:
    found = hlo.entry(TEXT)
    assert [one.kind for one in found] == ["parameter", "parameter", "dot", "tanh", "add"]
    row, square = 8 * 128 * 4, 128 * 128 * 4
    assert hlo.peak_bytes(found) == row + square + 2 * row


def test_the_command(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import keras, numpy as np\n"
        "model = keras.Sequential([keras.Input((128,)), keras.layers.Dense(128)])\n"
        "model.compile('sgd', 'mse')\n"
        "data = np.ones((8, 128), 'float32'), np.ones((8, 128), 'float32')\n"
        "if __name__ == '__main__':\n"
        "    raise SystemExit('it is not to train')\n"
    )
    assert main(["tpu-check", str(script), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["ok"] is True
    script.write_text("model = 1\n")
    assert main(["tpu-check", str(script)]) == 1
    assert "to define `model` and `data`" in capsys.readouterr().err
