"""A guided tour: one live conversation for each mechanism, and what the standard promises there."""
