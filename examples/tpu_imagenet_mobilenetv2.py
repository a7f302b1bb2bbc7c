"""Searches kernels, expansions, depths and widths of MobileNetV2 on ImageNet, as TuNAS does.

The space is that of Bender et al. 2020 over the stages of MobileNetV2, the schedule that of
google-research/tunas; what an architecture costs is counted in multiply-adds, with the 300 million
of MobileNetV2 as the target, where TuNAS measured a phone.

    python examples/tpu_imagenet_mobilenetv2.py --data gs://BUCKET/tensorflow_datasets
    python examples/tpu_imagenet_mobilenetv2.py --smoke    # generated images, on two CPUs
"""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import tensorflow as tf

import keras_glove as kg
from keras_glove import layers, tpu
from keras_glove.callbacks import Backup
from keras_glove.weight_sharing.policies import Reinforce

MULTIPLIERS = (0.5, 0.625, 0.75, 1.0, 1.25, 1.5, 2.0)
HELD_OUT = 50_000
"""Images of the training split that the policy learns from, and no weight."""


@dataclass(frozen=True)
class Setup:
    """How large the network and the training are; the defaults are those of a search."""

    image: int = 224
    classes: int = 1000
    stem: int = 32
    stages: tuple[tuple[int, int, int], ...] = (
        (16, 1, 1), (24, 2, 2), (32, 3, 2), (64, 4, 2), (96, 3, 1), (160, 3, 2), (320, 1, 1),
    )  # fmt: skip
    """Of each: filters, blocks, and the stride of the first."""
    head: int = 1280
    batch: int = 4096
    search_batch: int = 16384
    epochs: int = 90
    steps: int = (1_281_167 - HELD_OUT) // 4096
    steps_per_execution: int = 100
    target: float = 300e6


SMOKE = Setup(
    image=16, classes=4, stem=8, stages=((8, 1, 1), (16, 2, 2)), head=16, batch=8,
    search_batch=16, epochs=2, steps=4, steps_per_execution=2, target=5e4,
)  # fmt: skip


def normalized() -> Any:
    """Batch normalization as in MobileNetV2."""
    return layers.BatchNormalization(momentum=0.99, epsilon=1e-3)


def pointwise(filters: Any) -> Any:
    """A convolution of 1 x 1, with half of the weight decay of TuNAS, as its code has it."""
    return layers.Conv2D(filters, 1, use_bias=False, kernel_regularizer=keras.regularizers.L2(2e-5))


class Bottleneck(layers.Layer):
    """Widens, looks around in each channel, narrows; and adds its input if it keeps the shape."""

    def __init__(
        self,
        before: int,
        filters: int,
        expansion: int,
        kernel: int,
        strides: int,
        adds_input: bool,
    ) -> None:
        super().__init__()
        self.expand, self.norm1 = pointwise(expansion * before), normalized()
        self.look = layers.DepthwiseConv2D(kernel, strides=strides, padding="same", use_bias=False)
        self.norm2 = normalized()
        self.project, self.norm3 = pointwise(filters), normalized()
        self.adds_input = adds_input

    def call(self, x: Any, training: bool | None = None) -> Any:
        y = keras.ops.relu6(self.norm1(self.expand(x), training=training))
        y = keras.ops.relu6(self.norm2(self.look(y), training=training))
        y = self.norm3(self.project(y), training=training)
        return x + y if self.adds_input else y


class MobileNet(kg.Model):
    """A stem, the blocks, a head and a classifier."""

    def __init__(self, stem: int, blocks: list[Any], head: int, classes: int) -> None:
        super().__init__()
        self.scale = layers.Rescaling(1 / 127.5, offset=-1)
        self.stem = layers.Conv2D(stem, 3, strides=2, padding="same", use_bias=False)
        self.norm1 = normalized()
        self.blocks = blocks
        self.head, self.norm2 = pointwise(head), normalized()
        self.pool = layers.GlobalAveragePooling2D()
        self.classify = layers.Dense(classes, dtype="float32")

    def call(self, x: Any, training: bool | None = None) -> Any:
        x = keras.ops.relu6(self.norm1(self.stem(self.scale(x)), training=training))
        for block in self.blocks:
            x = block(x)
        x = keras.ops.relu6(self.norm2(self.head(x), training=training))
        return self.classify(self.pool(x))


