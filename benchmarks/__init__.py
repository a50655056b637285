"""Benchmarks that compare the provider with other ways to wait for the same jobs; ``make bench`` runs them all."""
