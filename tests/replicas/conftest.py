"""Several logical CPUs, in the processes that `test_on_logical_cpus.py` starts for these tests."""

from __future__ import annotations

import os

CPUS = int(os.environ.get("KERAS_GLOVE_LOGICAL_CPUS", "0"))

if CPUS:
    import tensorflow as tf

    _cpu = tf.config.list_physical_devices("CPU")[0]
    _parts = [tf.config.LogicalDeviceConfiguration()] * CPUS
    tf.config.set_logical_device_configuration(_cpu, _parts)

# Not to be collected for doctests: they run in those processes.
collect_ignore_glob = ["interrupted.py", "on_*.py"]
