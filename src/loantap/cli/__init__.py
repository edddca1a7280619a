"""The command line: `app` puts it together; packages above bring commands of their own (loantap.extensions)."""
