"""What everything stands on: secrets, argument checks, Beijing days. Knows nothing of HTTP, of calls or of services."""
