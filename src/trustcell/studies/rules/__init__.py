"""What a study simulates: parameters with their sources, models over numpy arrays, what is told of them."""
