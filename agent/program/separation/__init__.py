"""Keep expected values from the program: split what an example says in two."""
