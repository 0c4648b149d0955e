"""Published tasks on real daily bars, scored by the ranking model on prices alone."""
