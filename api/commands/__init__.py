"""What `touchline` can do, a file a family of commands."""