def widths(filters: int) -> list[int]:
    """The filters times each multiplier, rounded to multiples of 8."""
    return sorted({max(8, int(filters * by + 4) // 8 * 8) for by in MULTIPLIERS})


def supernet(setup: Setup) -> Any:
    """The network with all that is to be decided left open; a later block of a stage may go."""
    blocks = []
    before: Any = setup.stem
    for stage, (filters, count, strides) in enumerate(setup.stages):
        width = kg.oneof(widths(filters), name=f"filters_{stage}")
        for number in range(count):
            place = f"{stage}_{number}"
            # The first stage of MobileNetV2 does not widen.
            expansion = kg.oneof([3, 6], name=f"expansion_{place}") if stage else 1
            block = Bottleneck(
                before,
                width,
                expansion,
                kg.oneof([3, 5, 7], name=f"kernel_{place}", share="none"),
                strides if number == 0 else 1,
                adds_input=number > 0,
            )
            blocks.append(
                kg.oneof([block, layers.Identity()], name=f"block_{place}") if number else block
            )
            before = width
    return MobileNet(setup.stem, blocks, setup.head, setup.classes)


def compile_for_search(model: Any, setup: Setup) -> None:
    """RMSProp of TuNAS: a linear warm-up of 2.5% of the steps, then a cosine."""
    steps = setup.steps * setup.epochs
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, steps, warmup_target=0.165 * setup.batch / 256, warmup_steps=max(1, steps // 40)
    )
    model.compile(
        keras.optimizers.RMSprop(rate, rho=0.9, momentum=0.9, epsilon=1.0),
        keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1),
        metrics=["accuracy"],
        steps_per_execution=setup.steps_per_execution,
    )


def accuracy(targets: Any, logits: Any) -> Any:
    """The reward: of each example 1 where the right class is the most likely, else 0."""
    return keras.metrics.categorical_accuracy(targets, logits)


def search_callback(setup: Setup, held_out: Any) -> kg.SearchCallback:
    """TuNAS: Reinforce after a quarter of warm-up, an absolute reward with beta 0.1."""
    return kg.SearchCallback(
        Reinforce(3e-4 * setup.batch / 256, seed=1),
        held_out,
        reward=accuracy,
        cost="multiply_adds",
        target=setup.target,
        shape="absolute",
        beta=-0.1,
    )


def generated(setup: Setup, seed: int) -> tf.data.Dataset:
    """Images in the format of TFDS, whose brightness tells the class."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, setup.classes, 4 * setup.batch)
    noise = rng.integers(0, 32, (len(labels), setup.image, setup.image, 3))
    images = (noise + (labels * 200 // setup.classes)[:, None, None, None]).astype("uint8")
    return tf.data.Dataset.from_tensor_slices({"image": images, "label": labels})


def from_tfds(split: str, folder: str | None) -> tf.data.Dataset:
    """imagenet2012, which has to be prepared: its files cannot be downloaded without a login."""
    import tensorflow_datasets as tfds

    return tfds.load("imagenet2012", split=split, data_dir=folder, download=False)


def batches(data: tf.data.Dataset, setup: Setup, size: int, is_training: bool) -> tf.data.Dataset:
    """Batches of one size; in training of random crops, half of them mirrored."""

    def prepared(example: Any) -> Any:
        image = example["image"]
        if is_training:
            begin, part, _ = tf.image.sample_distorted_bounding_box(
                tf.shape(image),
                tf.zeros((1, 0, 4)),
                area_range=(0.08, 1.0),
                use_image_if_no_bounding_boxes=True,
            )
            image = tf.image.random_flip_left_right(tf.slice(image, begin, part))
        image = tf.image.resize(tf.cast(image, "float32"), (setup.image, setup.image))
        image = tf.ensure_shape(image, (setup.image, setup.image, 3))
        return image, tf.one_hot(example["label"], setup.classes)

    data = data.shuffle(16 * 1024).repeat() if is_training else data
    data = data.map(prepared, num_parallel_calls=tf.data.AUTOTUNE)
    return data.batch(size, drop_remainder=True).prefetch(tf.data.AUTOTUNE)


def main() -> None:
    """Searches, and prints what was found."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", help="folder of TFDS with imagenet2012; gs:// works")
    parser.add_argument("--backup", default="runs/tpu_imagenet", help="goes on from here if killed")
    parser.add_argument("--smoke", action="store_true", help="small, with generated images")
    options = parser.parse_args()
    setup = SMOKE if options.smoke else Setup()
    placement = tpu.strategy("auto")
    print(placement, flush=True)
    if placement.kind == "tpu":
        keras.config.set_dtype_policy("mixed_bfloat16")
    if options.smoke:
        train, held_out = generated(setup, 1), generated(setup, 2)
    else:
        train = from_tfds(f"train[{HELD_OUT}:]", options.data)
        held_out = from_tfds(f"train[:{HELD_OUT}]", options.data)
    with placement.scope():
        model = supernet(setup)
        model(keras.Input((setup.image, setup.image, 3)))
        compile_for_search(model, setup)
    search = search_callback(setup, batches(held_out, setup, setup.search_batch, False))
    model.fit(
        batches(train, setup, setup.batch, True),
        steps_per_epoch=setup.steps,
        epochs=setup.epochs,
        verbose=2,
        callbacks=[search, Backup(options.backup)],
    )
    child = model.child(search.best_dna)
    print("found:", search.best_dna)
    print(f"{kg.cost.multiply_adds(child, (setup.image, setup.image, 3)):,} multiply-adds")


if __name__ == "__main__":
    main()
