"""Work in the background: who does it, in which order, and what happens when a worker stops."""
