"""Try to refute an experiment: fresh seeds, other settings, designs with something left out."""
