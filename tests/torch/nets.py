"""A module of the face with everything that a module can hold, and how its numbers are compared."""

from __future__ import annotations

import numpy as np

import tinygrad_edu.torch as torch
from tinygrad_edu.torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(3, 4)
        self.norm = nn.BatchNorm1d(4)
        self.scale = nn.Parameter(torch.ones(4))
        self.register_buffer("shift", torch.zeros(4))
        self.register_buffer("cache", torch.zeros(2), persistent=False)
        self.layers = nn.ModuleList([nn.Linear(4, 4), nn.ReLU()])

    def forward(self, x):
        x = self.norm(self.first(x)) * self.scale + self.shift
        for layer in self.layers:
            x = layer(x)
        return x


def numbers(x):
    return np.array(x.detach().numpy())


def same(x, y):
    return np.array_equal(numbers(x), numbers(y))
