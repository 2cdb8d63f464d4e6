"""Notifications of WeChat Pay: judged, opened, and told by their kind."""
