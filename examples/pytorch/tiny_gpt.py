"""A character GPT as PyTorch's programs write one: causal attention, tied weights, AdamW with groups.

python examples/pytorch/tiny_gpt.py                  # with PyTorch
tinygrad-edu torch examples/pytorch/tiny_gpt.py      # without it
"""

import argparse
import math

import torch
import torch.nn as nn
import torch.nn.functional as F

TEXT = """A gradient is a slope in many dimensions. A network is a function with many numbers in it.
Training moves each number a little down its slope. Then the loss is a little smaller, and we do it again.
A kernel is a function that many threads call at once. A race is two threads that do not wait for each other.
"""


class Block(nn.Module):
    """Attention and two linear layers, each added to what it was given."""

    def __init__(self, width, heads, length):
        super().__init__()
        self.heads = heads
        self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        mask = torch.tril(torch.ones(length, length)).view(1, 1, length, length)
        self.register_buffer("mask", mask)

    def forward(self, x):
        b, t, c = x.size()
        q, k, v = self.qkv(self.first(x)).split(c, dim=2)
        q, k, v = (y.view(b, t, self.heads, c // self.heads).transpose(1, 2) for y in (q, k, v))
        weights = (q @ k.transpose(-2, -1)) * (1.0 / math.sqrt(k.size(-1)))
        weights = weights.masked_fill(self.mask[:, :, :t, :t] == 0, float("-inf"))
        y = (F.softmax(weights, dim=-1) @ v).transpose(1, 2).contiguous().view(b, t, c)
        x = x + self.out(y)
        return x + self.mlp(self.second(x))


class GPT(nn.Module):
    """The scores of each next character, from the characters before."""

    def __init__(self, vocabulary, width=32, heads=4, layers=2, length=32):
        super().__init__()
        self.length = length
        self.tokens, self.places = nn.Embedding(vocabulary, width), nn.Embedding(length, width)
        self.blocks = nn.ModuleList([Block(width, heads, length) for _ in range(layers)])
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, vocabulary, bias=False)
        self.head.weight = self.tokens.weight
        self.apply(self.start)

    @staticmethod
    def start(module):
        if isinstance(module, (nn.Linear, nn.Embedding)):
            nn.init.normal_(module.weight, mean=0.0, std=0.1)
        if isinstance(module, nn.Linear) and module.bias is not None:
            module.bias.data.zero_()

    def forward(self, ids, targets=None):
        x = self.tokens(ids) + self.places(torch.arange(ids.size(1), device=ids.device))
        for block in self.blocks:
            x = block(x)
        logits = self.head(self.norm(x))
        if targets is None:
            return logits, None
        return logits, F.cross_entropy(logits.view(-1, logits.size(-1)), targets.view(-1), ignore_index=-1)

    @torch.no_grad()
    def generate(self, ids, count, temperature=1.0, top_k=None):
        for _ in range(count):
            logits = self(ids[:, -self.length :])[0][:, -1, :] / temperature
            if top_k is not None:
                least, _ = torch.topk(logits, top_k)
                logits[logits < least[:, [-1]]] = -float("inf")
            ids = torch.cat((ids, torch.multinomial(F.softmax(logits, dim=-1), num_samples=1)), dim=1)
        return ids


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=200)
    steps = parser.parse_args().steps
    torch.manual_seed(1337)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    letters = sorted(set(TEXT))
    number = {letter: i for i, letter in enumerate(letters)}
    data = torch.tensor([number[letter] for letter in TEXT], dtype=torch.long)
    model = GPT(len(letters)).to(device)
    decay = [p for p in model.parameters() if p.dim() >= 2]
    rest = [p for p in model.parameters() if p.dim() < 2]
    groups = [{"params": decay, "weight_decay": 0.1}, {"params": rest, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=3e-3, betas=(0.9, 0.95))
    print(f"{sum(p.numel() for p in model.parameters())} parameters")
    for step in range(steps):
        starts = torch.randint(len(data) - model.length - 1, (16,))
        x = torch.stack([data[i : i + model.length] for i in starts]).to(device)
        y = torch.stack([data[i + 1 : i + 1 + model.length] for i in starts]).to(device)
        _, loss = model(x, y)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if step % 50 == 0 or step == steps - 1:
            print(f"step {step:4d}  loss {loss.item():.3f}")
    model.eval()
    written = model.generate(data[:1].view(1, 1).to(device), 60, top_k=5)[0].tolist()
    print("".join(letters[i] for i in written))


if __name__ == "__main__":
    main()
