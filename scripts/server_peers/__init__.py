"""The servers that scripts/bench-server measures next to nearsay: their environments, and how they are started."""
