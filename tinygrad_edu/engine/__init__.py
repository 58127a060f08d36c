"""Floor 2: the graph. It records what ops do, walks it back, and defines no operator and no mathematics."""
