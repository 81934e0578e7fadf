"""What a layer is and how layers run: declaration, discovery, fingerprints, one pass over one decode."""
