"""Settings that would lose or leak something are named before the first request."""
