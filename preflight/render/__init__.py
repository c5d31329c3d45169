"""Pure functions from results to text: console, JSON, JUnit."""
