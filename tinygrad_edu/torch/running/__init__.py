"""Runs PyTorch programs unmodified: answers `import torch`, and lists the words that are missing."""
