"""The frozen values that flow from stage to stage. Knows no stage, and performs no effect."""
