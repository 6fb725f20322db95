"""What plugin authors and our own tests drive the core with: a caller, fakes, local stand-ins for vendors."""
