"""Floor 1: arrays on devices. Gradients are not part of this package."""
