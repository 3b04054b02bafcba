"""Real Kafka, PostgreSQL and SMTP servers out of Python packages alone, on loopback, for a demo, a desk or a test."""
