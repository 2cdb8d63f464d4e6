"""What is sent and what comes back: requests, models, HTTP values, the JSON codec, error codes."""
