"""Where real servers come from and how a whole stack of them is started and stopped."""
