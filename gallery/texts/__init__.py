"""Texts by models: better prompts, descriptions, suggested tags."""
