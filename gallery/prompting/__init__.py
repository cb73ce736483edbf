"""The prompt that is sent: cast, looks, placeholders and house style put together for one model."""

from gallery.prompting.composing import Composition, Scene, as_typed, compose, repeated

__all__ = ["Composition", "Scene", "as_typed", "compose", "repeated"]
