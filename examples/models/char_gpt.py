"""A small GPT that writes like these documents, character by character (Vaswani et al. 2017).

A transformer with a causal mask sees up to CONTEXT characters and gives a distribution of the next one, at
all places of the text at once. Training lowers the nats that the next character costs. Then the model
writes: each character is drawn from its distribution, whose logits are divided by a temperature. Baselines
on the same held-out last tenth: counts of single characters, of pairs, of triples and so on, each mixed
with the shorter ones (Jelinek, Mercer 1980). The text is the prose of docs/: lecture, kernels, how-tos.

Change: TEMPERATURE to 0.3 and to 1.5. And CONTEXT to 4: how does that compare with the counts?
"""

from __future__ import annotations

from collections import Counter

import numpy as np
from prose import prose
from shared import clock, draw, options

import tinygrad_edu as te
from tinygrad_edu import data, nn, optim, viz

CONTEXT, WIDTH, HEADS, LAYERS, BATCH, TEMPERATURE = 32, 128, 4, 2, 32, 0.8
ORDER = {"batch_first": True, "norm_first": True}


class GPT(nn.Module):
    """Numbers of characters (n, time) -> logits of the next ones (n, time, vocabulary)."""

    def __init__(self, vocabulary):
        self.character, self.place = nn.Embedding(vocabulary, WIDTH), nn.Embedding(CONTEXT, WIDTH)
        layer = nn.TransformerEncoderLayer(WIDTH, HEADS, 4 * WIDTH, 0.0, "gelu", **ORDER)
        self.layers = nn.TransformerEncoder(layer, LAYERS, norm=nn.LayerNorm(WIDTH))
        self.last = nn.Linear(WIDTH, vocabulary)
        for embedding in (self.character, self.place):
            nn.init.normal_(embedding.weight, std=0.02)

    def forward(self, numbers):
        time = numbers.shape[1]
        future = te.tensor(np.triu(np.ones((time, time), bool), 1))  # True is left out
        x = self.character(numbers) + self.place(te.arange(time))
        return self.last(self.layers(x, mask=future))


def nats(model, pieces):
    """What the next character costs, over all places of pieces (n, CONTEXT + 1) but the last."""
    logits = model(te.tensor(pieces[:, :-1]))
    return te.cross_entropy(logits.reshape(-1, logits.shape[-1]), te.tensor(pieces[:, 1:].ravel()))


def held_out(model, text):
    """Nats a character on a text, cut into pieces."""
    count = (len(text) - 1) // CONTEXT
    pieces = np.lib.stride_tricks.sliding_window_view(text, CONTEXT + 1)[: count * CONTEXT : CONTEXT]
    with te.no_grad(), nn.evaluating():
        return float(np.mean([nats(model, pieces[k : k + 50]).item() for k in range(0, count, 50)]))


def counted(train, test, order):
    """Nats a character, by counts after up to `order` others: p = (count + 3 p of one less) / (n + 3)."""
    p = np.full(len(test), 1 / (max(train.max(), test.max()) + 1))
    for length in range(order + 1):
        pieces = [train[k - length : k + 1].tobytes() for k in range(length, len(train))]
        counts, totals = Counter(pieces), Counter(piece[: 8 * length] for piece in pieces)
        for k in range(length, len(test)):
            piece = test[k - length : k + 1].tobytes()
            p[k] = (counts[piece] + 3 * p[k]) / (totals[piece[: 8 * length]] + 3)
    return float(-np.log(p).mean())


def write(model, tokenizer, rng, start, count):
    """The text `start`, and `count` characters that the model adds."""
    numbers = list(tokenizer.encode(start))
    with te.no_grad(), nn.evaluating():
        for _ in range(count):
            logits = model(te.tensor([numbers[-CONTEXT:]]))[0, -1] / TEMPERATURE
            p = te.softmax(logits, axis=-1).numpy().astype(np.float64)
            numbers.append(int(rng.choice(len(p), p=p / p.sum())))
    return tokenizer.decode(numbers)


def main(arguments=None):
    given = options(__doc__, arguments)
    text = prose()[:3000] if given.smoke else prose()
    tokenizer = data.CharTokenizer.learn(text, pad=None, unknown=None)
    numbers = np.asarray(tokenizer.encode(text))
    train, test = np.split(numbers, [len(numbers) * 9 // 10])
    rng, steps, seconds = np.random.default_rng(given.seed), 5 if given.smoke else 900, clock()
    model = GPT(len(tokenizer))
    optimizer = optim.AdamW(model.parameters(), lr=4e-3, weight_decay=0.1)
    schedule = optim.Schedule(optimizer, optim.CosineLR(total=steps), optim.LinearWarmup(steps=steps // 5))
    print(f"{len(text)} characters of {len(tokenizer)} kinds\nstep    training    held out (nats)")
    history = []
    for step in range(1, steps + 1):
        pieces = train[rng.integers(0, len(train) - CONTEXT, BATCH)[:, None] + np.arange(CONTEXT + 1)]
        optimizer.zero_grad()
        loss = nats(model, pieces)
        loss.backward()
        optim.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if step % (steps // (1 if given.smoke else 9)) == 0:
            history.append((step, loss.item(), held_out(model, test)))
            print("{:>4} {:>11.3f} {:>11.3f}".format(*history[-1]))
    orders = (0, 1, 2, 3) if given.smoke else (0, 1, 2, 3, 4, 5)
    counts = [counted(train, test, order) for order in orders]
    found = {"GPT": history[-1][2], "counts": min(counts), "characters": counts[0]}
    print(f"{steps} steps in {seconds():.0f} s. Held out: {found['GPT']:.3f} nats. By counts of characters "
          + ", ".join(f"after {order}: {value:.3f}" for order, value in zip(orders, counts)))
    print("\n" + write(model, tokenizer, rng, "A gradient ", 20 if given.smoke else 600) + "\n")
    at, training, unseen = map(np.array, zip(*history))
    curves = {"training": training, "held out": unseen, "best counts": np.full(len(at), min(counts))}
    draw(viz.curves(at, curves, xlabel="step", ylabel="nats a character", title="The prose of docs/"),
         "char_gpt.png", given)
    return found


if __name__ == "__main__":
    main()
