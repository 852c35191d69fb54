"""Signing in by a wallet: messages of EIP-4361, their signatures, the wallets of an account."""
