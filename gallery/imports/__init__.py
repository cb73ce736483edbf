"""Pictures from addresses and archives."""
