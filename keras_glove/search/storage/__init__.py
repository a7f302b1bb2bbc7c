"""Studies that outlive a process, in the storages and the format of Optuna.

Optuna and SQLAlchemy are imported when the first storage is opened.
"""

from __future__ import annotations

from keras_glove.search.storage.opening import Storage, open_files, open_store

__all__ = ["Storage", "open_files", "open_store"]
