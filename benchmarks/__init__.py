"""Speed and accuracy against peers, each in its own process, in the same run.
Numbers in the docs come from here."""
