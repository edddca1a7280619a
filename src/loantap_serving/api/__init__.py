"""The scoring service: an application comes in as JSON, its score goes out."""
