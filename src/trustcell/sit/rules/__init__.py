"""What a scenario says, and when a step has passed."""
