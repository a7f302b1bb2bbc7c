"""Two replicas, each with decisions of its own."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

CODE = """
import keras
import numpy as np
import tensorflow as tf

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
import keras_glove as kg
from keras_glove import layers
from keras_glove.weight_sharing import Decisions
from keras_glove.weight_sharing.supernet import sharing_of

strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
X = np.random.default_rng(0).normal(size=(8, 6, 6, 2)).astype("float32")
Y = np.random.default_rng(1).normal(size=(8, 3)).astype("float32")


class Net(kg.Model):
    def __init__(self, width, op):
        super().__init__()
        self.stem = layers.Conv2D(width, 3, padding="same", use_bias=False)
        self.norm = layers.BatchNormalization()
        self.op, self.pool, self.head = op, layers.GlobalAveragePooling2D(), layers.Dense(3)

    def call(self, x, training=None):
        x = self.op(keras.ops.relu(self.norm(self.stem(x), training=training)))
        return self.head(self.pool(x))


def made():
    width = kg.oneof([2, 4, 6], name="width")
    op = kg.oneof(
        [layers.Conv2D(width, 3, padding="same"), layers.Conv2D(4, 1), layers.Identity()], name="op"
    )
    model = Net(width, op)
    model(X)
    return model


def new_optimizer(name):
    if name == "adamw":
        return keras.optimizers.AdamW(0.1, weight_decay=0.1)
    return keras.optimizers.SGD(0.1, momentum=0.9)


def check(name):
    keras.utils.set_random_seed(1)
    reference = made()
    with strategy.scope():
        model = made()
        model.set_weights(reference.get_weights())
        model.averages_over = "all"
        model.compile(new_optimizer(name), "mse")
        model.optimizer.build(model.trainable_variables)
    sharing, single = sharing_of(model), sharing_of(reference)
    data = tf.data.Dataset.from_tensors((X, Y)).repeat()
    halves = strategy.distribute_datasets_from_function(
        lambda context: tf.data.Dataset.from_tensor_slices((X, Y)).batch(4).repeat()
    )
    batches = iter(halves)
    outputs = []

    @tf.function
    def step(batch, decided):
        def one(data, indices):
            with sharing.given(Decisions(indices)):
                y = model(data[0], training=False)
                model.train_step(data)
            return y

        return strategy.run(one, args=(batch, decided))

    def per_replica(rows):
        return strategy.experimental_distribute_values_from_function(
            lambda context: tf.constant(rows[context.replica_id_in_sync_group], "int32")
        )

    reference.compile(new_optimizer(name), "mse")
    optimizer = new_optimizer(name)
    optimizer.build(reference.trainable_variables)
    for number, rows in enumerate(([[0, 0], [1, 2]], [[1, 1], [1, 1]], [[2, 0], [0, 1]])):
        batch = next(batches)
        ys = strategy.experimental_local_results(step(batch, per_replica(rows)))
        total = [np.zeros(v.shape, "float32") for v in reference.trainable_variables]
        used = [np.zeros(v.shape, bool) for v in reference.trainable_variables]
        before = {v.path: v.numpy().copy() for v in reference.variables}
        stats = []
        parts = zip(*map(strategy.experimental_local_results, batch))
        for (x, y), decided, given in zip(parts, rows, ys):
            with single.given(Decisions(np.array(decided, "int32"))):
                expected = reference(x, training=False)
                if number == 0:  # each replica has statistics of its own, as ever in Keras
                    np.testing.assert_allclose(given, expected, atol=1e-4)
                with tf.GradientTape() as tape:
                    loss = tf.reduce_mean((reference(x, training=True) - y) ** 2)
                grads = tape.gradient(loss, [v.value for v in reference.trainable_variables])
            for place, (g, v) in enumerate(zip(grads, reference.trainable_variables)):
                if g is not None:
                    total[place] += np.asarray(tf.convert_to_tensor(g)) / 2
                decisions = Decisions(np.array(decided, "int32"))
                if single.activity().condition(v).at(decided):
                    mask = single.activity().mask(v, decisions)
                    used[place] |= True if mask is None else np.asarray(mask)
            moving = [v for v in reference.non_trainable_variables if "moving" in v.path]
            stats.append([v.numpy().copy() for v in moving])
            for v in moving:
                v.assign(before[v.path])
        olds = [v.numpy().copy() for v in optimizer.variables]
        weights = [v.numpy().copy() for v in reference.trainable_variables]
        optimizer.apply([tf.constant(g) for g in total], reference.trainable_variables)
        for v, w, u in zip(reference.trainable_variables, weights, used):
            v.assign(np.where(u, v.numpy(), w))
            stem = v.path.replace("/", "_")
            for slot, old in zip(optimizer.variables, olds):
                if slot.path.split("/")[-1].startswith(stem) and slot.shape == v.shape:
                    slot.assign(np.where(u, slot.numpy(), old))
        for v, w in zip(model.trainable_variables, reference.trainable_variables):
            np.testing.assert_allclose(v.numpy(), w.numpy(), atol=2e-4, err_msg=w.path)
            copies = strategy.experimental_local_results(v.value)
            np.testing.assert_array_equal(copies[0].numpy(), copies[1].numpy())
        ours = [v for v in model.non_trainable_variables if "moving" in v.path]
        for place, v in enumerate(ours if number == 0 else ()):
            for copy, own in zip(strategy.experimental_local_results(v.value), stats):
                np.testing.assert_allclose(copy.numpy(), own[place], atol=1e-5, err_msg=v.path)


for name in ("sgd", "adamw"):
    check(name)
print("agrees")
"""


@pytest.mark.slow
def test_two_replicas_agree_with_the_sum_of_their_gradients() -> None:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(CODE)], capture_output=True, text=True, check=False
    )
    assert done.stdout.strip().endswith("agrees"), done.stderr[-3000:]
