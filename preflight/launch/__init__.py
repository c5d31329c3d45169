"""What `preflight exec` does between a GO and the command: nothing is started that is not what was judged."""
