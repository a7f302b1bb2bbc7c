"""Pictures of searches, by matplotlib (`pip install keras-glove[plots]`).

Every function gives a `matplotlib.figure.Figure`, to look at, change, or save as PNG or SVG
(`figure.savefig("picture.svg")`). They are told apart by shapes and brightness, too, so they can be
printed in grey.

| function | shows |
| --- | --- |
| `history` | rewards over trials, and the best so far, of one study or several |
| `pareto` | two rewards, and the front |
| `importance` | how much of the variance of rewards each decision explains |
| `parallel` | decisions of all trials as lines, the good ones on top |
| `probabilities` | what a policy makes of each decision, over time |
| `tree` | a program, with what a DNA chose |
| `differences` | two programs side by side |
"""

from __future__ import annotations

from keras_glove.plot.decisions import effects, importance, parallel
from keras_glove.plot.policies import probabilities
from keras_glove.plot.studies import history, pareto
from keras_glove.plot.trees import differences, tree

__all__ = [
    "differences",
    "effects",
    "history",
    "importance",
    "parallel",
    "pareto",
    "probabilities",
    "tree",
]
