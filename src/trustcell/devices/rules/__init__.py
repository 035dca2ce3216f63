"""Decisions of a device, one file per subject: policy, replay, authority, credentials, details, firmware, pending."""
