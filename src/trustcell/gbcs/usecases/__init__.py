"""Room gbcs/usecases."""
