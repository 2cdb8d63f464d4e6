"""The suite that every rate limiter runs through."""
