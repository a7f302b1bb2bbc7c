"""Strategies by name and by what the machine has, and what is said where there is none."""

from __future__ import annotations

import json
import logging
import os
import socket
import subprocess
import sys
import textwrap

import pytest
import tensorflow as tf

from keras_glove import tpu
from keras_glove.errors import KerasGloveError, StrategyError


@pytest.fixture(autouse=True)
def bare_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """One CPU: no TPU, no GPU, no cluster, whatever the machine that runs the tests has."""
    monkeypatch.delenv("TF_CONFIG", raising=False)
    monkeypatch.delenv("TPU_NAME", raising=False)
    devices = tf.config.list_physical_devices("CPU")
    monkeypatch.setattr(
        tf.config, "list_physical_devices", lambda kind=None: devices if kind == "CPU" else []
    )


@pytest.fixture
def tpus(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """TPUs of any name, which are the CPU in truth; the list tells which were connected to."""
    connected: list[str] = []
    monkeypatch.setattr(
        tf.distribute.cluster_resolver.TPUClusterResolver, "connect", connected.append
    )
    monkeypatch.setattr(
        tf.distribute, "TPUStrategy", lambda resolver: tf.distribute.OneDeviceStrategy("CPU:0")
    )
    return connected


def test_auto_takes_the_only_device_and_logs_why(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="keras_glove.tpu"):
        placement = tpu.strategy()
    assert (placement.kind, placement.replicas) == ("one", 1)
    assert str(placement).startswith("one: 1 replica on CPU:0; this machine has no TPU")
    assert caplog.messages == [str(placement)]


def test_the_scope_is_that_of_the_strategy() -> None:
    placement = tpu.strategy("one")
    with placement.scope():
        assert tf.distribute.get_strategy() is placement.strategy


def test_mirrored_without_gpus_takes_the_cpus() -> None:
    cpus = len(tf.config.list_logical_devices("CPU"))
    assert tpu.strategy("mirrored").replicas == cpus


@pytest.mark.parametrize(
    ("kind", "config", "message"),
    [
        ("two", "", "Expected one of 'auto', 'mirrored', .* received 'two'"),
        ("tpu", "", "TPU_NAME is not set.* sees no TPU"),
        ("multi_worker", "", "Expected TF_CONFIG to name the workers"),
        ("multi_worker", "{}", "Expected TF_CONFIG to name the workers"),
        ("multi_worker", "{worker", "Expected TF_CONFIG to be like .*received '{worker'"),
        ("auto", "[]", "Expected TF_CONFIG to be like"),
        ("auto", '{"cluster": {"worker": 2}}', "Expected TF_CONFIG to be like"),
    ],
)
def test_what_is_not_there_is_an_error(
    kind: str, config: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TF_CONFIG", config)
    with pytest.raises(StrategyError, match=message) as caught:
        tpu.strategy(kind)
    assert isinstance(caught.value, KerasGloveError)
    assert isinstance(caught.value, ValueError)


def test_a_tpu_that_does_not_answer_is_an_error() -> None:
    with pytest.raises(StrategyError, match="called 'local' .* tensorflow-tpu") as caught:
        tpu.connect("local")
    assert caught.value.__cause__ is not None


def test_auto_does_not_pass_over_a_tpu_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TPU_NAME", "local")
    with pytest.raises(StrategyError, match="TPU_NAME=local is set"):
        tpu.strategy()


@pytest.mark.parametrize("kind", ["auto", "tpu"])
def test_the_tpu_of_the_environment_comes_first(
    kind: str, tpus: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TPU_NAME", "pod-7")
    placement = tpu.strategy(kind)
    assert tpus == ["pod-7"]
    assert str(placement) == 'tpu: 1 replica on the TPU "pod-7"; TPU_NAME=pod-7 is set'


def test_a_tpu_by_name(tpus: list[str]) -> None:
    assert tpu.connect("local").reason == "asked for by name"
    assert tpus == ["local"]


def run(code: str, **environment: str) -> str:
    """Runs `code` in a process of its own: devices and clusters are set up once per process."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.slow
def test_two_replicas_on_two_logical_cpus() -> None:
    code = """
        import tensorflow as tf
        cpu = tf.config.list_physical_devices("CPU")[0]
        halves = [tf.config.LogicalDeviceConfiguration()] * 2
        tf.config.set_logical_device_configuration(cpu, halves)
        from keras_glove import tpu
        print(tpu.strategy("mirrored"))
    """
    assert run(code) == "mirrored: 2 replicas on CPU:0, CPU:1; asked for by name"


@pytest.mark.slow
def test_a_cluster_of_one_worker() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    config = {"cluster": {"worker": [address]}, "task": {"type": "worker", "index": 0}}
    code = "from keras_glove import tpu; print(tpu.strategy('multi_worker'))"
    said = run(code, TF_CONFIG=json.dumps(config))
    assert said == f"multi_worker: 1 replica on the workers {address}; asked for by name"
