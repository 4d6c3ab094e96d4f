"""Decisions: what figures let one conclude, and how sure to be. Pure computation; nothing here draws or composes."""
