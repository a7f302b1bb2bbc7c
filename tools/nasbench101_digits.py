"""Makes the small real table of NAS-Bench-101's form that comes with keras_glove.

    python tools/nasbench101_digits.py [FOLDER]

Trains 200 cells on the digits, 3 times at each of 4 budgets: 2,400 trainings, half an hour of
one core. It can be stopped at any time; the same command goes on. The records gather in FOLDER
(by default `build`), and their compressed form takes its place in the package at the end.
Accuracies are fixed by the seeds, up to the rounding of another machine; times are seconds of
the processor, as measured.
"""

from __future__ import annotations

import lzma
import os
import sys
import time
from pathlib import Path

# One thread, so that several of these, or other work, can share a machine.
for name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
    os.environ[name] = "1"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


def main(folder: Path) -> None:
    import tensorflow as tf

    from keras_glove.benchmarks.nasbench101 import digits
    from keras_glove.benchmarks.nasbench101.making import build_table
    from keras_glove.benchmarks.nasbench101.training import CellTrainer, digits_data

    folder.mkdir(parents=True, exist_ok=True)
    # Each network runs a few thousand small steps: optimizing its graph would cost more.
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    trainer = CellTrainer(
        digits_data(digits.NUM_TRAIN, digits.NUM_VALIDATION),
        digits.NETWORK,
        digits.RECIPE,
        seed=digits.SEED,
        clock=time.process_time,
    )
    records = build_table(
        digits.digits_cells(),
        trainer,
        epochs=digits.EPOCHS,
        path=folder / "nasbench101_digits.tfrecord",
    )
    packed = Path(digits.__file__).with_name(digits.FILE)
    packed.write_bytes(lzma.compress(records.read_bytes(), preset=9 | lzma.PRESET_EXTREME))
    print(f"{packed}: {packed.stat().st_size} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "build"))
