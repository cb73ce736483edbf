"""Ways around: the command palette, and every key."""
