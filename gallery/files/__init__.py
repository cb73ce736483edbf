"""Bytes that are kept: the store, thumbnails, downloads, and whether files and rows agree."""
