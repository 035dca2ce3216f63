"""What may follow what, how many at once, and when a campaign will be over."""
