"""Spec files: from YAML to conversations, with errors as file:line:column."""
