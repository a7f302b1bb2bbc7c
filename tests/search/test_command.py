"""`keras-glove study`, and what completes the command."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from keras_glove.algorithms import NSGA2, Random
from keras_glove.command_line import main
from keras_glove.hyper import intv, oneof
from keras_glove.search import Study, Trial, search
from tests.naming import named

SPACE = {"width": intv(1, 9), "op": oneof(["conv", {"pool": oneof(["max", "mean"], name="kind")}])}


def objective(child: Any, trial: Trial) -> Any:
    if trial.number == 2:
        raise ValueError("[bold]two[/bold]")
    (trial.folder / "log.txt").write_text("begun")
    return {"reward": child["width"], "ms": 2 * child["width"], "cost": 1.5}


@pytest.fixture
def storage(tmp_path: Path) -> str:
    """A file with two studies, of one reward and of two."""
    path = tmp_path / "runs.db"
    study = Study("cells", path, seed=0)
    search(SPACE, objective, Random(), 8, study=study, progress=False)
    study.close()
    study = Study("two", path, seed=0, direction={"reward": "maximize", "ms": "minimize"})
    search(SPACE, objective, NSGA2(4), 6, study=study, progress=False)
    study.close()
    return str(path)


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["study", *arguments]) == 0
    return capsys.readouterr().out


def test_list(storage: str, capsys: pytest.CaptureFixture[str]) -> None:
    rows = json.loads(shown(capsys, "list", storage, "--json"))
    assert [(row["name"], row["trials"]) for row in rows] == [("cells", 8), ("two", 6)]
    assert rows[0]["states"] == {"complete": 7, "failed": 1}
    assert rows[1]["rewards"] == {"reward": "maximize", "ms": "minimize"}
    text = shown(capsys, "list", storage)
    for word in ("cells", "two", "on the front", "maximize"):
        assert word in text


def test_show(storage: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(capsys, "show", storage, "cells")
    for word in ("width", "kind", "[bold]two[/bold]", "1.5"):
        assert word in text
    rows = json.loads(shown(capsys, "show", storage, "cells", "--top", "2", "--json"))
    rewards = [row["rewards"]["reward"] for row in rows]
    assert len(rewards) == 2
    assert rewards[0] >= rewards[1]
    trial = json.loads(shown(capsys, "show", storage, "cells", "--trial", "2", "--json"))
    assert trial["state"] == "failed"
    assert trial["lineage"]["algorithm"] == "Random(seed=None)"
    assert "Traceback" in shown(capsys, "show", storage, "cells", "--trial", "2")


def test_best(storage: str, capsys: pytest.CaptureFixture[str]) -> None:
    best = json.loads(shown(capsys, "best", storage, "cells", "--json"))
    study = Study.load("cells", storage)
    assert best[0]["number"] == study.best_trial.number
    assert best[0]["files"] == [str(path) for path in study.best_trial.files]
    study.close()
    assert len(json.loads(shown(capsys, "best", storage, "cells", "-n", "3", "--json"))) == 3
    front = json.loads(shown(capsys, "best", storage, "two", "--json"))
    assert all(set(row["rewards"]) == {"reward", "ms"} for row in front)
    assert "decisions.width" in shown(capsys, "best", storage, "cells")


def test_export(storage: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = list(csv.DictReader(shown(capsys, "export", storage, "cells").splitlines()))
    assert [row["number"] for row in rows] == [str(n) for n in range(8)]
    assert rows[0]["reward"] == str(float(rows[0]["decisions.width"]))
    assert rows[2]["error"] == "ValueError: [bold]two[/bold]"
    whole = json.loads(shown(capsys, "export", storage, "cells", "--json"))
    assert Study.from_dict(whole).to_dict() == whole
    for suffix in ("csv", "json"):
        file = tmp_path / f"out.{suffix}"
        assert "8 trials" in shown(capsys, "export", storage, "cells", "-o", str(file))
        assert "conv" in file.read_text()


@pytest.mark.parametrize("name", ["cells", "two"])
def test_plot(storage: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    for file in ("picture.svg", "page.html"):
        shown(capsys, "plot", storage, name, "-o", str(tmp_path / file))
        assert "<svg" in (tmp_path / file).read_text()


def test_rm(storage: str, capsys: pytest.CaptureFixture[str]) -> None:
    folder = Path(f"{storage}.files")
    assert main(["study", "rm", storage, "cells"]) == 1  # nobody is there to agree.
    assert "--yes" in capsys.readouterr().err
    assert (folder / "cells").is_dir()
    shown(capsys, "rm", storage, "cells", "--yes")
    assert not (folder / "cells").exists()
    assert [row["name"] for row in json.loads(shown(capsys, "list", storage, "--json"))] == ["two"]
    shown(capsys, "rm", storage, "two", "--yes", "--keep-files")
    assert (folder / "two").is_dir()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["list", "none.db"], "no file 'none.db'"),
        (["show", "STORAGE"], "the name of a study .* which holds ['cells', 'two']"),
        (["show", "STORAGE", "other"], "a study named 'other'"),
        (["show", "STORAGE", "cells", "--trial", "99"], "from 0 to 7"),
        (["show", "STORAGE", "two", "--top", "1"], "pareto"),
        (["export", "STORAGE", "cells", "-o", "x.txt"], ".csv or .json"),
        (["plot", "STORAGE", "cells", "-o", "x.none"], "cannot be written"),
        (["rm", "STORAGE", "other", "--yes"], "a study named 'other'"),
    ],
    ids=named,
)
def test_errors(
    storage: str, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    given = [storage if word == "STORAGE" else word for word in arguments]
    assert main(["study", *given]) == 1
    found = capsys.readouterr().err
    assert all(part in found for part in message.split(" .* "))


@pytest.mark.parametrize("arguments", [[], ["none"], ["show"], ["plot", "x.db"]])
def test_misuse(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["study", *arguments]) == 2


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        (["st"], {"study"}),
        (["study", ""], {"list", "show", "best", "export", "plot", "rm", "--help"}),
        (["study", "ex"], {"export"}),
        (["study", "rm", "x.db", "--"], {"--help", "--json", "--yes", "--keep-files"}),
        (["study", "show", "--json", "x.db", "--t"], {"--top", "--trial"}),
        (["nasbench101", "q"], {"query"}),
        (["completion", "b"], {"bash"}),
    ],
    ids=named,
)
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(
    shell: str, typed: list[str], expected: set[str], capsys: pytest.CaptureFixture[str]
) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    words = " ".join(f"'{word}'" for word in ["keras-glove", *typed])
    ask = f'COMP_WORDS=({words}); COMP_CWORD={len(typed)}; _keras_glove; echo "${{COMPREPLY[@]}}"'
    if shell == "zsh":  # as its bashcompinit calls the function.
        ask = f"emulate sh; {ask}"
    if shell == "fish":
        ask = f"complete -C 'keras-glove {' '.join(typed)}'"
    command = [shell, {"bash": "--norc", "zsh": "-f", "fish": "--no-config"}[shell], "-c"]
    found = subprocess.run([*command, f"{script}\n{ask}"], capture_output=True, text=True)
    assert found.stderr == ""
    # zsh itself drops what does not begin like the word typed.
    assert {word for word in found.stdout.split() if word.startswith(typed[-1])} == expected
