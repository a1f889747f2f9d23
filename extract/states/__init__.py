"""Where every source file stands on its way: read from what lies there, never from a list of its own."""
