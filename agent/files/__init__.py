"""Files that a person names: reading, writing whole, appending lines, plain data for JSON. Knows no format."""
