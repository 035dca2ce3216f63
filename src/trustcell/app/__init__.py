"""Composition root: settings, and the only place where services meet adapters. Each module is imported by itself."""
