"""What is proven of the running stack: which value, from which run, at which hop."""
