"""REINFORCE in a corridor: walk to the right end of it. The policy is a Categorical over two moves.

python examples/pytorch/policy_gradient.py                 # with PyTorch
tinygrad-edu torch examples/pytorch/policy_gradient.py     # without it
"""

import argparse

import torch
import torch.nn as nn
import torch.optim as optim
from torch.distributions import Categorical


class Corridor:
    """Places 0 to n - 1; it begins in the middle, and ends at either end, with reward 1 at the right one."""

    def __init__(self, n=9):
        self.n = n

    def reset(self):
        self.place = self.n // 2
        return self.state()

    def state(self):
        seen = torch.zeros(self.n)
        seen[self.place] = 1.0
        return seen

    def step(self, action):
        self.place += 1 if action == 1 else -1
        done = self.place in (0, self.n - 1)
        return self.state(), 1.0 if done and self.place else -0.02, done


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--episodes", type=int, default=150)
    episodes = parser.parse_args().episodes
    torch.manual_seed(543)
    world = Corridor()
    policy = nn.Sequential(
        nn.Linear(world.n, 16), nn.Dropout(p=0.1), nn.ReLU(), nn.Linear(16, 2), nn.Softmax(dim=-1)
    )
    optimizer = optim.Adam(policy.parameters(), lr=1e-2)
    running = 0.0
    for episode in range(episodes):
        state, done = world.reset(), False
        logs, rewards = [], []
        while not done and len(rewards) < 60:
            choice = Categorical(policy(state.unsqueeze(0)))
            action = choice.sample()
            logs.append(choice.log_prob(action))
            state, reward, done = world.step(action.item())
            rewards.append(reward)
        total, returns = 0.0, []
        for reward in rewards[::-1]:
            total = reward + 0.98 * total
            returns.insert(0, total)
        returns = torch.tensor(returns)
        returns = (returns - returns.mean()) / (returns.std() + 1e-6)
        loss = torch.cat([-log * value for log, value in zip(logs, returns)]).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        running = 0.95 * running + 0.05 * sum(rewards)
        if episode % 50 == 49:
            print(f"episode {episode + 1}  running reward {running:.2f}")


if __name__ == "__main__":
    main()
