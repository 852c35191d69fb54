"""Messages of admins about what others have made: their orders, a market before it trades."""
