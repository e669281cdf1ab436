"""What can be done: one class an action, each of which looks, and says what would be sent. None of them sends anything."""
