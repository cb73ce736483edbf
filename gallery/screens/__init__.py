"""What pages show, made ready for their templates: tiles, cards, numbers, words. It decides nothing."""
