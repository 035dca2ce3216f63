"""Several processes over one PostgreSQL: a supervisor with HAN, repository and API; workers with the DSP."""
