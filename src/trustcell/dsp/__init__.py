"""The DSP: requests in, commands out, device messages in, answers out, and the counter rule of SECMP0128A."""
