"""Records in Redis, with secrets that must not show."""

from __future__ import annotations

from wxrevenue import Secret, StoredToken

TOKEN, REFRESH, PASSWORD = "fake-token-of-redis", "fake-refresh-of-redis", "fake-password-of-redis"
SECRETS = [TOKEN, REFRESH, PASSWORD]
RECORD = StoredToken(token=Secret(TOKEN), left=100.0, refresh=Secret(REFRESH))
PATIENT, BRIEF = 5.0, 0.05
