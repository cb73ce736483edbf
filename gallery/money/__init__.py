"""Money: what was spent, what is spoken for, and budgets."""
