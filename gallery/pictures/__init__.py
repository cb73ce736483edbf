"""Pictures among themselves: stacks, versions, duplicates, comparing, the trash."""
