"""Django admin. Staff look after operations and their own pictures; superusers see all. Keys nobody sees."""
