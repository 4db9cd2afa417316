"""The demo county: eight departments' databases, synthetic and seeded, with real-life defects."""
