"""What programs speak to: `v1`, the REST API. Tokens only; a browser's cookies count for nothing here."""
