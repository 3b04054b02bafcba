"""The outside world behind small ports: Postgres, mail servers, the model, the mail parser."""
