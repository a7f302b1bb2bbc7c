"""Tabular benchmarks: search spaces whose every candidate has been trained before."""
