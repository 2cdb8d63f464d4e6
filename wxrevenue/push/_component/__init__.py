"""Pushes to a component: decryption, XML, replays, and the judgement on one push."""
