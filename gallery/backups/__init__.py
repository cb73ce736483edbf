"""Backups, restoring them, and the copy that is made before an upgrade."""
