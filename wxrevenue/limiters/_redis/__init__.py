"""The rate limiter of many processes: one quota, kept in Redis."""
