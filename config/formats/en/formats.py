"""Moments in the lists of the admin, as short as the pages write them. Pages name their own formats."""

DATE_FORMAT = "j M Y"
DATETIME_FORMAT = "j M Y, H:i"
