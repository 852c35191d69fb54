"""The rules of stocks, pure: `curve` (prices), `loans` (who is sold first), `trading` (trades)."""
