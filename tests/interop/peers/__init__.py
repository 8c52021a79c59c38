"""Real x402 peers on 127.0.0.1: a chain with Circle's token, official sellers and official facilitators."""
