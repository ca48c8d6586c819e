"""What a model of costs sees of a scheduled kernel: numbers that say what it does to a machine."""
