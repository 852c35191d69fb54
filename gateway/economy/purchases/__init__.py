"""Credits that are bought: packages, the provider that is paid, and what was bought."""
