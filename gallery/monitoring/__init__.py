"""What operators watch: readiness, and numbers for Prometheus."""
