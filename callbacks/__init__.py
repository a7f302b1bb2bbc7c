"""Keras callbacks that connect trainings to searches."""

from __future__ import annotations

from keras_glove.callbacks.backup import Backup
from keras_glove.callbacks.guards import SearchWarning
from keras_glove.callbacks.monitor import Mode, Monitor
from keras_glove.callbacks.report_to_trial import ReportToTrial, RunningTrial
from keras_glove.callbacks.scoring import Found
from keras_glove.callbacks.search_callback import SearchCallback
from keras_glove.callbacks.search_report import SearchReport

__all__ = [
    "Backup",
    "Found",
    "Mode",
    "Monitor",
    "ReportToTrial",
    "RunningTrial",
    "SearchCallback",
    "SearchReport",
    "SearchWarning",
]
