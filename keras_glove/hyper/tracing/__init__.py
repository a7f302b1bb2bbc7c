"""Define-by-run: the decisions of a plain function are found by running it.

`traced` is the door; `discovery` decides what to run, `runs` answers what is asked in one run,
`call_sites` and `code_reading` tell apart what has no name, `activity` learns which decision
opens which.
"""

from keras_glove.hyper.tracing.traced import Traced, trace

__all__ = ["Traced", "trace"]
