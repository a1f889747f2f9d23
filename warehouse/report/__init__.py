"""Report pages: what the published file says, as self-contained HTML for a person."""
