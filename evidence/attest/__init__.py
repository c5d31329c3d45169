"""Attestation: keys, and the signed statement about a bundle."""
