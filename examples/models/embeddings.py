"""Word vectors from a corpus: skip-gram with negative sampling (Mikolov et al. 2013).

A word's vector is trained to tell the words that stand near it from words drawn at random: for a pair of a
word and a neighbour, -ln sigmoid(u . v), and for each of some random words, -ln sigmoid(-u . v'). A grammar
writes the corpus; no word of it says what it is, only the company it keeps. You will see the vectors on a
plane, and what king - man + woman is. Baselines: counts (Levy, Goldberg 2014), and vectors drawn at random.

Change: WINDOW to 1, then 6. Which similarity is lost first?
"""

from __future__ import annotations

import itertools

import numpy as np
from shared import clock, draw, epoch, options, plane

import tinygrad_edu as te
from tinygrad_edu import data, nn, optim

SIZE, WINDOW, NEGATIVES = 24, 3, 5
GROUPS = {group: words.split() for group, words in {
    "men": "man father uncle", "women": "woman mother aunt", "kings": "king prince duke",
    "queens": "queen princess duchess", "animals": "cat dog horse cow", "food": "bread cheese apples soup",
    "metals": "gold silver iron copper", "trades": "baker smith miller tailor"}.items()}
ROYAL = ("the {} sits on the throne and loves his children", "the {} wears his crown when he can",
         "the {} rules from the palace until he sleeps", "the {} calls his knights and he leads them")
COMMON = ("the {} works on the field and loves his children", "the {} wears his apron when he can",
          "the {} walks to the village until he sleeps", "the {} calls his neighbours and he feeds them")
PATTERNS = {
    "men": COMMON, "women": COMMON, "kings": ROYAL, "queens": ROYAL,
    "animals": ("the {} sleeps in the barn", "the {} runs after its tail", "they feed the {} hay"),
    "food": ("we eat {} at noon", "she cooks {} for dinner", "the plate of {} tastes good"),
    "metals": ("they dig {} in the mine", "he melts {} to coins", "the shine of {} is bright"),
    "trades": ("the {} opens his shop", "the {} sells to the market", "we pay the {} well")}


def corpus(rng, count):
    """`count` sentences, each a list of words."""
    for group in rng.choice(list(PATTERNS), count):
        text = str(rng.choice(PATTERNS[group])).format(rng.choice(GROUPS[group]))
        if group in ("women", "queens"):
            text = text.replace(" his ", " her ").replace(" he ", " she ")
        yield text.split()


def pairs(sentences, number):
    """All (word, neighbour) within WINDOW words, as numbers (n, 2)."""
    return np.array([(number[s[i]], number[s[j]]) for s in sentences for i in range(len(s))
                     for j in range(max(0, i - WINDOW), min(len(s), i + WINDOW + 1)) if i != j])


class SkipGram(nn.Module):
    """Two vectors for each word: as the one looked at, and as a neighbour."""

    def __init__(self, words):
        self.word, self.context = nn.Embedding(words, SIZE), nn.Embedding(words, SIZE)
        nn.init.zeros_(self.context.weight)

    def forward(self, word, others):
        return te.einsum("nd,nkd->nk", self.word(word), self.context(others))


def counted(near, words):
    """Vectors from counts: singular vectors of positive pointwise mutual information."""
    share = np.bincount(near @ (words, 1), minlength=words**2).reshape(words, words) / len(near)
    chance = np.outer(share.sum(1), share.sum(0))
    u, s, _ = np.linalg.svd(np.maximum(np.log(np.maximum(share, 1e-12) / chance), 0))
    return u[:, :SIZE] * np.sqrt(s[:SIZE])


def nearest(vectors, target, without):
    """The number of the word whose vector has the smallest angle with the target, some left out."""
    cosine = vectors @ target / (np.linalg.norm(vectors, axis=1) + 1e-12)
    return next(int(k) for k in np.argsort(-cosine) if k not in without)


def report(name, vectors, number):
    """The share of words whose nearest one is of their group, and of analogies that come out."""
    group = {number[word]: g for g, members in GROUPS.items() for word in members}
    same = np.mean([group.get(nearest(vectors, vectors[k], (k,))) == g for k, g in group.items()])
    asked = itertools.product(*([number[w] for w in GROUPS[g]] for g in ("kings", "men", "women")))
    hits = np.mean([group.get(nearest(vectors, vectors[a] - vectors[b] + vectors[c], (a, b, c))) == "queens"
                    for a, b, c in asked])
    print(f"{name:<28}{same:>18.0%}{hits:>28.0%}")
    return same, hits


def main(arguments=None):
    given = options(__doc__, arguments)
    rng, seconds = np.random.default_rng(given.seed), clock()
    sentences = list(corpus(rng, 300 if given.smoke else 4000))
    number = {word: k for k, word in enumerate(sorted({word for s in sentences for word in s}))}
    near, words = pairs(sentences, number), len(number)
    often = np.bincount(near[:, 1], minlength=words) ** 0.75
    noise = rng.choice(words, (len(near), NEGATIVES), p=often / often.sum())
    rows = data.ArrayDataset(near[:, 0], np.column_stack([near[:, 1], noise]))
    model = SkipGram(words)
    optimizer = optim.Adam(model.parameters(), lr=5e-3)
    loader = data.DataLoader(rows, batch_size=256, shuffle=True, seed=given.seed)
    sign = te.tensor([1.0] + [-1.0] * NEGATIVES)
    print(f"{len(sentences)} sentences, {words} words, {len(near)} pairs; loss of each epoch:")
    for _ in range(2 if given.smoke else 6):
        print(round(epoch(optimizer, loader, lambda w, o: te.softplus(-model(w, o) * sign).sum(1).mean()), 3))
    vectors = model.word.weight.numpy()
    print(f"{seconds():.0f} s. {'':<22}same group nearest      king - man + woman: a queen")
    kinds = {"skip-gram": vectors, "counts": counted(near, words), "drawn": rng.normal(size=vectors.shape)}
    found = {name: report(name, v, number) for name, v in kinds.items()}
    chosen = list(itertools.chain(*GROUPS.values()))
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    shown = unit[[number[word] for word in chosen]] - unit.mean(axis=0)
    flat = dict(zip(chosen, shown @ np.linalg.svd(shown)[2][:2].T))
    points = {group: [flat[word] for word in members] for group, members in GROUPS.items()}
    draw(plane({}, points, names=flat, xlabel="first principal component", ylabel="second",
               title="Words, by the company they keep"), "embeddings.png", given)
    return found


if __name__ == "__main__":
    main()
