"""I/O helpers that gateway, server and simulators share, and that know no word of our domain."""
