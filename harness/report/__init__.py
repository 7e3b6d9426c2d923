"""Results for people and programs. Reads results only; runs and judges nothing."""
