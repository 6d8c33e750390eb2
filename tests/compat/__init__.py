"""Differential scenarios: each runs on httpx 0.28.1 and on httpstream, and both must give the same."""
