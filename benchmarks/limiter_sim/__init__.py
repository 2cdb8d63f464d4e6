"""The rate limiter and its rivals against simulated servers, in virtual time."""
