"""Floor 1: arrays on devices. Nothing here has heard of a gradient."""
