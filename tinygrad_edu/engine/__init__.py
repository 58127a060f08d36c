"""Floor 2: the graph. It records ops and runs backward; it defines no operator and no mathematics."""
