"""Chat services on loopback that enforce what the real ones document, and misbehave on command."""
