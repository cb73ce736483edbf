"""The life of a generation: from what a person asks for to pictures and their cost."""
