"""One call from its beginning to its record, and the directory of all of them."""
