"""The harness: starts real servers, drives the preflight gate, and follows its numbers through every hop."""
