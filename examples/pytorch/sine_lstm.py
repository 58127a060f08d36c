"""A wave continued by two LSTM cells, one step after the other, trained by L-BFGS in float64.

python examples/pytorch/sine_lstm.py                 # with PyTorch
tinygrad-edu torch examples/pytorch/sine_lstm.py     # without it
"""

import argparse

import numpy as np
import torch
from torch import nn, optim


class Continuation(nn.Module):
    """Two LSTM cells and a linear layer: the next number of a wave from those before."""

    def __init__(self, hidden=16):
        super().__init__()
        self.hidden = hidden
        self.first, self.second = nn.LSTMCell(1, hidden), nn.LSTMCell(hidden, hidden)
        self.linear = nn.Linear(hidden, 1)

    def forward(self, wave, future=0):
        outputs = []
        h, c, g, d = (torch.zeros(wave.size(0), self.hidden, dtype=torch.double) for _ in range(4))
        for x in wave.split(1, dim=1):
            h, c = self.first(x, (h, c))
            g, d = self.second(h, (g, d))
            outputs.append(self.linear(g))
        for _ in range(future):
            h, c = self.first(outputs[-1], (h, c))
            g, d = self.second(h, (g, d))
            outputs.append(self.linear(g))
        return torch.cat(outputs, dim=1)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=4)
    steps = parser.parse_args().steps
    torch.manual_seed(0)
    places = np.arange(60) + np.random.default_rng(2).integers(-80, 80, 24).reshape(24, 1)
    waves = torch.from_numpy(np.sin(places / 5.0))
    model = Continuation().double()
    criterion = nn.MSELoss()
    optimizer = optim.LBFGS(model.parameters(), lr=0.8)
    for step in range(steps):

        def closure():
            optimizer.zero_grad()
            loss = criterion(model(waves[3:, :-1]), waves[3:, 1:])
            loss.backward()
            return loss

        loss = optimizer.step(closure)
        with torch.no_grad():
            continued = model(waves[:3, :-1], future=20)
            held_out = criterion(continued[:, :-20], waves[:3, 1:])
        print(f"step {step}  loss {loss.item():.5f}  held out {held_out.item():.5f}")
    print("continued:", continued[0, -5:].numpy().round(2).tolist())


if __name__ == "__main__":
    main()
