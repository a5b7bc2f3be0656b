"""A store of whole objects under names."""
