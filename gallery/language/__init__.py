"""The language of a page: its words and numbers."""
