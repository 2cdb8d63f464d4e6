"""What everything kept in Redis shares: the connection and the encryption at rest."""
