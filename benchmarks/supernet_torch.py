"""The work of `benchmarks/supernet.py` in bare PyTorch: a ModuleList that is indexed.

It runs in an environment that has PyTorch and NumPy, on the data that it is given.

    python benchmarks/supernet_torch.py digits.npz [--layers 8] [--steps 30] [--rounds 3]
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

WIDTH = 32


def normed(kind: str, size: int, inner: int = WIDTH) -> nn.Module:
    """A convolution with batch normalization and ReLU."""
    pad = size // 2
    if kind == "separable":
        convs = [
            nn.Conv2d(inner, inner, size, padding=pad, groups=inner, bias=False),
            nn.Conv2d(inner, WIDTH, 1, bias=False),
        ]
    else:
        convs = [nn.Conv2d(inner, WIDTH, size, padding=pad, bias=False)]
    return nn.Sequential(*convs, nn.BatchNorm2d(WIDTH), nn.ReLU())


def operations() -> list[nn.Module]:
    """The six operations."""
    return [
        normed("conv", 3),
        normed("conv", 5),
        normed("separable", 3),
        normed("separable", 5),
        nn.MaxPool2d(3, 1, 1),
        nn.Identity(),
    ]


class Net(nn.Module):
    """A stem, layers of candidates, and a linear classifier."""

    def __init__(self, candidates: list[list[nn.Module]]) -> None:
        super().__init__()
        self.stem = normed("conv", 3, inner=1)
        self.layers = nn.ModuleList([nn.ModuleList(own) for own in candidates])
        self.head = nn.Linear(WIDTH, 10)
        self.logits = nn.Parameter(1e-3 * torch.randn(len(candidates), len(candidates[0])))

    def weights(self) -> list[nn.Parameter]:
        """All but the logits."""
        return [p for name, p in self.named_parameters() if name != "logits"]

    def forward(self, x: Any, path: Any) -> Any:
        """The logits of classes; a path of None mixes all candidates."""
        x = self.stem(x)
        for place, layer in enumerate(self.layers):
            if path is None:
                shares = functional.softmax(self.logits[place], dim=-1)
                x = sum(share * part(x) for share, part in zip(shares, layer, strict=True))
            else:
                x = layer[int(path[place])](x)
        return self.head(x.mean((2, 3)))


class Steps:
    """Steps of a network: `path` gives the path of each."""

    def __init__(self, net: Net, path: Callable[[], Any], data: Any, search: bool = False) -> None:
        self._net, self._path, self._data, self._search = net, path, data, search
        self._weights = torch.optim.SGD(net.weights(), 0.01, momentum=0.9)
        self._logits = torch.optim.Adam([net.logits], 3e-4, betas=(0.5, 0.999), weight_decay=1e-3)

    def _step(self, number: int, optimizer: Any) -> None:
        x, y = self._data[number % len(self._data)]
        self._net.zero_grad(set_to_none=True)
        functional.cross_entropy(self._net(x, self._path()), y).backward()
        optimizer.step()

    def run(self, steps: int) -> tuple[float, float]:
        """Milliseconds per step: CPU, wall."""
        cpu, wall = time.process_time(), time.perf_counter()
        for step in range(steps):
            if self._search:
                self._step(step + 1, self._logits)
            self._step(step, self._weights)
        return (
            1e3 * (time.process_time() - cpu) / steps,
            1e3 * (time.perf_counter() - wall) / steps,
        )


def main() -> None:
    """Measures, and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data")
    parser.add_argument("--layers", type=int, default=8)
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--paths", type=int, default=6)
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    rng, given = np.random.default_rng(0), np.load(options.data)
    x = torch.tensor(given["x"]).permute(0, 3, 1, 2).contiguous()
    y = torch.tensor(given["y"].astype("int64"))
    data = [(x[i : i + 64], y[i : i + 64]) for i in range(0, len(x), 64)]
    count = options.layers

    def net(path: Any = None) -> Net:
        chosen = [operations() if path is None else [operations()[i]] for i in path or [0] * count]
        return Net([operations() for _ in range(count)] if path is None else chosen)

    zeros = [0] * count
    timers = {
        "static conv 3x3": Steps(net(zeros), lambda: zeros, data),
        "sampled": Steps(net(), lambda: rng.integers(0, 6, count), data),
        "DARTS, weights": Steps(net(), lambda: None, data),
        "DARTS, iteration": Steps(net(), lambda: None, data, search=True),
    }
    for place in range(options.paths):
        path = rng.integers(0, 6, count).tolist()
        timers[f"path {place}"] = Steps(net(path), lambda: zeros, data)
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in timers}
    for steps in timers.values():
        steps.run(3)
    for _ in range(options.rounds):
        for name, steps in timers.items():
            found[name].append(steps.run(options.steps))
    times = {
        name: tuple(statistics.median(pair[kind] for pair in pairs) for kind in (0, 1))
        for name, pairs in found.items()
    }
    static = times["static conv 3x3"]
    print(f"PyTorch {torch.__version__}")
    for name, (cpu, wall) in times.items():
        if not name.startswith("path"):
            print(f"{name:24}{cpu:9.2f}{wall:9.2f}{cpu / static[0]:8.2f}{wall / static[1]:8.2f}")
    paths = [times[f"path {place}"] for place in range(options.paths)]
    mean = [statistics.mean(path[kind] for path in paths) for kind in (0, 1)]
    print(f"{'mean of static paths':24}{mean[0]:9.2f}{mean[1]:9.2f}")
    cpu, wall = (times["sampled"][kind] / mean[kind] for kind in (0, 1))
    print(f"R2 (sampled over static paths): CPU {cpu:.2f}, wall {wall:.2f}")


if __name__ == "__main__":
    main()
