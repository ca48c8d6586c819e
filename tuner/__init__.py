"""The tuner: learned search over schedules, safe and reproducible."""
