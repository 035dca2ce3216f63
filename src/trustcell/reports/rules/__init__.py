"""What a report asks and how it judges: values and SQL texts, no database."""
