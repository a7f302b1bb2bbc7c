"""What a TPU would refuse or punish in a train step, found on the CPU."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

from keras_glove.errors import StrategyError
from keras_glove.tpu import hlo

__all__ = ["Finding", "Report", "check"]

MEMORY = {"v3": 16 * 2**30, "v4": 32 * 2**30, "v5e": 16 * 2**30}
"""Bytes of high-bandwidth memory for each replica: a core of v3, a chip of v4 and v5e."""

HOST = frozenset({"EagerPyFunc", "Print", "PrintV2", "PyFunc", "PyFuncStateless", "ReadFile"})
DYNAMIC = frozenset(
    {"DynamicPartition", "NonMaxSuppressionV3", "NonMaxSuppressionV4", "Unique", "UniqueV2"}
    | {"UniqueWithCounts", "UniqueWithCountsV2", "Where"}
)
WASTE = 0.5
"""Part of the memory of products that is padding from which on it is a finding."""

_UNKNOWN = re.compile(r"(\w+) \(No registered")


@dataclass(frozen=True)
class Finding:
    """Something that a TPU minds.

    Attributes:
        kind: "dynamic shape", "host callback", "no XLA kernel", "retracing", "padding" or "memory".
        refused: whether the step cannot run there at all; else it is slow.
        text: what and where, and what to do.
    """

    kind: str
    refused: bool
    text: str


@dataclass(frozen=True)
class Report:
    """What was found in one step of a model.

    Attributes:
        findings: those that a TPU refuses first.
        bytes_per_core: estimate from above of the memory that the step takes, padding included.
        padding: part of the memory of the results of products and convolutions that is padding.
    """

    findings: tuple[Finding, ...]
    bytes_per_core: int
    padding: float

    @property
    def ok(self) -> bool:
        """Whether a TPU would take the step."""
        return not any(finding.refused for finding in self.findings)

    def __str__(self) -> str:
        verdict = "a TPU takes this step" if self.ok else "a TPU refuses this step"
        lines = [
            f"{verdict}: about {self.bytes_per_core / 2**20:.1f} MiB per core, "
            f"{self.padding:.0%} of the results of products is padding"
        ]
        for finding in self.findings:
            mark = "refused" if finding.refused else "slow"
            lines.append(f"{mark}: {finding.kind}: {finding.text}")
        return "\n".join(lines)


def check(model: Any, data: Any, callback: Any = None) -> Report:
    """Lowers one train step for XLA on this machine, and tells what a TPU would mind.

    Nothing is trained. The memory is that of the batch that is given: pass what one core gets, the
    global batch over the number of cores.

    Args:
        model: a `keras_glove.Model`, compiled; of one replica.
        data: (x, y) or (x, y, sample_weight), one batch; or a batched dataset.
        callback: a `SearchCallback`, to check its step instead.

    Raises:
        StrategyError: the model is not compiled.

    Example:
        >>> import keras, numpy as np
        >>> from keras_glove import tpu
        >>> model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(128)])
        >>> model.compile("adam", "mse")
        >>> report = tpu.check(model, (np.ones((16, 8), "float32"), np.ones((16, 128), "float32")))
        >>> report.ok
        True
    """
    if not getattr(model, "compiled", False):
        raise StrategyError("Expected a compiled model to check the train step of, received none.")
    batch, findings = _batch(data)
    if not model.built or (model.optimizer is not None and not model.optimizer.built):
        model(keras.utils.unpack_x_y_sample_weight(batch)[0])
        model.optimizer.build(model.trainable_variables)
    if callback is None:
        lowered, found = _lowered(model.train_step, (batch,))
    else:
        lowered, found = _searching(model, batch, callback)
    operations = hlo.entry(lowered)
    size, padding = hlo.peak_bytes(operations), _padding(lowered)
    findings += [*found, *_costly(size, padding)]
    findings.sort(key=lambda finding: not finding.refused)
    return Report(tuple(findings), size, padding)


def _searching(model: Any, batch: Any, callback: Any) -> tuple[str, list[Finding]]:
    x, y, weights = keras.utils.unpack_x_y_sample_weight(batch)
    size = int(keras.tree.flatten(x)[0].shape[0])
    arguments = {"x": x, "y": y, "sample_weight": weights, "batch_size": size}
    with callback.attached(model, arguments):
        callback.set_params({"steps": 100, "epochs": 1})
        callback.set_model(model)
        callback.on_train_begin()
        search = model._search
        lowered = _lowered(search.train_step, (batch, next(search.batches)))
        callback.on_train_end()
    return lowered


def _batch(data: Any) -> tuple[Any, list[Finding]]:
    """One batch as tensors, and what there is to say of the data."""
    if not isinstance(data, tf.data.Dataset):
        return keras.tree.map_structure(tf.convert_to_tensor, data), []
    open_sides = [
        spec for spec in keras.tree.flatten(data.element_spec) if None in tuple(spec.shape)
    ]
    batch = next(iter(data))
    if not open_sides:
        return batch, []
    text = (
        f"batches of the dataset are of shape {tuple(open_sides[0].shape)}; call `.batch(..., "
        "drop_remainder=True)`, so that none is smaller and compiled anew"
    )
    kind = "retracing" if open_sides[0].shape[0] is None else "dynamic shape"
    return batch, [Finding(kind, kind == "dynamic shape", text)]


def _lowered(step: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[str, list[Finding]]:
    plain = tf.autograph.experimental.do_not_convert(step)
    function = tf.function(plain, jit_compile=True)
    kinds = set(_kinds(function.get_concrete_function(*arguments)))
    findings = [
        Finding("host callback", True, f"{kind} runs Python or reads on the host; use keras.ops")
        for kind in sorted(kinds & HOST)
    ]
    findings += [
        Finding("dynamic shape", True, f"{kind} gives a shape that depends on values; mask instead")
        for kind in sorted(kinds & DYNAMIC)
    ]
    try:
        return function.experimental_get_compiler_ir(*arguments)(stage="hlo"), findings
    except (tf.errors.OpError, ValueError, TypeError) as error:
        known = kinds & (HOST | DYNAMIC)
        names = sorted(set(_UNKNOWN.findall(str(error))) - known)
        if names:
            text = f"{', '.join(names)} cannot be compiled; write it with keras.ops"
            return "", [*findings, Finding("no XLA kernel", True, text)]
        if findings:
            return "", findings
        line = str(error).strip().splitlines()[0][:200]
        return "", [Finding("no XLA kernel", True, f"XLA cannot lower the step: {line}")]


def _kinds(concrete: Any) -> Iterator[str]:
    graph = concrete.graph.as_graph_def()
    yield from (node.op for node in graph.node)
    for function in graph.library.function:
        yield from (node.op for node in function.node_def)


def _padding(lowered: str) -> float:
    products = [one for one in hlo.instructions(lowered) if one.kind in ("dot", "convolution")]
    shapes = [shape for one in products for shape in one.shapes]
    padded = sum(shape.padded_bytes for shape in shapes)
    return 1 - sum(shape.bytes for shape in shapes) / padded if padded else 0.0


def _costly(size: int, padding: float) -> Sequence[Finding]:
    found = []
    small = [name for name, memory in MEMORY.items() if size > memory]
    if small:
        text = f"about {size / 2**30:.1f} GiB per core is more than {', '.join(small)} have"
        found.append(Finding("memory", len(small) == len(MEMORY), f"{text}; take a smaller batch"))
    if padding > WASTE:
        text = f"{padding:.0%} of the results of products; widths near multiples of 128 and batches"
        found.append(Finding("padding", False, f"{text} of multiples of 8 fill the tiles"))
    return found
