"""ASN.1 use cases: one file per family, frozen values with the production above the class."""
