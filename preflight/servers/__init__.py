"""Reaching Redis and Postgres: addresses and URLs, who it is that answers, certificates, and the connections."""
