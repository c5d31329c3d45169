"""Exchanges through ccxt: a client that can only read, and what their answers mean."""
